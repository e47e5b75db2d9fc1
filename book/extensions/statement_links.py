"""A Sphinx extension: where a page names a statement, such as Theorem 2, the name leads to its notebook."""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

KINDS = "Theorem|Lemma|Fact|Example|Figure|Appendix|Section|New|Song claim|Wang claim"
NAMED = re.compile(rf"\b({KINDS})(s?)[ \xa0](\d+[ab]?|[A-E])\b")
ALSO_NAMED = re.compile(r"(?:,? (?:and|or|to) |, )(\d+[ab]?|[A-E])\b")
LEFT_ALONE = (nodes.reference, addnodes.pending_xref, nodes.title, nodes.literal, nodes.literal_block)
LEFT_ALONE += (nodes.math, nodes.math_block, nodes.raw, nodes.comment)


def named(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, statement) for every statement that a text names: Lemmas 7, 9 and 10 are three."""
    found = []
    for match in NAMED.finditer(text):
        kind, plural, number = match.groups()
        found.append((*match.span(), f"{kind} {number}"))
        more = ALSO_NAMED.match(text, match.end()) if plural else None
        while more:
            found.append((*more.span(1), f"{kind} {more[1]}"))
            more = ALSO_NAMED.match(text, more.end())
    return found


class StatementLinks(SphinxTransform):
    """Turns names of statements into links, where they are not part of one already."""

    default_priority = 900

    def apply(self, **kwargs) -> None:
        homes = self.config.statement_homes
        here = self.env.docname
        for text in list(self.document.findall(nodes.Text)):
            ancestor = text.parent
            whole = text.astext()
            while ancestor is not None and not isinstance(ancestor, LEFT_ALONE):
                ancestor = ancestor.parent
            links = [one for one in named(whole) if homes.get(one[2], here) != here]
            if ancestor is None and links:
                text.parent.replace(text, list(self.linked(whole, links)))

    def linked(self, whole: str, links: list[tuple[int, int, str]]):
        """Yield the text's parts, those that name statements as links."""
        done = 0
        for start, end, statement in links:
            yield nodes.Text(whole[done:start])
            target = {"refdomain": "std", "reftype": "doc", "refexplicit": True, "refdoc": self.env.docname}
            home = f"/{self.config.statement_homes[statement]}"
            yield addnodes.pending_xref("", nodes.inline("", whole[start:end]), reftarget=home, **target)
            done = end
        yield nodes.Text(whole[done:])


def setup(app) -> dict:
    app.add_config_value("statement_homes", {}, "env")
    app.add_transform(StatementLinks)
    return {"parallel_read_safe": True}
