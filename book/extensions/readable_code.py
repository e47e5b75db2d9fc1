"""A Sphinx extension: names in code lead to their entries, long lines are shown whole, figures open."""

import re

from pygments.formatters import HtmlFormatter
from sphinx.highlighting import PygmentsBridge

DOTTED = re.compile(r'<span class="n">(\w+)</span><span class="o">\.</span><span class="n">(\w+)</span>')
INLINE = re.compile(r'<code class="[^"]*literal[^>]*><span class="pre">([\w.]+)</span></code>(?!</a>)')
FIGURE = re.compile(r'^<img [^>]*src="([^"]+)"[^>]*/>$', re.MULTILINE)
TAG = re.compile("<[^>]*>")
MEMBERS = ("function", "class", "data")


class Lines(HtmlFormatter):
    """Puts each line in an element of its own with its indent; book.css lets it go on below."""

    def wrap(self, source):
        for is_code, line in super().wrap(source):
            text = TAG.sub("", line)
            indent = len(text) - len(text.lstrip(" "))
            yield is_code, f'<span class="line" style="--indent: {indent}">{line}</span>' if is_code else line


def entries(app, page: str) -> dict[str, str]:
    """Return where each name leads from a page: as fa.descend, in full, and on the API's pages alone."""
    found = {}
    for full, entry in app.env.domains["py"].objects.items():
        *rooms, name = full.split(".")
        room = "fa" if rooms == ["fa_utils"] else rooms[-1]
        address = f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}"
        found[full] = found[f"{room}.{name}"] = address
        if page.startswith("api/") and (entry.docname == page or room == "fa") and entry.objtype in MEMBERS:
            found[name] = address
    return found


def link(app, page: str, template: str, context: dict, doctree) -> None:
    """Link the names in a page's code, and each figure to its file."""
    if not doctree:
        return
    known = entries(app, page)

    def linked(match: re.Match) -> str:
        address = known.get(".".join(match.groups()))
        return f'<a class="code-link" href="{address}">{match[0]}</a>' if address else match[0]

    body = INLINE.sub(linked, DOTTED.sub(linked, context["body"]))
    context["body"] = FIGURE.sub(r'<a class="picture" href="\1">\g<0></a>', body)


def setup(app) -> dict:
    PygmentsBridge.html_formatter = Lines
    app.connect("html-page-context", link)
    return {"parallel_read_safe": True}
