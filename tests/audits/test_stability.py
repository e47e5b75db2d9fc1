"""Grounds to run on: each once, with what makes it another, and stable where all of them agree."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import stability
from stability import Ground


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """An empty folder, a machine with one Python and four kinds of kernels, and environments made at once."""
    monkeypatch.chdir(tmp_path)
    kernels = {"Prescott": "Katmai", "Sandybridge": "Sandybridge", "Haswell": "Haswell", "Zen": "Haswell"}
    monkeypatch.setattr(stability, "kernel_of", lambda core: kernels.get(core, ""))
    monkeypatch.setattr(
        stability, "environment", lambda version, packages: Path(f"{version}-{packages}", "bin")
    )
    monkeypatch.setattr(stability, "PYTHONS", ("3.11", "2.999"))

    def pretended(command, **how):
        return subprocess.CompletedProcess(command, "python2" in command[-1])

    monkeypatch.setattr(subprocess, "run", pretended)


def test_each_kernel_that_runs_here_is_a_ground_once(alone, capsys):
    found = [ground for ground in stability.grounds() if ground.name.startswith("openblas-")]
    assert found == [
        Ground(f"openblas-{core}", [f"OPENBLAS_CORETYPE={core}"])
        for core in ("Prescott", "Sandybridge", "Haswell")
    ]
    said = capsys.readouterr().out.splitlines()
    assert "openblas-SkylakeX: it does not run on this processor, left out" in said
    assert "openblas-Zen: Haswell, left out" in said and "Python 2.999: not on this machine" in said


def test_roundings_instructions_threads_pythons_and_packages_are_grounds(alone):
    given = {ground.name: ground.given for ground in stability.grounds()}
    assert {f"rounding-{mode}" for mode in ("up", "down", "zero")} <= given.keys()
    assert given["rounding-up"] == ["ROUNDING=up"] and given["two-threads"] == ["THREADS=2"]
    assert len(given["all-without"]) == 3
    assert given["python-3.11-locked"] == ["BIN=3.11-locked/bin", "FA_PIXELS=yes"]
    for packages in ("oldest", "newest"):
        assert given[f"python-3.11-{packages}"] == [f"BIN=3.11-{packages}/bin", "FA_PIXELS=no"]
    assert all("=" in word for words in given.values() for word in words)


def test_a_ground_is_given_to_make_and_to_what_runs_below_it(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    stability.FOLDER.mkdir(parents=True)
    commands = []

    def pretended(command, env, **how):
        commands.append((command, env))
        return subprocess.CompletedProcess(
            command, len(commands) - 1, "x\n9 compared: none differ\nverdicts: y\n", "z"
        )

    monkeypatch.setattr(subprocess, "run", pretended)
    ground = Ground("one", ["ROUNDING=up", "GLIBC_TUNABLES=a=b"])
    assert [stability.agrees(ground), stability.agrees(ground)] == [True, False]
    command, surroundings = commands[0]
    assert command == ["make", "reproduce", "OUT=build/stability/one", *ground.given]
    assert surroundings["GLIBC_TUNABLES"] == "a=b"
    assert capsys.readouterr().out.splitlines() == [
        "one: agrees: 9 compared: none differ",
        "one: DIFFERS: 9 compared: none differ",
    ]
    assert (stability.FOLDER / "one.log").read_text().endswith("verdicts: y\nz")


@pytest.mark.parametrize(("outcomes", "code"), [([True, True], 0), ([True, False], 1)])
def test_stable_means_that_all_grounds_agree(monkeypatch, tmp_path, capsys, outcomes, code):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stability, "grounds", lambda: iter(outcomes))
    monkeypatch.setattr(stability, "agrees", lambda ground: ground)
    assert stability.main() == code
    assert f"{sum(outcomes)} of 2 grounds agree" in capsys.readouterr().out


def test_a_kernel_has_a_name_unless_it_stops(tmp_path, monkeypatch):
    assert stability.kernel_of("Prescott")
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert stability.kernel_of("Prescott") == ""
