"""Start an IPython kernel whose processor rounds as asked: launcher.py MODE -f CONNECTION_FILE

It is run by its path, with the kernel's own Python, which need not have this package.
"""

import contextlib
import ctypes
import os
import platform
import sys
from pathlib import Path

# The values of FE_UPWARD, FE_DOWNWARD and FE_TOWARDZERO in C; FE_TONEAREST is 0 everywhere.
X86_64 = {"nearest": 0, "up": 0x800, "down": 0x400, "zero": 0xC00}
AARCH64 = {"nearest": 0, "up": 0x400000, "down": 0x800000, "zero": 0xC00000}
PROCESSORS = {"x86_64": X86_64, "amd64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}


def rounding_number(mode: str) -> int:
    """Return the number that C has here for a way of rounding; raise ValueError where there is none."""
    if mode not in X86_64:
        raise ValueError(f"rounding is {mode!r}; choose one of {', '.join(X86_64)}")
    if mode == "nearest":
        return 0
    machine = platform.machine()
    if os.name != "posix" or machine not in PROCESSORS:
        here = f"{platform.system()} on {machine}"
        raise ValueError(f"rounding {mode} needs Linux or macOS on x86-64 or AArch64; this is {here}")
    return PROCESSORS[machine][mode]


def set_rounding(mode: str) -> None:
    """Let the processor round to nearest, up, down or towards zero, in this thread and those it starts."""
    ctypes.CDLL(None).fesetround(rounding_number(mode))


if __name__ == "__main__":
    folder = str(Path(__file__).parent)
    sys.path = [place for place in sys.path if place != folder]
    mode = sys.argv.pop(1)
    from ipykernel import kernelapp

    # NumPy before 2.4 finds its kinds of numbers by how 0.1 is rounded, once; rounded up, it warns of each.
    with contextlib.suppress(ImportError):
        import numpy

        for kind in numpy.typecodes["Float"]:
            numpy.finfo(kind)
    set_rounding(mode)
    kernelapp.launch_new_instance()
