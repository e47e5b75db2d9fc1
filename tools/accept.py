"""Adopt executed notebooks as the committed ones, and remake the README's tables: accept.py NOTEBOOK ..."""

import json
import sys
from pathlib import Path

import readme
from up_to_date import inputs_of, is_up_to_date, record, record_of

from fa_utils.files import write_whole


def adopt(name: str) -> bool:
    """Copy build/NAME.ipynb over notebooks/NAME.ipynb, whole or not at all; say whether it differed.

    The copy then is what the run was made from. A notebook edited since is not lost: the program exits.
    """
    executed, committed = Path("build", f"{name}.ipynb"), Path("notebooks", f"{name}.ipynb")
    if not is_up_to_date(executed, inputs_of(committed, [])):
        sys.exit(f"{committed} was changed while it ran; nothing of it is adopted: run make accept again")
    content = executed.read_bytes()
    if content == committed.read_bytes():
        return False
    write_whole(committed, content)
    paths = json.loads(record_of(executed).read_bytes())["made"]
    made = {path: Path(path).read_bytes() for path in paths}
    write_whole(record_of(executed), record(inputs_of(committed, []), made))
    return True


if __name__ == "__main__":
    adopted = [name for name in sys.argv[1:] if adopt(name)]
    readme.write()
    print("adopted: " + (", ".join(adopted) or "nothing; outputs are the committed ones already"))
