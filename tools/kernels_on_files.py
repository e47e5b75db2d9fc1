"""A pytest plugin: nbval's kernels listen on files, as run_notebook's do, so that many can start at once."""

import itertools
import tempfile

from jupyter_client import KernelManager
from nbval import kernel


def pytest_configure(config):
    """Let kernels talk over files in a folder with a short name: the paths of sockets have a limit."""
    folder = tempfile.TemporaryDirectory(prefix="fa-")
    config.add_cleanup(folder.cleanup)
    numbers = itertools.count()

    def manager(**arguments) -> KernelManager:
        file = f"{folder.name}/{next(numbers)}.json"
        return KernelManager(transport="ipc", connection_file=file, **arguments)

    kernel.KernelManager = manager
