"""What those get who install the package: it alone, its types, and scripts that their shell can read."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from flit_core.wheel import make_wheel_in

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder into which a wheel of this repository was unpacked, without what it needs."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = make_wheel_in(ROOT / "pyproject.toml", tmp_path_factory.mktemp("wheel")).file
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder)
    return folder


def test_what_a_wheel_brings_works_far_from_the_repository(installed, tmp_path):
    code = (
        "import fa_utils as fa, numpy as np; "
        "problem = fa.nearly_square_problem(5, 2, 1.0, rng=np.random.default_rng(0)); "
        "print(fa.__file__, fa.flow(problem, fa.FA, [1.0]).Z.shape)"
    )
    command = [sys.executable, "-P", "-W", "error", "-c", code]
    surroundings = {"PYTHONPATH": str(installed)}
    ran = subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
    assert ran.stdout == f"{installed / 'fa_utils' / '__init__.py'} (1, 5, 2)\n", ran.stderr


USERS_CODE = """\
import numpy as np
import fa_utils as fa
from fa_utils import theory

rng = np.random.default_rng(0)
target = fa.target_with_spectrum([2.0, 1.0], shape=(5, 4), rng=rng)
problem = fa.random_problem(target, rank=2, start_scale=0.01, feedback_scale=0.1, rng=rng)
run = fa.flow(problem, fa.FA, [0.0, 1.0])
reveal_type(run.Z)
reveal_type(fa.error(target, run.Z, run.W))
reveal_type(theory.error_law([2.0, 1.0], rank=1))
reveal_type(fa.ensemble(lambda rng: rng.random(), 3, rng=rng))
fa.flow(problem, "FA", [0.0, 1.0])
fa.ensemble(lambda: 1.0, 3, rng=rng)
"""


def test_a_users_type_checker_knows_results_and_refuses_wrong_calls(tmp_path):
    (tmp_path / "user.py").write_text(USERS_CODE)
    command = [
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        f"--cache-dir={ROOT / 'build' / '.mypy_cache' / 'user'}",
    ]
    ran = subprocess.run(
        [sys.executable, *command, "user.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    found = dict(re.findall(r"^user\.py:(\d+): (?:note|error): (.*)", ran.stdout, re.MULTILINE))
    assert all('Revealed type is "numpy.ndarray[' in found[line] for line in ("9", "10", "12"))
    assert found["11"] == 'Revealed type is "float"'
    assert 'Argument 2 to "flow" has incompatible type "str"; expected "Rule"' in found["13"]
    assert 'Argument 1 to "ensemble" has incompatible type' in found["14"]
    assert found.keys() == {str(line) for line in range(9, 15)}, ran.stdout


def test_binders_script_is_one_that_a_shell_can_read():
    subprocess.run(["sh", "-n", ROOT / ".binder" / "postBuild"], check=True)
