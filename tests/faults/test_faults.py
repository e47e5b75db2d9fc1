"""Faults as they happen: processes killed, disks full, folders read-only, clocks wrong, no network.

FA_KILLS says how many random kills are tried (a multiple of the four kinds); `make faults` tries a hundred.
"""

import contextlib
import os
import random
import shutil
import subprocess
import time

import psutil
import pytest
from small_copy import BIN, CLAIM, clean_environment, copy_repository, make, write_notebook

KINDS = {
    "kernel": lambda words: any(word.endswith("/nbsteady/launcher.py") for word in words),
    "notebook's run": lambda words: "tools/run_notebook.py" in words[:3],
    "make": lambda words: words[:1] == ["make"] and "--question" not in words,
    "pool worker": lambda words: any("loky.backend.popen_loky" in word for word in words),
}
DRAWS = """\
def experiment(rng):
    total = 0.0
    for _ in range(2000):
        total += rng.standard_normal(100).sum()
    return total

draws = fa.ensemble(experiment, 24, rng=np.random.default_rng(seed))
figure, (ax,) = figures.panels()
ax.plot(draws)
figures.save(figure, "pool", "draws")"""
# File permissions bind an ordinary user; a superuser obeys them only without these capabilities.
UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
NEEDS_NAMESPACES = pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run(["unshare", "-rmn", "true"], check=False).returncode != 0,
    reason="this system gives an ordinary user no namespaces of their own",
)


