"""Executed notebooks and figures that nothing has run or drawn, for tests of what reads them."""

import base64
import json

import numpy as np
from matplotlib import image

from fa_utils import report
from fa_utils.report.claims import VERDICT_MIME

HEADER = "panel,kind,series,scales,x,y\n"
ROWS = "0,line,FA,linear linear,0,3\n0,line,FA,linear linear,1,2\n0,line,GD,linear log,0,1e-05\n"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
SEED = "seed = 1  # of every draw [0 to 9]"
GOOD_PROSE = """\
[x](https://x.org): $a \\lt b$, `\\mbox`.

$$
a = b
$$

and $x$ costs `$5 < 6$`.

| a | b |
|---|---|
| $x$ | $\\vert y \\vert$ and $z$ |"""


def code(source, *outputs, tags=(), count=1):
    """Return a code cell with these outputs."""
    about = {"tags": list(tags)} if tags else {}
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": about,
        "outputs": list(outputs),
        "source": source,
    }


def prose(source):
    """Return a cell of Markdown."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def stream(text, name="stdout"):
    """Return what a cell prints."""
    return {"output_type": "stream", "name": name, "text": text}


def shown(data, **metadata):
    """Return what a cell displays."""
    return {"output_type": "display_data", "metadata": metadata, "data": data}


def verdicts(*claims, broken=None):
    """Return the output of `report.verdict`, or of `report.control` where something is broken."""
    rows = [claim.row | ({"broken": broken} if broken else {}) for claim in claims]
    return shown({"text/plain": f"{len(rows)} claims", VERDICT_MIME: rows})


def claim(measured=0.5, statement="Lemma 1: x", bound=1.0):
    """Return a claim: at most 1, unless told otherwise."""
    return report.Claim(statement, "new", measured, "<=", bound)


def png(folder, name, grey=1.0, shape=(4, 5)):
    """Write a picture in one colour; return its bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    image.imsave(folder / f"{name}.png", np.full((*shape, 4), [grey, grey, grey, 1.0]))
    return (folder / f"{name}.png").read_bytes()


def figure(folder, name, rows=ROWS, **how):
    """Write a figure's data and picture; return the output of the cell that saved it."""
    drawn = png(folder, name, **how)
    (folder / f"{name}.csv").write_text(HEADER + rows)
    about = {"image/png": {"alt": "nothing", "figure": name}}
    text = {"image/png": base64.b64encode(drawn).decode(), "text/plain": f"[picture {name}: nothing]"}
    return shown(text, **about)


def write(path, *cells, metadata=METADATA):
    """Write a notebook whose first cell has the seed; return its path."""
    every = [code(SEED, tags=["parameters"]), *cells]
    numbered = [cell for cell in every if cell["cell_type"] == "code"]
    for number, cell in enumerate(numbered, start=1):
        cell["execution_count"] = number
    path.parent.mkdir(parents=True, exist_ok=True)
    named = [{"id": f"cell-{place}"} | cell for place, cell in enumerate(every)]
    content = {"cells": named, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path
