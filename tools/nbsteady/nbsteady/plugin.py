"""The pytest plugin: where nbval runs notebooks, kernels round as asked, and pictures are compared."""

import base64
import io
from collections.abc import Callable

import pytest

OPTIONS = {
    "rounding": ("nearest", "how the processor rounds in notebooks' kernels: nearest, up, down or zero"),
    "picture_tolerance": ("16", "by how much of 255 a pixel of a notebook's picture may differ"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add each option to the command line and to the configuration."""
    group = parser.getgroup("nbsteady", "notebooks whose digits and pictures no machine changes")
    for name, (default, meaning) in OPTIONS.items():
        group.addoption(f"--{name.replace('_', '-')}", help=f"{meaning} [{default}]")
        parser.addini(name, meaning, default=default)


def runs_notebooks(config: pytest.Config) -> bool:
    """Return whether nbval is at work."""
    return config.getoption("nbval", False) or config.getoption("nbval_lax", False)


def pytest_configure(config: pytest.Config) -> None:
    """Give nbval such kernels and cells, as long as this run lasts."""
    if not runs_notebooks(config):
        return
    from nbval import kernel, plugin

    from nbsteady.kernel import rounding_kernel

    # The command line comes before the configuration.
    rounding, tolerance = (config.getoption(name) or config.getini(name) for name in OPTIONS)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    try:
        compare = with_pictures(plugin.IPyNbCell.compare_outputs, allowed(tolerance))
        patch.setattr(plugin.IPyNbCell, "compare_outputs", compare)
        if rounding != "nearest":
            patch.setattr(kernel, "KernelManager", rounding_kernel(kernel.KernelManager, rounding))
    except ValueError as refusal:
        raise pytest.UsageError(f"nbsteady: {refusal}") from None


def allowed(tolerance: str) -> float:
    """Return by how much pixels may differ; raise ValueError for what is no number."""
    try:
        return float(tolerance)
    except ValueError:
        raise ValueError(f"picture_tolerance is {tolerance!r}; choose a number from 0 to 255") from None


def pytest_report_header(config: pytest.Config) -> str:
    """Say how kernels round."""
    rounding = config.getoption("rounding") or config.getini("rounding")
    return f"nbsteady: rounding {rounding}" if runs_notebooks(config) else ""


def with_pictures(compare_outputs: Callable[..., bool], tolerance: float) -> Callable[..., bool]:
    """Return nbval's comparison of a cell's outputs, extended to pictures."""

    def compare(cell, fresh: list, committed: list, skip_compare: tuple = ()) -> bool:
        if not compare_outputs(cell, fresh, committed, skip_compare):
            return False
        cell.comparison_traceback += picture_differences(fresh, committed, tolerance)
        return not cell.comparison_traceback

    return compare


def pictures(outputs: list, kind: str) -> list[bytes]:
    """Return the pictures of a kind in a cell's outputs."""
    texts = [output.get("data", {}).get(kind) for output in outputs]
    return [base64.b64decode(text) for text in texts if text is not None]


def picture_differences(fresh: list, committed: list, tolerance: float) -> list[str]:
    """Return a line for each picture in a cell's outputs that is not the committed one."""
    from nbsteady.compare import picture_difference

    lines = []
    for kind in ("image/png", "image/jpeg"):
        new = pictures(fresh, kind)
        old = pictures(committed, kind)
        if len(new) != len(old):
            lines.append(f"{kind}: the cell shows {len(new)} pictures, committed {len(old)}")
            continue
        for number, pair in enumerate(zip(new, old, strict=True), start=1):
            try:
                said = "" if pair[0] == pair[1] else picture_difference(*map(io.BytesIO, pair), tolerance)
            except (OSError, SyntaxError, ValueError) as error:
                said = f"it cannot be read: {error}"
            if said:
                lines.append(f"{kind} {number}: {said}")
    return lines
