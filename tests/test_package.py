"""What those who build on this repository get: the package alone, in layers, and files their tools read."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from flit_core.wheel import make_wheel_in

import fa_utils

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fa_utils"
REFERENCES = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
LAYERS = (
    "_records",
    "_checks",
    "_linalg",
    "problems",
    "rules",
    "trajectory",
    "simulate",
    "alignment",
    "stationary",
    "ensembles",
)
ROOMS = {"theory", "report", "companions"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PYTHON = re.compile(r"\b3\.1[1-4]\b")  # those that the package and the lock are for


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """What pip would install, by name."""
    with zipfile.ZipFile(
        make_wheel_in(ROOT / "pyproject.toml", tmp_path_factory.mktemp("wheel")).file
    ) as file:
        return file.namelist()


def test_a_wheel_brings_the_package_alone_and_whole(wheel):
    assert {name.split("/")[0] for name in wheel} == {
        "fa_utils",
        f"fa_utils-{fa_utils.__version__}.dist-info",
    }
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".typed")]
    sources = {path.relative_to(ROOT).as_posix() for path in files}
    assert {name for name in wheel if name.startswith("fa_utils/")} == sources
    assert "fa_utils/py.typed" in sources
    assert {name.split("/")[1] for name in sources if name.count("/") == 2} == ROOMS


# --- layers ---


def imported(path):
    """Return the modules of the package that a file imports, also within its functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports from {'.' * node.level}; name the module in full"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "fa_utils"}


@pytest.mark.parametrize("name", LAYERS)
def test_the_core_is_built_in_layers_and_no_module_imports_one_above_it(name):
    below = {f"fa_utils.{one}" for one in LAYERS[: LAYERS.index(name)]}
    modules = {".".join(one.split(".")[:2]) for one in imported(PACKAGE / f"{name}.py")}
    assert modules - {"fa_utils"} <= below


def test_the_core_has_no_other_modules_and_makes_all_of_its_names_public():
    assert {path.stem for path in PACKAGE.glob("*.py")} == {*LAYERS, "__init__"}
    modules = {".".join(one.split(".")[:2]) for one in imported(PACKAGE / "__init__.py")} - {"fa_utils"}
    assert modules == {f"fa_utils.{name}" for name in LAYERS if name[0] != "_"}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_stands_on_the_core_and_imports_no_other_room(room):
    for path in (PACKAGE / room).glob("*.py"):
        others = {one.split(".")[1] for one in imported(path) if one.count(".")} & ROOMS
        assert others <= {room}, path.name


@pytest.mark.parametrize(
    ("modules", "stay_away"),
    [
        ("fa_utils", "theory report companions"),
        ("fa_utils.theory", "report companions"),
        ("fa_utils.companions.song2021, fa_utils.companions.wang2020", "theory report"),
        ("fa_utils.report", "theory companions"),
    ],
)
def test_computing_imports_no_plotting_and_no_other_room(modules, stay_away):
    unwanted = {"matplotlib"} | {f"fa_utils.{room}" for room in stay_away.split()}
    code = f"import sys, {modules}; sys.exit(' '.join({unwanted} & sys.modules.keys()) or 0)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


# --- files for other tools ---


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


PLACEHOLDER = re.compile(
    r"\bYour\w+Here|\b(?:YOUR|OWNER|USER(?:NAME)?)[-_/]\w+|\bexample\.(?:com|org)|\bTODO\b|\bTBD\b|\bX{4}|zenodo\.\d*[xX]"
)
TOLD = [
    "pyproject.toml",
    "CITATION.cff",
    "CHANGELOG.md",
    "README.md",
    ".github/dependabot.yml",
    ".pre-commit-config.yaml",
]


@pytest.mark.parametrize(
    "path", [*(ROOT / name for name in TOLD), *WORKFLOWS, *FORMS], ids=lambda path: path.name
)
def test_no_placeholder_stands_where_a_name_or_an_address_belongs(path):
    assert all(
        map(
            PLACEHOLDER.search,
            ("OWNER/NAME", "@misc{YourReferenceHere", "zenodo.xxxxxxx", "https://example.org"),
        )
    )
    assert PLACEHOLDER.findall(path.read_text(encoding="utf-8")) == []


def test_the_version_stands_in_the_package_alone():
    assert re.fullmatch(r"\d+\.\d+\.\d+", fa_utils.__version__)
    assert PROJECT["dynamic"] == ["version"] and "version" not in PROJECT
    assert CITATION["version"] == fa_utils.__version__
    assert f"\n## {fa_utils.__version__} - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_same_pythons_are_named_everywhere():
    named = {line.rpartition(" :: ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)}
    tried = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"][
        "reproduce"
    ]
    assert named == {*tried["strategy"]["matrix"]["python"]} == {"3.11", "3.12", "3.13", "3.14"}
    assert PROJECT["requires-python"] == ">=3.11"


def test_the_citation_names_the_paper_and_those_that_the_companions_follow():
    paper = CITATION["preferred-citation"]
    assert [person["family-names"] for person in paper["authors"]] == ["Garg", "Vempala"]
    entries = re.findall(r"^@\w+\{(\w+),.*?^  title = \{(.*?)\},$", REFERENCES, re.MULTILINE | re.DOTALL)
    titles = {key: re.sub("[{}]", "", title) for key, title in entries}
    companions = {path.stem for path in (PACKAGE / "companions").glob("*.py")} - {"__init__"}
    assert paper["title"] == titles["garg2022"]
    assert {one["title"] for one in CITATION["references"]} == {
        titles[name] for name in companions & titles.keys()
    }
    assert len(CITATION["references"]) == 8


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_names_every_action_by_its_commit_and_may_only_read(path):
    text = path.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (.*)", text)
    assert uses and all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}  # v[\d.]+", one) for one in uses)
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_one_action_has_one_commit():
    uses = {one for path in WORKFLOWS for one in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))}
    assert len(uses) == len({one.partition("@")[0] for one in uses})


def test_the_locks_agree_and_name_no_index():
    locks = [
        ROOT / name
        for name in ("requirements.lock", "tests/develop.lock", "tools/lab.lock", "tests/trust.lock")
    ]
    texts = [path.read_text(encoding="utf-8") for path in locks]
    pins = [dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)) for text in texts]
    assert all(pins[0].items() <= other.items() for other in pins) and pins[1].items() <= pins[3].items()
    assert "mypy" not in pins[0] and "dask" not in pins[0]
    assert not [text for text in texts if "://" in text]


def test_the_dev_container_makes_the_environment_that_its_editor_looks_for():
    found = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert re.fullmatch(
        r"mcr\.microsoft\.com/devcontainers/python:\d+(?:\.\d+)*-3\.1[1-4]-\w+", found["image"]
    )
    command, target = found["postCreateCommand"].split()
    assert command == "make" and f"\n{target}:" in (ROOT / "tools" / "environment.mk").read_text(
        encoding="utf-8"
    )
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
