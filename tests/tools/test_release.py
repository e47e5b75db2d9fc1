"""What a release is built from, and what refuses one."""

import re
from pathlib import Path

import links
import pytest
import release

import fa_utils

ROOT = Path(__file__).parents[2]
HOME = "someone/something"
TAG = f"v{fa_utils.__version__}"


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_every_link_of_the_readme_leads_somewhere_from_pypi():
    text = links.with_absolute_links(links.read(links.README), HOME, TAG)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(targets) > 30 and all(target.startswith(("https://", "#")) for target in targets)
    for target in targets:
        file = re.fullmatch(
            rf"https://(?:raw\.githubusercontent\.com/{HOME}|github\.com/{HOME}/blob)/{TAG}/(.*)", target
        )
        if file:
            assert Path(file[1].partition("#")[0]).is_file() and file[1].endswith((".png", ".gif")) == (
                "/raw." in target
            )


@pytest.mark.parametrize("text", ["[a](https://x.org/y)", "[a](#part)", "no link", "![a](b c)"])
def test_other_links_stay(text):
    assert links.with_absolute_links(text, HOME, TAG) == text


def test_a_release_without_an_address_a_day_or_its_own_tag_is_refused_and_leaves_nothing(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(links, "repository", lambda: "")
    monkeypatch.setattr(links, "release_lines", lambda home: f"version: {fa_utils.__version__}\n")
    monkeypatch.setattr(release, "PLACE", tmp_path / "release")
    with pytest.raises(SystemExit) as refused:
        release.main("v99")
    first, second, third, *_ = str(refused.value).splitlines()
    assert first == f"the tag is v99, but __version__ in fa_utils/__init__.py is {fa_utils.__version__}"
    assert second.startswith("pyproject.toml has no address") and third.startswith("CHANGELOG.md has no day")
    assert not (tmp_path / "release").exists()


def test_a_release_of_which_all_is_known_is_put_together_whole(monkeypatch, tmp_path):
    monkeypatch.setattr(links, "repository", lambda: HOME)
    monkeypatch.setattr(links, "release_lines", lambda home: "date-released: 2027-01-31\n")
    monkeypatch.setattr(links, "linked", dict)
    monkeypatch.setattr(release, "PLACE", tmp_path / "release")
    release.main(TAG)
    assert {path.name for path in release.PLACE.iterdir()} == {
        "fa_utils",
        "LICENSE",
        "pyproject.toml",
        "README.md",
    }
    assert f"https://github.com/{HOME}/blob/{TAG}/LICENSE" in (release.PLACE / "README.md").read_text(
        encoding="utf-8"
    )
    release.main("")
    text = (release.PLACE / "README.md").read_text(encoding="utf-8")
    assert (
        "$" not in text and "```\n\\text{GD:}\\quad" in text and "write an `n \\times m` matrix `Y`" in text
    )
