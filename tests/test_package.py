"""What those who build on this repository get: the package alone, and files their tools read."""

import json
import re
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from flit_core.wheel import make_wheel_in

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PYTHON = re.compile(r"\b3\.1[123]\b")  # those that the package and the lock are for


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """What pip would install, by name."""
    with zipfile.ZipFile(
        make_wheel_in(ROOT / "pyproject.toml", tmp_path_factory.mktemp("wheel")).file
    ) as file:
        return file.namelist()


def test_a_wheel_brings_the_package_alone_and_whole(wheel):
    assert {name.split("/")[0] for name in wheel} == {"fa_utils", f"fa_utils-{PROJECT['version']}.dist-info"}
    sources = {
        f"fa_utils/{path.name}" for path in (ROOT / "fa_utils").iterdir() if path.suffix in (".py", ".typed")
    }
    assert {
        name for name in wheel if name.startswith("fa_utils/")
    } == sources and "fa_utils/py.typed" in sources


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
    assert (
        "\npython -m pip install --no-deps --no-build-isolation --editable .\n"
        in (folder / "postBuild").read_text()
    )
