"""A repository of somebody else, with two lines of configuration and three notebooks."""

import base64
import io
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbsteady.kernel import rounding_kernel
from nbsteady.plugin import picture_differences
from PIL import Image

PACKAGE = Path(__file__).parents[3] / "tools" / "nbsteady"
QUIET = rounding_kernel(AsyncKernelManager, "nearest")  # over TCP, kernels warn
TWO_LINES = """\
[tool.pytest.ini_options]
addopts = "--nbval --rounding=up"
"""
TEAL = [0, 128, 128, 255]
# The sum of a hundred tenths has errors of rounding in its last three digits.
NUMPY = [
    "import numpy as np\ntotal = 0.0\nfor tenth in np.full(100, 0.1):\n    total += tenth",
    'print(f"the sum is {total:.10f}")',
    'print(f"its error is {total - 10:.1e}")',
]
SCIKIT_LEARN = [
    "import numpy as np\nfrom sklearn.decomposition import PCA\n"
    "data = np.random.default_rng(0).normal(size=(200, 5)) * [5, 4, 3, 2, 1]",
    "shares = PCA(n_components=3).fit(data).explained_variance_ratio_\nprint(shares.round(4))",
]
PLOT = [
    "%matplotlib inline\nimport numpy as np\nfrom matplotlib import pyplot as plt\nx = np.linspace(0, 6)",
    '_ = plt.plot(x, np.sin(x), color="teal", linewidth=5)',
]


def execute(folder, name, cells):
    """Write a notebook with the outputs of its run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    NotebookClient(notebook, kernel_manager_class=QUIET).execute(cwd=folder)
    nbformat.write(notebook, folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A folder with the configuration and the executed notebooks."""
    folder = tmp_path_factory.mktemp("somebody's repository")
    (folder / "pyproject.toml").write_text(TWO_LINES)
    for name, cells in (("numbers", NUMPY), ("components", SCIKIT_LEARN), ("plot", PLOT)):
        execute(folder, name, cells)
    return folder


def check(repository, *arguments):
    """Run pytest there as its owner would; return its exit code and what it printed."""
    told = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "FA_"))}
    told |= {"PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-m", "pytest", "-p", "nbsteady.plugin", "--color=no", *arguments]
    ran = subprocess.run(command, cwd=repository, env=told, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def output(picture, kind="image/png"):
    """Return the output of a cell that shows a picture."""
    return {"output_type": "display_data", "data": {kind: base64.b64encode(picture).decode()}}


def recoloured(picture, change):
    """Return a PNG whose teal curve has so much of 255 more in its red channel."""
    pixels = np.array(Image.open(io.BytesIO(picture)))
    curve = (pixels == TEAL).all(axis=-1)
    assert curve.sum() > 1000
    pixels[curve, 0] += change
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "png")
    return written.getvalue()


def recolour(repository, change):
    """Change the plot's colour in the committed notebook."""
    path = repository / "plot.ipynb"
    notebook = nbformat.read(path, as_version=4)
    shown = notebook.cells[-1].outputs[-1]
    picture = recoloured(base64.b64decode(shown.data["image/png"]), change)
    shown.data["image/png"] = output(picture)["data"]["image/png"]
    nbformat.write(notebook, path)


@pytest.mark.slow
def test_a_digit_that_depends_on_rounding_is_caught_and_the_others_pass(repository):
    code, said = check(repository)
    assert code == 1 and "nbsteady: rounding up" in said and " 1 failed, 6 passed in " in said
    assert "'its error is -2.0e-14\\n' == 'its error is 5.3e-14\\n'" in said
    code, said = check(repository, "--rounding=nearest")
    assert code == 0 and "nbsteady: rounding nearest" in said and " 7 passed in " in said


@pytest.mark.slow
def test_a_picture_of_another_colour_is_caught(repository):
    recolour(repository, 20)
    code, said = check(repository, "plot.ipynb")
    assert code == 1 and "image/png 1: " in said and " pixels are of another colour, at " in said
    assert " by 20 of 255" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--rounding=sideways"], "rounding is 'sideways'; choose one of nearest, up, down, zero"),
        (["-o", "rounding=UP", "-o", "addopts=--nbval"], "rounding is 'UP'; choose one of"),
        (["--picture-tolerance=some"], "picture_tolerance is 'some'; choose a number from 0 to 255"),
    ],
)
def test_settings_that_mean_nothing_are_refused_in_one_sentence(repository, arguments, says):
    code, said = check(repository, *arguments)
    assert code == pytest.ExitCode.USAGE_ERROR and f"ERROR: nbsteady: {says}" in said


def test_without_nbval_nothing_is_changed(repository):
    code, said = check(repository, "-o", "addopts=", "--rounding=sideways", "--fixtures")
    assert code == 0 and "nbsteady:" not in said


# --- pictures in outputs -----------------------------------------------------------------------------


def picture(*values):
    """Return a PNG of one row with these greys."""
    written = io.BytesIO()
    Image.fromarray(np.array([values], np.uint8)).save(written, "png")
    return written.getvalue()


def test_pictures_agree_within_the_tolerance_kind_by_kind_and_in_order():
    old = [output(picture(0, 100)), {"output_type": "stream", "text": "x"}, output(picture(7))]
    assert picture_differences(old, old, 0) == []
    new = [output(picture(0, 116)), output(picture(8))]
    assert picture_differences(new, old, 16) == []
    assert picture_differences(new, old, 15) == [
        "image/png 1: 1 pixels are of another colour, at 1, 0 by 16 of 255"
    ]
    assert len(picture_differences(new, old, 0)) == 2
    assert picture_differences(new[::-1], old, 16) == [
        "image/png 1: (1, 1) pixels of L, committed (2, 1) of L",
        "image/png 2: (2, 1) pixels of L, committed (1, 1) of L",
    ]
    assert picture_differences(new[:1], old, 16) == ["image/png: the cell shows 1 pictures, committed 2"]
    assert picture_differences([], [output(b"", "image/jpeg")], 16) == [
        "image/jpeg: the cell shows 0 pictures, committed 1"
    ]


@pytest.mark.parametrize("garbage", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_said_in_one_sentence(garbage):
    for pair in ([[output(garbage)], [output(picture(1))]], [[output(picture(1))], [output(garbage)]]):
        (line,) = picture_differences(*pair, 255)
        assert line.startswith("image/png 1: it cannot be read: ")
