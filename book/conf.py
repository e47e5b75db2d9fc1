"""How Sphinx makes the book: see book/stage.py."""

import inspect
import json
import re
import sys
from pathlib import Path

import numpy.typing

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))
# The pages name this type, as annotations do, and not the private types that it stands for.
numpy.typing.ArrayLike = type("ArrayLike", (), {"__module__": "numpy.typing"})

project = "Random feedback, reproduced"
preview_words = (
    "Notebooks that run, verdicts that can fail: random feedback on low-rank matrix factorization."
)
author = "the fa_utils contributors"
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinxcontrib.bibtex",
    "sphinx.ext.napoleon",
    "previews",
    "readable_code",
    "statement_links",
]
nb_execution_mode = "off"
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
staged = json.loads((HERE / "staged.json").read_text(encoding="utf-8"))
statement_homes = staged["homes"]
html_baseurl = staged["address"]
exclude_patterns = ["contents.md", "reference.md", "settings.md", "strip.md"]
exclude_patterns += ["**/explorer.html", "**/story.html"]
default_role = "code"
napoleon_google_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
mathjax4_config = {"chtml": {"scale": 0.9}}  # as large as the text around it
html_theme = "sphinx_book_theme"
html_title = project
html_favicon = "static/favicon.svg"
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


def escape(lines: list[str]) -> list[str]:
    """Keep a docstring's formulas from being read as markup, and show its examples as they are typed."""
    example = False
    escaped = []
    for line in lines:
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        parts = re.split("(`+.+?`+)", line)
        parts[::2] = [re.sub(r"[*|_]", r"\\\g<0>", part) for part in parts[::2]]
        escaped.append(line.removesuffix("  # doctest: +SKIP") if example else "".join(parts))
    return escaped


def before_napoleon(app, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Escape before sections are read."""
    lines[:] = escape(lines)


def after_napoleon(app, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Give a property its own words back: napoleon takes what comes before a colon for its type."""
    if what == "property":
        lines[:] = escape(inspect.getdoc(thing).splitlines())


def named_switches(app, page: str, template: str, context: dict, doctree) -> None:
    """Name the sidebar's switches for those who hear the page; the theme leaves them without a name."""
    tree = context["generate_toctree_html"]

    def named(*kind, **look) -> str:
        return str(tree(*kind, **look)).replace("<summary>", '<summary aria-label="Pages of this part">')

    context["generate_toctree_html"] = named


def setup(app) -> None:
    """Prepare the docstrings and the sidebar."""
    app.connect("html-page-context", named_switches, priority=900)
    app.connect("autodoc-process-docstring", before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", after_napoleon, priority=600)
