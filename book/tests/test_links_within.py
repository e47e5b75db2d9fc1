"""No link within the book is dead: each file is there, and each place in it. No browser is needed."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

POINTING = {"a": "href", "link": "href", "img": "src", "script": "src"}


class Page(HTMLParser):
    """What a page points to, and the places in it that can be pointed to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.places = {""}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places |= {found[name] for name in ("id", "name") if found.get(name)}
        if found.get(POINTING.get(tag)):
            self.targets.append(found[POINTING[tag]])


def pages(folder: Path) -> dict[Path, Page]:
    """Return the pages in a folder by their files."""
    files = [
        path for path in sorted(folder.rglob("*.html")) if "_static" not in path.relative_to(folder).parts
    ]
    return {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in files}


def dead_links(folder: Path) -> list[tuple[str, str]]:
    """Return each page with a link to nothing. What follows # in the explorer's address is a setting."""
    read = pages(folder)
    dead = []
    for path, page in read.items():
        for target in dict.fromkeys(page.targets):
            address = urlsplit(target)
            file = (path.parent / unquote(address.path)).resolve() if address.path else path
            known = file not in read or file.name == "explorer.html"
            missing = not known and unquote(address.fragment) not in read[file].places
            if not address.scheme and not address.netloc and (not file.is_file() or missing):
                dead.append((path.relative_to(folder.resolve()).as_posix(), target))
    return dead


def test_no_link_within_the_book_is_dead(book):
    assert dead_links(book) == []


@pytest.mark.parametrize("target", ["gone.html", "#gone", "other.html#gone", "deep/gone.png"])
def test_a_dead_link_would_be_named(tmp_path, target):
    (tmp_path / "other.html").write_text('<p id="here"><a href="other.html#here">x</a>')
    assert dead_links(tmp_path) == []
    (tmp_path / "one.html").write_text(f'<a href="other.html#here"></a><a href="{target}"></a>')
    assert dead_links(tmp_path) == [("one.html", target)]
