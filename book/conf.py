"""How Sphinx makes the book: see book/stage.py."""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

project = "Random feedback, reproduced"
author = "the fa_utils contributors"
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinxcontrib.bibtex",
    "sphinx.ext.napoleon",
    "statement_links",
]
nb_execution_mode = "off"
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
statement_homes = json.loads((HERE / "homes.json").read_text(encoding="utf-8"))
exclude_patterns = ["README.md", "contents.md", "reference.md", "**/explorer.html"]
exclude_patterns += ["settings.md", "**/story.html"]
default_role = "code"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
mathjax4_config = {"chtml": {"scale": 0.9}}  # as large as the text around it
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static", "explorer"]
html_css_files = ["book.css"]
html_show_sourcelink = False
html_copy_source = False
html_search_scorer = str(HERE / "scorer.js")
html_show_search_summary = False  # it is fetched, and a browser fetches nothing from disk
html_use_index = False
html_domain_indices = False
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_sidebars = {"**": ["search-button-field.html", "sbt-sidebar-nav.html"]}
html_theme_options = {
    "navbar_start": ["navbar-logo"],
    "navbar_persistent": [],
    "show_navbar_depth": 1,
    "use_download_button": False,
    "use_fullscreen_button": False,
}


def escape(app, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Keep the stars, bars and underscores of a docstring's formulas from being read as markup."""
    example = False
    for number, line in enumerate(lines):
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if not example:
            parts = re.split("(`+.+?`+)", line)
            parts[::2] = [re.sub(r"[*|_]", r"\\\g<0>", part) for part in parts[::2]]
            lines[number] = "".join(parts)


def setup(app) -> None:
    """Escape before sections are read."""
    app.connect("autodoc-process-docstring", escape, priority=400)
