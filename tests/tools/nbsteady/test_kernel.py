"""Kernels round as asked, whichever IPython kernelspec starts them, and listen in a short folder."""

import ctypes
import gc
import os
import platform
from pathlib import Path

import pytest
from jupyter_client import AsyncKernelManager, KernelManager
from jupyter_client.kernelspec import KernelSpec
from nbsteady import launcher
from nbsteady.kernel import rounding_kernel, with_rounding

libc = ctypes.CDLL(None)
LONGEST_SOCKET = 103  # bytes of a path, macOS; Linux takes 107


@pytest.fixture
def nearest():
    """The usual rounding, before and after."""
    before = libc.fegetround()
    yield before
    libc.fesetround(before)


def third(sign=1):
    """Return a third of 1 or -1, computed when it is asked for."""
    return float(sign) / 3.0


def test_rounding_moves_the_last_digit_of_what_is_no_binary_number(nearest):
    found = {}
    for mode in ("up", "down", "zero", "nearest"):
        launcher.set_rounding(mode)
        found[mode] = third(), third(-1)
    launcher.set_rounding("nearest")
    up = found["up"]
    down = found["down"]
    zero = found["zero"]
    assert up[0] > down[0] and up[1] > down[1]
    assert zero == (down[0], up[1])
    assert found["nearest"] == (1 / 3, -1 / 3) and {1 / 3} < {up[0], down[0]}
    assert libc.fegetround() == nearest


def test_each_processor_has_numbers_of_its_own_for_it(monkeypatch):
    for machine, modes in launcher.PROCESSORS.items():
        monkeypatch.setattr(platform, "machine", lambda machine=machine: machine)
        assert {mode: launcher.rounding_number(mode) for mode in modes} == modes
    assert len({*launcher.X86_64.values()} | {*launcher.AARCH64.values()}) == 7


@pytest.mark.parametrize("mode", ["nonsense", "UP", " up"])
def test_another_rounding_is_refused_in_one_sentence(nearest, mode):
    with pytest.raises(ValueError) as refused:
        launcher.set_rounding(mode)
    assert str(refused.value) == f"rounding is {mode!r}; choose one of nearest, up, down, zero"
    assert libc.fegetround() == nearest


@pytest.mark.parametrize(("name", "machine"), [("nt", "AMD64"), ("posix", "riscv64")])
def test_other_machines_are_refused_in_one_sentence(monkeypatch, name, machine):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "system", lambda: "There")
    monkeypatch.setattr(os, "name", name)
    with pytest.raises(ValueError) as refused:
        launcher.rounding_number("up")
    assert launcher.rounding_number("nearest") == 0
    said = f"rounding up needs Linux or macOS on x86-64 or AArch64; this is There on {machine}"
    assert str(refused.value) == said


@pytest.fixture(params=[AsyncKernelManager, KernelManager], ids=lambda manager: manager.__name__)
def manager(request, tmp_path, monkeypatch):
    """A manager of kernels that round down, with a TMPDIR of a hundred characters."""
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    return rounding_kernel(request.param, "down")(kernel_name="python3")


@pytest.mark.parametrize("module", ["ipykernel_launcher", "ipykernel"])
def test_a_kernelspecs_own_python_runs_the_launcher(manager, module):
    command = ["/another/python", "-X", "frozen_modules=off", "-m", module, "-f", "{connection_file}"]
    manager._kernel_spec = KernelSpec(argv=command)
    given = [launcher.__file__, "down", "-f", manager.connection_file]
    assert manager.format_kernel_cmd() == [*command[:3], *given]


def test_kernels_of_other_languages_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"only kernels of IPython .* this one starts by R --slave -m x"):
        with_rounding(["R", "--slave", "-m", "x"], "up")


def test_sockets_are_files_whose_paths_are_short_enough_anywhere(manager):
    assert manager.transport == "ipc"
    folder = Path(manager.connection_file).parent
    assert folder.parent == Path("/tmp") and folder.is_dir()
    assert len(f"{manager.connection_file}-ipc-5".encode()) <= LONGEST_SOCKET


def test_every_kernel_has_a_folder_of_its_own_that_goes_with_it(manager):
    other = type(manager)(kernel_name="python3")
    folders = [Path(each.connection_file).parent for each in (manager, other)]
    assert folders[0] != folders[1]
    del other
    gc.collect()
    assert [folder.exists() for folder in folders] == [True, False]
