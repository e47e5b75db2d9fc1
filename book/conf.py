"""How Sphinx makes the book: see tools/book.py."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = "Random feedback, reproduced"
author = "the fa_utils contributors"
extensions = [
    "myst_nb",
    "statement_links",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinxcontrib.bibtex",
    "sphinx-mathjax-offline",
]
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
statement_homes = json.loads((HERE / "homes.json").read_text(encoding="utf-8"))
exclude_patterns = ["README.md"]
autodoc_member_order = "bysource"
html_theme = "sphinx_book_theme"
html_title = project
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"show_navbar_depth": 1, "use_download_button": False, "use_fullscreen_button": False}
