"""The kernel that runs notebooks: this interpreter's own, whatever kernelspecs and ports there are.

Run as a program it is that kernel: kernel.py -f CONNECTION_FILE. FA_ROUNDING says where the processor rounds:
up, down or zero; nearest without it. As a pytest plugin it gives such kernels to nbval.
"""

import ctypes
import gc
import os
import platform
import shutil
import sys
import tempfile
import weakref
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec

# The values of FE_UPWARD, FE_DOWNWARD and FE_TOWARDZERO in C.
X86_64 = {"nearest": 0, "up": 0x800, "down": 0x400, "zero": 0xC00}
AARCH64 = {"nearest": 0, "up": 0x400000, "down": 0x800000, "zero": 0xC00000}


def set_rounding(mode: str) -> None:
    """Let the processor round to nearest, up, down or towards zero, in this thread and those it starts."""
    modes = AARCH64 if platform.machine() in ("aarch64", "arm64") else X86_64
    if mode not in modes:
        raise SystemExit(f"ROUNDING is {mode!r}; choose one of {', '.join(modes)}")
    ctypes.CDLL(None).fesetround(modes[mode])


def own(manager: type) -> type:
    """Return a subclass of a kernel manager whose kernels run this file, and listen on files.

    The default, TCP, picks free ports and binds them a second later: of many kernels that start side by
    side, now and then two pick the same one. The path of a socket may have some 100 bytes at most.
    """

    class OwnKernel(manager):
        def __init__(self, **settings) -> None:
            folder = tempfile.mkdtemp(prefix="fa-", dir="/tmp")
            settings |= {"transport": "ipc", "connection_file": f"{folder}/kernel.json"}
            super().__init__(**settings)
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self._kernel_spec = KernelSpec(argv=[sys.executable, __file__, "-f", "{connection_file}"])

    return OwnKernel


def pytest_configure() -> None:
    """Give nbval these kernels."""
    from nbval import kernel

    kernel.KernelManager = own(kernel.KernelManager)


if __name__ == "__main__":
    # What is imported stays: looking for garbage in it takes a tenth of the start.
    gc.set_threshold(50_000, 20, 20)
    from ipykernel import kernelapp

    sys.path = [folder for folder in sys.path if folder != str(Path(__file__).parent)]
    set_rounding(os.environ.get("FA_ROUNDING") or "nearest")
    kernelapp.launch_new_instance()
