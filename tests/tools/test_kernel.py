"""The kernel that runs notebooks: rounding as asked, this interpreter, and sockets in a short folder."""

import ctypes
import gc
import platform
import sys
from pathlib import Path

import kernel
import pytest
from jupyter_client import AsyncKernelManager, KernelManager

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
        kernel.set_rounding(mode)
        found[mode] = third(), third(-1)
    kernel.set_rounding("nearest")
    up, down, zero = found["up"], found["down"], found["zero"]
    assert up[0] > down[0] and up[1] > down[1]
    assert zero == (down[0], up[1])
    assert found["nearest"] == (1 / 3, -1 / 3) and {1 / 3} < {up[0], down[0]}
    assert libc.fegetround() == nearest


@pytest.mark.parametrize(("machine", "modes"), [("arm64", kernel.AARCH64), ("aarch64", kernel.AARCH64)])
def test_each_processor_has_numbers_of_its_own_for_it(monkeypatch, machine, modes):
    asked = []
    pretended = type("C", (), {"fesetround": staticmethod(asked.append)})
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pretended)
    for mode in modes:
        kernel.set_rounding(mode)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    for mode in kernel.X86_64:
        kernel.set_rounding(mode)
    assert asked == [*modes.values(), *kernel.X86_64.values()] and len({*asked}) == 7


@pytest.mark.parametrize("mode", ["nonsense", "UP", " up"])
def test_another_rounding_is_refused_in_one_sentence(nearest, mode):
    with pytest.raises(SystemExit) as refused:
        kernel.set_rounding(mode)
    assert refused.value.code == f"ROUNDING is {mode!r}; choose one of nearest, up, down, zero"
    assert libc.fegetround() == nearest


@pytest.fixture(params=[AsyncKernelManager, KernelManager], ids=lambda manager: manager.__name__)
def manager(request, tmp_path, monkeypatch):
    """A manager of kernels where Jupyter finds another "python3", and a TMPDIR of a hundred characters."""
    found = tmp_path / "kernels" / "python3"
    found.mkdir(parents=True)
    (found / "kernel.json").write_text('{"argv": ["/another/python"], "display_name": "x", "language": "x"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    return kernel.own(request.param)(kernel_name="python3")


def test_whatever_kernelspec_is_found_the_kernel_is_this_interpreters(manager):
    command = manager.format_kernel_cmd()
    assert command == [sys.executable, kernel.__file__, "-f", manager.connection_file]
    assert manager.kernel_spec.argv[0] == sys.executable


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


def test_nbval_gets_these_kernels(monkeypatch):
    from nbval import kernel as nbvals

    before = nbvals.KernelManager
    monkeypatch.setattr(nbvals, "KernelManager", before)
    kernel.pytest_configure()
    assert issubclass(nbvals.KernelManager, before) and nbvals.KernelManager is not before
