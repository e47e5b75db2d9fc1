"""The rules' colours for colour-blind readers, and their lines in grey print, by simulation."""

import io
from itertools import combinations, groupby

import numpy as np
import pytest
from colorspacious import cspace_convert, deltaE
from matplotlib import colors, image
from matplotlib import pyplot as plt

from fa_utils import FA, FA_STAR, GD
from fa_utils.report import figures

CLEARLY_DIFFERENT = 10.0  # CAM02-UCS; just seen side by side is 1, black to white 100
DEFICIENCIES = ["deuteranomaly", "protanomaly", "tritanomaly"]


def seen(colour: str, deficiency: str) -> np.ndarray:
    """Return the colour as a reader without one kind of cones sees it."""
    return cspace_convert(
        colors.to_rgb(colour), {"name": "sRGB1+CVD", "cvd_type": deficiency, "severity": 100}, "sRGB1"
    )


def nearest(palette: list[str], deficiency: str) -> float:
    """Return the least difference between two colours of a palette."""
    pairs = combinations([seen(colour, deficiency) for colour in palette], 2)
    return min(float(deltaE(one, other, input_space="sRGB1")) for one, other in pairs)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_are_told_apart_by_colour_blind_readers(deficiency):
    assert nearest([*figures.COLOURS.values(), figures.THEORY, "white"], deficiency) > CLEARLY_DIFFERENT


def test_red_and_green_would_not_be():
    assert nearest(["tab:red", "tab:green"], "deuteranomaly") < CLEARLY_DIFFERENT


def inked(draw) -> tuple[list[int], float]:
    """Return how long a curve's dashes are in grey print, in pixels, and the darkest grey (0 is black)."""
    figures.use()
    figure, (ax,) = figures.panels()
    draw(ax)
    ax.set_axis_off()
    png = io.BytesIO()
    figure.savefig(png, dpi=160)
    plt.close(figure)
    png.seek(0)
    grey = image.imread(png)[..., :3] @ [0.2126, 0.7152, 0.0722]
    row = grey[grey.min(axis=1).argmin()]
    runs = [(dark, len(list(run))) for dark, run in groupby(row < 0.8)]
    return [length for dark, length in runs[2:-2] if dark] or [row.size], float(grey.min())


def test_lines_are_told_apart_in_grey_print():
    dashes = {}
    for rule in (GD, FA, FA_STAR):
        lengths, darkest = inked(lambda ax, rule=rule: figures.draw_rule(ax, rule, [0, 1], [0, 0]))
        dashes[rule.name] = np.median(lengths)
        assert darkest < 0.5
    assert dashes["GD"] > 3 * dashes["FA"] and dashes["FA"] > 3 * dashes["FA*"]