def results(folder):
    """Return the content of everything under its final name, by name."""
    paths = [*folder.glob("build/*.ipynb"), *folder.glob("build/*.csv"), *folder.glob("build/figures/[!.]*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """A small repository whose second notebook shares its draws out, and what an undisturbed run leaves."""
    folder = copy_repository(tmp_path_factory.mktemp("pool") / "a cópy")
    write_notebook(folder, "pool", "import numpy as np", DRAWS, CLAIM.format(bound=5))
    ran = make(folder, "accept", "THREADS=2", "JOBS=2")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    ran = make(folder, "reproduce", "THREADS=2", "JOBS=2")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    whole = results(folder)
    assert len(whole) == 7
    return folder, whole


def start_over(folder):
    shutil.rmtree(folder / "build", ignore_errors=True)


def started(folder):
    return subprocess.Popen(
        ["make", f"BIN={BIN}", "reproduce", "THREADS=2", "JOBS=2"],
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def is_kind(process, kind):
    """Return whether a process runs and is of this kind."""
    try:
        return KINDS[kind](process.cmdline())
    except psutil.Error:
        return False


class Family:
    """A run of make with all that it ever started: those whose parents are gone as well."""

    def __init__(self, folder):
        self.run = started(folder)
        self.members = {self.run.pid: psutil.Process(self.run.pid)}

    def of_kind(self, kind):
        """Return the living members of a kind, after looking for new ones."""
        for known in list(self.members.values()):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.members |= {process.pid: process for process in known.children(recursive=True)}
        return [process for process in self.members.values() if is_kind(process, kind)]

    def lose_one(self, kind, moment):
        """Kill one of a kind, some time after the first is there; return whether there still was one."""
        while not self.of_kind(kind) and self.run.poll() is None:
            time.sleep(0.01)
        time.sleep(moment.uniform(0.0, 2.5 if kind in ("make", "notebook's run") else 1.0))
        victims = self.of_kind(kind) if self.run.poll() is None else []
        if victims:
            moment.choice(victims).kill()
        return bool(victims)

    def end(self):
        """Return what make said, its code, and who is still there long after it has ended."""
        said, _ = self.run.communicate()
        _, alive = psutil.wait_procs(self.members.values(), timeout=30)
        return said, self.run.returncode, [process.cmdline() for process in alive]


@pytest.mark.parametrize("number", range(int(os.environ.get("FA_KILLS", "4"))))
def test_whoever_is_killed_nothing_half_written_is_left_and_the_next_run_completes(pool, number, tmp_path):
    original, whole = pool
    folder = tmp_path / "a cópy"
    shutil.copytree(original, folder)
    kind = list(KINDS)[number % len(KINDS)]
    moment = random.Random(number)
    if kind == "pool worker" and os.cpu_count() == 1:
        pytest.skip("with one core there is no pool")
    for _ in range(20):
        start_over(folder)
        family = Family(folder)
        killed = family.lose_one(kind, moment)
        said, code, alive = family.end()
        if killed:
            break
    assert killed
    assert not alive
    kept = results(folder)
    kept.pop("build/verdicts.csv", None)  # says what is missing
    assert kept.items() <= whole.items()
    assert code != 0, said
    assert kind != "pool worker" or "EnsembleError: a draw ended its process" in said
    assert kind != "kernel" or ("BROKE: " in said and "Kernel died" in said)
    again = make(folder, "reproduce", "THREADS=2", "JOBS=2")
    assert again.returncode == 0 and results(folder) == whole, again.stdout + again.stderr


@NEEDS_NAMESPACES
@pytest.mark.parametrize("kilobytes", [4, 16, 32, 64])
def test_a_full_disk_is_named_and_leaves_nothing_half_written(pool, kilobytes, tmp_path):
    original, whole = pool
    folder = tmp_path / "a cópy"
    shutil.copytree(original, folder)
    start_over(folder)
    (folder / "build").mkdir()
    kept = 'trap "mkdir kept; cp -r build kept" EXIT'
    setup = f"mount -t tmpfs -o size={kilobytes}k none build; {kept}"
    under = ["unshare", "-rmn", "sh", "-euc", setup + '; "$@"', "sh"]
    ran = make(folder, "reproduce", under=under)
    said = ran.stdout + ran.stderr
    assert ran.returncode != 0 and "No space left on device" in said
    assert f"{folder}/tools" not in said  # no traceback of our own; a kernel that cannot start has one
    for name, content in results(folder / "kept").items():
        assert name == "build/verdicts.csv" or content == whole[name]
    shutil.rmtree(folder / "kept")
    assert make(folder, "reproduce").returncode == 0 and results(folder) == whole


@pytest.mark.parametrize("place", ["build/figures", "build", "."])
def test_a_folder_that_may_not_be_written_is_named(copy, place):
    assert make(copy, "accept").returncode == 0 and make(copy, "reproduce").returncode == 0
    before = results(copy)
    if place != ".":
        (copy / "fa_utils" / "files.py").touch()
    (copy / place).chmod(0o555)
    ran = make(copy, "reproduce", under=UNPRIVILEGED)
    (copy / place).chmod(0o755)
    said = ran.stdout + ran.stderr
    if place == ".":
        assert ran.returncode == 0 and results(copy) == before  # nothing has to be made there
    else:
        assert ran.returncode != 0 and "Permission denied" in said and place in said
        assert "Traceback" not in said and results(copy).items() <= before.items()
    assert make(copy, "reproduce").returncode == 0 and results(copy) == before


def test_two_runs_at_once_in_one_clone_both_complete(pool, tmp_path):
    original, whole = pool
    folder = tmp_path / "a cópy"
    shutil.copytree(original, folder)
    start_over(folder)
    for stale in (False, True):
        if stale:
            (folder / "fa_utils" / "new.py").touch()
        runs = [started(folder) for _ in range(2)]
        said = [run.communicate()[0] for run in runs]
        assert [run.returncode for run in runs] == [0, 0], said
        assert results(folder) == whole


def test_a_home_without_write_access_is_enough(copy, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    for target in ("accept", "nbval"):
        ran = make(copy, target, under=UNPRIVILEGED, HOME=str(home))
        assert ran.returncode == 0 and not ran.stderr, ran.stdout + ran.stderr
    assert not list(home.iterdir())


@NEEDS_NAMESPACES
def test_no_network_is_needed_once_the_environment_exists(copy):
    assert make(copy, "accept").returncode == 0
    (copy / "notebooks" / "good.ipynb").touch()
    ran = make(copy, "reproduce", under=["unshare", "-rmn"])
    assert ran.returncode == 0 and "1 of 1 verdicts hold" in ran.stdout and not ran.stderr
