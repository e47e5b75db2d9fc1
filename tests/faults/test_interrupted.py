"""Ctrl-C at any moment: one line, no traceback, nothing half-written, and the next run completes."""

import os
import random
import signal
import subprocess
import time

import pytest
from small_copy import BIN, CLAIM, PICTURE, clean_environment, copy_repository, make, write_notebook

MOMENTS = int(os.environ.get("FA_KILLS", "10"))


@pytest.fixture(scope="module")
def accepted(tmp_path_factory):
    """A small repository of three notebooks, accepted."""
    folder = copy_repository(tmp_path_factory.mktemp("interrupted") / "a cópy")
    for name in ("one", "two"):
        write_notebook(folder, name, PICTURE.format(name=name), CLAIM.format(bound=5))
    ran = make(folder, "accept")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def interrupted(folder, moment, *arguments):
    """Start make as a terminal would, send all in the foreground an interrupt, and return what was said."""
    run = subprocess.Popen(
        ["make", f"BIN={BIN}", "JOBS=2", *arguments],
        cwd=folder,
        env=clean_environment(),
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(moment)
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGINT)
    return run.communicate()[0], run.returncode


@pytest.mark.parametrize("number", range(MOMENTS))
def test_an_interrupt_says_one_line_and_leaves_nothing_half_written(accepted, number, tmp_path):
    folder = tmp_path / "a cópy"
    subprocess.run(["cp", "-a", accepted, folder], check=True)
    subprocess.run(["rm", "-rf", folder / "build"], check=True)
    committed = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    arguments = (["reproduce"], ["reproduce", "P=seed=2"], ["accept"])[number % 3]
    said, code = interrupted(folder, random.Random(number).uniform(0.05, 9.0), *arguments)
    assert "Traceback" not in said and "KeyboardInterrupt" not in said, said
    if code:
        assert len([line for line in said.splitlines() if line.startswith("make")]) <= 1, said
    whole = [*folder.glob("build/**/[!.]*.ipynb")]
    assert all('"execution_count": 4' in path.read_text() for path in whole if "failed" not in path.parts)
    pictures = [*folder.glob("build/**/figures/[!.]*.png")]
    assert all(path.read_bytes().endswith(b"IEND\xaeB`\x82") for path in pictures)
    assert {path.name: path.read_bytes() for path in (folder / "figures").iterdir()} == committed
    again = make(folder, "reproduce")
    assert again.returncode == 0, again.stdout + again.stderr
    left = [path for path in (folder / "build").rglob(".*") if path.name not in (".ipython", ".jupyter")]
    assert left == []
