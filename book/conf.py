"""How Sphinx makes the book: see book/stage.py."""

import json
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
    "plain_docstrings",
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
