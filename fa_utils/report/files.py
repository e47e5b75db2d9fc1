"""Writing files so that each is complete or absent, never half-written."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, which never holds part of its content: a process that is killed leaves the old file.

    Parameters
    ----------
    path
        In a folder that exists.
    content
        All that the file holds afterwards.

    Raises
    ------
    OSError
        A file that cannot be written. What was there before stays, and nothing is left beside it.

    Examples
    --------
    >>> write_whole(Path("build", "table.csv"), b"x,y")  # doctest: +SKIP
    """
    # Two processes may write one file at a time: each has an unfinished one of its own.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
