"""A sweep on a Dask cluster whose workers share the folder, and know of nothing else in it."""

from small_copy import CLAIM, PICTURE, make, write_notebook


def test_runs_are_made_by_the_workers_and_read_here(copy, scheduler, workers):
    told = """set_here = float("ONLY_HERE" in os.environ)
report.verdict(report.claim("x", measured=set_here, at_most=seed - 2.0, mark="new"))"""
    here = """own = float(Path(fa.__file__).parents[1] == Path.cwd().parent)
report.verdict(report.claim("y", measured=own, equal_to=1, mark="new"))"""
    cells = (
        "import os\nfrom pathlib import Path",
        here,
        told,
        PICTURE.format(name="good"),
        CLAIM.format(bound=5),
    )
    write_notebook(copy, "good", *cells)
    ran = make(copy, "sweep", "ONLY=good", "P=seed=1:2", FA_DASK=scheduler, ONLY_HERE="1")
    assert ran.returncode != 0 and "Traceback" not in ran.stderr, ran.stdout + ran.stderr
    assert "good: holds in 2 of 2, 1 to 1, 0 may fail: y" in ran.stdout
    assert "good: holds in 1 of 2, 0 to 0, 0 may fail: x" in ran.stdout
    assert "6 verdicts of 2 runs, 1 fail" in ran.stdout
    made = {path.parent.name for path in (copy / "build" / "runs").glob("*/good.ipynb")}
    assert made == {"seed_1", "seed_2"}


def test_a_cluster_that_is_not_there_is_named_in_a_sentence(copy):
    ran = make(copy, "sweep", "ONLY=good", "P=seed=1:2", FA_DASK="tcp://127.0.0.1:9")
    assert ran.returncode != 0 and "Traceback" not in ran.stderr
    assert "tcp://127.0.0.1:9: no Dask scheduler with workers answers" in ran.stderr
    assert "unset FA_DASK" in ran.stderr
