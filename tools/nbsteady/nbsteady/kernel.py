"""Managers of kernels that round as asked."""

import shutil
import tempfile
import weakref
from itertools import pairwise

from nbsteady import launcher

IPYTHON = ("ipykernel_launcher", "ipykernel")  # what a kernelspec starts with -m


def with_rounding(command: list[str], mode: str) -> list[str]:
    """Return a command that starts an IPython kernel, with the launcher in place of IPython's own."""
    for place, (option, module) in enumerate(pairwise(command)):
        if option == "-m" and module in IPYTHON:
            return [*command[:place], launcher.__file__, mode, *command[place + 2 :]]
    raise ValueError(
        f"only kernels of IPython can be told how to round; this one starts by {' '.join(command)}"
    )


def rounding_kernel(manager: type, mode: str) -> type:
    """Return a subclass of a kernel manager whose kernels round as asked, and listen on files.

    The default, TCP, picks free ports and binds them a second later: of many kernels that start side by
    side, now and then two pick the same one. The path of a socket may have some 100 bytes at most, so
    it lies in /tmp.
    """
    launcher.rounding_number(mode)

    class RoundingKernel(manager):
        def __init__(self, **settings) -> None:
            folder = tempfile.mkdtemp(prefix="nbsteady-", dir="/tmp")
            settings |= {"transport": "ipc", "connection_file": f"{folder}/kernel.json"}
            super().__init__(**settings)
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

        def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
            return with_rounding(super().format_kernel_cmd(extra_arguments), mode)

    return RoundingKernel
