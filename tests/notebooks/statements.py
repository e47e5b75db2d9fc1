"""The paper's numbered statements: where a sentence cites one that there is not, or speaks of something else.

A mistyped number may still be some statement's. So a claim that begins with a number must hold a word of what
that statement is about; and so must a sentence that cites one, or the sentence before it.
"""

import re
from collections.abc import Iterator

ABOUT = {
    "Fact 2": r"Y - ZW|R = 0",
    "Fact 3": r"Z\^(T|\\top) Z\b|keeps its size",
    "Lemma 1": r"stop|rest|project|best|stationary|range|error|\bend|proofs|at P Y|product|point|value",
    "Lemma 4": r"\bloss\b|\\ell|\\lVert R \\rVert",
    "Lemma 5": r"x\^(T|\\top) A|A\$? ?\n?(only )?rises|of A\b|A\(0\)|only grows|only rises|alignment",
    "Lemma 6": r"room|sequences|vector|matri[xc]|2cd|to each",
    "Lemma 7": r"misaligned|R\^-|\brows?\b|trouble",
    "Lemma 8": r"increase|raise|rises|returns",
    "Lemma 9": r"idl|not fall|slow decrease|[Ee]xcept|falls",
    "Lemma 10": r"below|soon|wait begins|at some time",
    "Lemma 11": r"from the start|in norms|'s time\b",
    "Lemma 12": r"orthonormal|coordinates|any start|of [CR]~|residual",
    "Lemma 13": r"goes to 0|stays small",
    "Lemma 14": r"size of|runs away",
    "Lemma 15": r"integral|measure",
    "Lemma 16": r"integral|measure",
    "Lemma 17": r"directions?\b|singular vectors|out of|P_X",
    "Lemma 18": r"a_j",
    "Lemma 19": r"b_j",
    "Lemma 20": r"[Pp]roject|small space",
    "Lemma 21": r"tail",
    "Theorem 1": r"converge|\bT\b|time|R goes to 0|proof|bound|sharp|loose|FA\\?\*|starts|scale|lines",
    "Theorem 2": r"\brank\b|hidden units|draws of C|best there is|FA stops|stationary|rests? at|proofs|law",
    "Theorem 3": r"worse|error|factor|optim|spectr|share|golden|size|sigma|lemmas|glances",
    "Theorem 4": r"representation|cosine|error|orthogonal|optimum|hidden units do",
    "Example 1": r"\bw\b|loss|copies|bump|wrong|hidden unit|derivative",
    "Figure 1": r"way back|fields|letter|layer",
    "Figure 2": r"way back|hidden units|learns|Euler",
    "Figure 2a": r"zero|\brank\b|right|left",
    "Figure 2b": r"optim|\brank\b|ends|singular|strong",
    "Figure 3a": r"loss|unit",
    "Figure 3b": r"loss|ups? and downs?|nineteen|rank|setting|problem|own run|hidden units|time|slope|phases",
    "Figure 4": r"[Aa]lign|\bA\b",
    "Figure 4a": r"direction|x\^(T|\\top) A",
    "Figure 4b": r"eigenvalue|negative|positive|loss has vanished",
    "Figure 5": r"best|FA\\?\*|close|follow|optimal|began|high start|rates|counterpart",
    "Figure 6": r"random|start|follows FA|nearer to FA|goes on|curve",
    "Section 1": r"turns|five lines",
    "Section 2": r"converges|phases|then learning",
    "Section 3": r"dA/dt|d\(Z\^T R\)/dt|W close to|only falls|equation",
    "Section 4": r"column space|outside Y",
    "Section 5": r"network|factorisation|isotrop|S = I",
    "Appendix A": r"proof|lemma|Lemma 4",
    "Appendix B": r"proofs?\b|case|end of real runs",
    "Appendix C": r"lemmas|Lemma 17|Gauss",
    "Appendix D": r"cosine|formula|orthogonal",
    "Appendix E": r"converge|constant|conserved|never|to (zero|0)|FA keeps|\bF\b|integral|settles|bound",
    "Appendix F": r"random|counterpart",
}
BEYOND = re.compile(r"New ([1-9]|1[01])|[A-Z][a-z]+ claim [1-9]|Slides")  # what is not the paper's
KIND = r"(Theorem|Lemma|Fact|Figure|Example|Section|Appendix|Corollary|Definition|Proposition)"
# A number, its list, and no decimals: they, or a year before it, mean another paper's statement.
CITED = re.compile(rf"(?<!\d{{4}}, ){KIND}s? (\d+[a-z]?|[A-Z])\b((?:(?:,|,? and| to) \d+[a-z]?\b)*)(?!\.\d)")
# A display formula belongs to the sentence before it.
ENDS = re.compile(r"(?<=[.!?])\*{0,2}\s+(?=[A-Z*$(\[])|\n\s*\n(?!\$\$)|\n(?=[-|#])")


def misplaced(text: str) -> Iterator[str]:
    """Yield what is wrong with each citation in a text."""
    before = ""
    for sentence in ENDS.split(text):
        for cited in CITED.finditer(sentence):
            kind, first, others = cited.groups()
            names = [f"{kind} {number}" for number in (first, *re.findall(r"\d+[a-z]?", others))]
            yield from (f"the paper has no {name}" for name in names if name not in ABOUT)
            # A list says nothing about a single one of its statements.
            if not others and first and not fits(names[0], f"{before} {sentence}"):
                yield f"not what {names[0]} is about: {sentence.strip()!r}"
        before = sentence


def fits(name: str, text: str) -> bool:
    """Return whether a text holds a word of what a statement is about, besides its number and links."""
    plain = re.sub(r"\]\([^)]*\)", "]", text)
    return re.search(ABOUT.get(name, ""), plain) is not None


def misnamed(statement: str) -> Iterator[str]:
    """Yield what is wrong with the number that a claim begins with."""
    name, _, said = statement.partition(": ")
    if name not in ABOUT and not BEYOND.fullmatch(name):
        yield f"{name!r} is no statement of the paper, nor of this package: {statement!r}"
    elif name in ABOUT and not fits(name, said):
        yield f"not what {name} is about: {statement!r}"
