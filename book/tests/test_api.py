"""The pages of the API: all that is public is there, with its sections, and code leads to it."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import fa_utils as fa

ROOMS = [
    "fa_utils",
    "fa_utils.theory",
    "fa_utils.theory.network",
    "fa_utils.report",
    "fa_utils.report.figures",
]
ROOMS += [f"fa_utils.companions.{path.stem}" for path in Path(fa.__file__).parent.glob("companions/[!_]*.py")]
ENTRY = re.compile(r'<dt class="sig[^>]*id="(fa_utils\.[\w.]+)"')
PRIVATE_TYPES = ("_Buffer", "_SupportsArray", "_NestedSequence", "_typing")


@pytest.fixture(scope="module")
def entries(book) -> dict[str, Path]:
    """Return where each member of the package is described."""
    found = {}
    for path in (book / "api").rglob("*.html"):
        found |= dict.fromkeys(ENTRY.findall(path.read_text(encoding="utf-8")), path)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_all_that_is_public_is_described(entries, room):
    module = importlib.import_module(room)
    own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", "").startswith(room)]
    described = [name for name in own if not name.startswith("_")]
    described = [
        name for name in described if not name.isupper() or isinstance(getattr(module, name), fa.Rule)
    ]
    described = [name for name in described if callable(getattr(module, name)) or name.isupper()]
    assert described and [name for name in described if f"{room}.{name}" not in entries] == []


def test_all_that_is_described_exists(entries):
    for full in entries:
        thing = fa
        rest = full.removeprefix("fa_utils.").split(".")
        for name in rest:
            fields = getattr(thing, "__dataclass_fields__", {})
            assert hasattr(thing, name) or name in fields, full
            thing = getattr(thing, name, None)


def test_the_summary_leads_to_every_function(book, entries):
    linked = set(re.findall(r'href="api/[\w/]+\.html#(fa_utils\.[\w.]+)"', (book / "api.html").read_text()))
    functions = {name for name in entries if inspect.isfunction(find(name)) and not inside_a_class(name)}
    assert functions and functions - linked == set()


def find(full: str) -> object:
    """Return what a full name names, or nothing."""
    thing = fa
    for name in full.split(".")[1:]:
        thing = getattr(thing, name, None)
    return thing


def inside_a_class(full: str) -> bool:
    return inspect.isclass(find(full.rpartition(".")[0]))


def test_types_are_named_as_users_write_them(book, entries):
    pages = {path.read_text(encoding="utf-8") for path in entries.values()}
    assert [one for one in PRIVATE_TYPES if any(one in page for page in pages)] == []
    assert "ArrayLike" in (book / "api" / "alignment.html").read_text(encoding="utf-8")
    assert "ArrayLike" in str(inspect.signature(fa.stationary_errors))


@pytest.mark.parametrize("section", ["Parameters", "Returns", "Raises", "References", "Examples"])
def test_descend_has_its_sections_here_and_in_help(book, section):
    assert f">{section}" in (book / "api" / "simulate.html").read_text(encoding="utf-8")
    assert f"\n{section}\n----" in inspect.getdoc(fa.descend)


def test_notebooks_lead_to_functions_and_back(book):
    notebook = (book / "notebooks" / "theorem-2.html").read_text(encoding="utf-8")
    assert 'href="../api/stationary.html#fa_utils.stationary_point"' in notebook
    functions = (book / "api" / "stationary.html").read_text(encoding="utf-8")
    assert 'href="../notebooks/theorem-2.html"' in functions
