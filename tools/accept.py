"""Adopt executed notebooks as the committed ones, and remake the README's tables: accept.py NOTEBOOK ..."""

import sys
from pathlib import Path

import readme

from fa_utils.files import write_whole


def adopt(name: str) -> bool:
    """Copy build/NAME.ipynb over notebooks/NAME.ipynb, whole or not at all; say whether it differed."""
    executed, committed = Path("build", f"{name}.ipynb"), Path("notebooks", f"{name}.ipynb")
    if executed.read_bytes() == committed.read_bytes():
        return False
    write_whole(committed, executed.read_bytes())
    return True


if __name__ == "__main__":
    adopted = [name for name in sys.argv[1:] if adopt(name)]
    readme.write()
    print("adopted: " + (", ".join(adopted) or "nothing; outputs are the committed ones already"))
