"""What those who build on this repository get: the package alone, its types, and files their tools read."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PYTHON = re.compile(r"\b3\.1[123]\b")  # those that the package and the lock are for


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder into which this repository was installed, without what it needs."""
    folder = tmp_path_factory.mktemp("installed")
    command = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--no-compile", "--target", folder, ROOT]
    subprocess.run([sys.executable, *command], check=True)
    return folder


@pytest.mark.slow
def test_pip_brings_the_package_alone_and_whole(installed):
    assert {path.name for path in installed.iterdir()} == {
        "fa_utils",
        f"fa_utils-{PROJECT['version']}.dist-info",
    }
    sources = {path.name for path in (ROOT / "fa_utils").iterdir() if path.suffix in (".py", ".typed")}
    assert {path.name for path in (installed / "fa_utils").iterdir()} == sources and "py.typed" in sources


@pytest.mark.slow
def test_what_pip_brought_works_far_from_the_repository(installed, tmp_path):
    code = (
        "import fa_utils as fa, numpy as np; "
        "problem = fa.nearly_square_problem(5, 2, 1.0, rng=np.random.default_rng(0)); "
        "print(fa.__file__, fa.flow(problem, fa.FA, [1.0]).Z.shape)"
    )
    command, surroundings = [sys.executable, "-P", "-W", "error", "-c", code], {"PYTHONPATH": str(installed)}
    ran = subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
    assert ran.stdout == f"{installed / 'fa_utils' / '__init__.py'} (1, 5, 2)\n", ran.stderr


USERS_CODE = """\
import numpy as np
import fa_utils as fa

rng = np.random.default_rng(0)
target = fa.target_with_spectrum([2.0, 1.0], shape=(5, 4), rng=rng)
problem = fa.random_problem(target, rank=2, start_scale=0.01, feedback_scale=0.1, rng=rng)
run = fa.flow(problem, fa.FA, [0.0, 1.0])
reveal_type(run.Z)
reveal_type(fa.error(target, run.Z, run.W))
reveal_type(fa.error_law([2.0, 1.0], rank=1))
reveal_type(fa.ensemble(lambda rng: rng.random(), 3, rng=rng))
fa.flow(problem, "FA", [0.0, 1.0])
fa.ensemble(lambda: 1.0, 3, rng=rng)
"""


@pytest.mark.slow
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
    assert all('Revealed type is "numpy.ndarray[' in found[line] for line in ("8", "9", "11"))
    assert found["10"] == 'Revealed type is "float"'
    assert 'Argument 2 to "flow" has incompatible type "str"; expected "Rule"' in found["12"]
    assert 'Argument 1 to "ensemble" has incompatible type' in found["13"]
    assert found.keys() == {str(line) for line in range(8, 14)}, ran.stdout


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.name != "config.yml"], ids=lambda path: path.stem
)
def test_an_issue_form_has_what_github_asks_for(form):
    found = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert found.keys() == {"name", "description", "title", "body"}
    assert len({part["id"] for part in found["body"]}) == len(found["body"])
    for part in found["body"]:
        assert part.keys() == {"type", "id", "attributes", "validations"}
        assert part["type"] in {"input", "textarea", "dropdown"} and part["attributes"]["label"]
        assert (part["type"] == "dropdown") == ("options" in part["attributes"])
        assert isinstance(part["validations"]["required"], bool)
    assert any(part["validations"]["required"] for part in found["body"])


def test_there_are_three_forms_and_issues_without_one():
    assert [form.name for form in FORMS] == ["bug.yml", "config.yml", "different-result.yml", "question.yml"]
    assert yaml.safe_load(FORMS[1].read_text(encoding="utf-8")) == {"blank_issues_enabled": True}


def test_the_dev_container_makes_the_environment_that_its_editor_looks_for():
    found = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert re.fullmatch(
        r"mcr\.microsoft\.com/devcontainers/python:\d+(?:\.\d+)*-3\.1[123]-\w+", found["image"]
    )
    command, target = found["postCreateCommand"].split()
    assert command == "make" and f"\n{target}" in (ROOT / "Makefile").read_text(encoding="utf-8")
    editor = found["customizations"]["vscode"]
    assert editor["settings"]["python.defaultInterpreterPath"].startswith(
        f"${{workspaceFolder}}/{Path(target).parent}/"
    )


def test_binder_installs_the_lock_and_then_the_package():
    folder = ROOT / ".binder"
    assert PYTHON.fullmatch((folder / "runtime.txt").read_text().strip().removeprefix("python-"))
    lines = [line for line in (folder / "requirements.txt").read_text().splitlines() if line[0] != "#"]
    assert lines == ["--require-hashes", "--requirement ../requirements.lock"]
    subprocess.run(["sh", "-n", folder / "postBuild"], check=True)
    assert (
        "\npython -m pip install --no-deps --no-build-isolation --editable .\n"
        in (folder / "postBuild").read_text()
    )
