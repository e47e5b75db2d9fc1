"""Experiments that several tests draw from, in a module of their own: other processes import it as well."""

import os
import time

import numpy as np

import fa_utils as fa


def stream():
    return np.random.default_rng(5)


def three_numbers(rng):
    return rng.standard_normal(3)


def product(rng):
    matrix = rng.standard_normal((200, 200))
    return matrix @ matrix


def scaled(factor, rng):
    return factor * rng.random()


def slow(rng):
    time.sleep(0.05)
    return rng.standard_normal(3)


def refuses_small_numbers(rng):
    number = rng.random()
    if number < 0.1:
        raise ValueError(f"{number:.3f} is too small")
    return number


def ends_its_process(status, rng):
    if status:
        os._exit(status)
    return rng.random()


def an_ensemble(rng):
    return fa.ensemble(three_numbers, 2, rng=rng)
