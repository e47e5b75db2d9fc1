"""Put what a release is built from into build/release, with a README for PyPI: release.py TAG

With a tag that is not empty, nothing is put there unless all is known that a release says: its address, its
version and its day.
"""

import re
import shutil
import sys
from pathlib import Path

import links

import fa_utils

PLACE = Path("build", "release")


def missing(tag: str, home: str) -> list[str]:
    """Return in sentences what is still missing before this tag can be released."""
    found = []
    version = fa_utils.__version__
    if tag != f"v{version}":
        found.append(f"the tag is {tag}, but __version__ in fa_utils/__init__.py is {version}")
    if not home:
        found.append("pyproject.toml has no address: add [project.urls] Repository, then make accept")
    if "date-released" not in links.release_lines(home):
        found.append(
            f"CHANGELOG.md has no day for {version}: write ## {version} - YEAR-MONTH-DAY, then make accept"
        )
    stale = [str(path) for path, text in links.linked().items() if links.read(path) != text]
    if stale:
        found.append(f"not up to date: {' '.join(stale)}; run make accept")
    return found


def without_formulas(text: str) -> str:
    """Return Markdown with formulas as code, since PyPI typesets none."""
    text = re.sub(r"^\$\$\n(.+?)\n\$\$$", r"```\n\1\n```", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"\$([^$]+)\$", r"`\1`", text)


def main(tag: str) -> None:
    """Fill build/release, or end with all that is missing."""
    home = links.repository()
    refused = missing(tag, home) if tag else []
    if refused:
        raise SystemExit("\n".join(refused))
    shutil.rmtree(PLACE, ignore_errors=True)
    shutil.copytree("fa_utils", PLACE / "fa_utils", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(name, PLACE)
    text = without_formulas(links.read(links.README))
    text = links.with_absolute_links(text, home, tag) if tag else text
    (PLACE / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
