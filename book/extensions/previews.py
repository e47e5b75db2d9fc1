"""A Sphinx extension: what a page says of itself where a link to it is shown, in a search or a message."""

import re
from html import escape, unescape

PICTURE = "_images/overview.png"
TAG = re.compile("<[^>]*>")


def describe(app, page: str, template: str, context: dict, doctree) -> None:
    """Add a page's title and description, and the picture if the book's address is known."""
    title = unescape(TAG.sub("", context.get("title", ""))) or app.config.project
    tags = {"og:title": title, "og:site_name": app.config.project, "og:type": "website"}
    described = "og:description" in context.get("metatags", "")
    if not described:
        tags["og:description"] = f"{title}. {app.config.preview_words}"
    if app.config.html_baseurl:
        tags["og:image"] = f"{app.config.html_baseurl}{PICTURE}"
    lines = [f'<meta property="{name}" content="{escape(text)}" />' for name, text in tags.items()]
    if not described:
        lines.append(f'<meta name="description" content="{escape(tags["og:description"])}" />')
    context["metatags"] = "\n".join([context.get("metatags", ""), *lines])


def setup(app) -> dict:
    app.add_config_value("preview_words", "", "html")
    app.connect("html-page-context", describe)
    return {"parallel_read_safe": True}
