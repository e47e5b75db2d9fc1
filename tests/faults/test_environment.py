"""The environment: made once for each checkout by a usable Python, and anew where it came with a copy."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest
from small_copy import PICTURE, copy_repository, make, run, write_notebook

# An environment in a moment: its python is this one, and its pip installs nothing.
PRETENDED = f"""\
#!/bin/sh
case "$*" in
*"-m venv"*)
    for folder; do :; done
    mkdir -p "$folder/bin"
    cp "$0" "$folder/bin/python" ;;
*"-m pip"*) [ ! -e slow ] || sleep 2; [ ! -e broken ] || exit 1 ;;
*) exec {shlex.quote(sys.executable)} "$@" ;;
esac
"""
WHERE = "print(fa.__file__)"


@pytest.fixture
def python(tmp_path):
    """A Python that makes environments in a moment."""
    return script(tmp_path / "python", PRETENDED)


def script(path, text):
    path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def made(folder, python, *arguments):
    """Run make there, with an environment of its own; return what it did."""
    return run(folder, "make", "UV=", f"PYTHON={python}", *(arguments or ["reproduce"]))


@pytest.fixture
def first(tmp_path, python):
    """A small repository that has its environment, and has run."""
    folder = copy_repository(tmp_path / "first")
    write_notebook(folder, "good", WHERE, PICTURE.format(name="good"))
    ran = made(folder, python)
    assert "Making .venv with Python 3." in ran.stdout and "good starts" in ran.stdout, (
        ran.stdout + ran.stderr
    )
    assert (folder / ".venv" / "installed").read_text() == f"{folder}\n"
    return folder


def test_an_environment_is_made_once(first, python):
    again = made(first, python)
    assert "Making" not in again.stdout and "nothing to do" in again.stdout
    for name in ("requirements.lock", "tools/environment.sh"):
        os.utime(first / name)
        assert "Making .venv" in made(first, python, ".venv/installed").stdout
        assert "Making" not in made(first, python, ".venv/installed").stdout


def test_a_clone_copied_with_its_environment_makes_its_own_and_runs_its_own_package(first, python, tmp_path):
    second = tmp_path / "second"
    shutil.copytree(first, second, symlinks=True)
    ran = made(second, python)
    assert "Making .venv" in ran.stdout and "good starts" in ran.stdout
    assert (second / ".venv" / "installed").read_text() == f"{second}\n"
    assert f"{second}/fa_utils/__init__.py" in (second / "build" / "good.ipynb").read_text()
    assert "Making" not in made(second, python).stdout and "Making" not in made(first, python).stdout


def test_a_renamed_clone_makes_its_environment_anew(first, python, tmp_path):
    renamed = first.rename(tmp_path / 'it\'s "re"named for $HOME, `date`')
    ran = made(renamed, python)
    assert "Making .venv" in ran.stdout and "Traceback" not in ran.stdout + ran.stderr
    printed = json.dumps(f"{renamed}/fa_utils/__init__.py").strip('"')
    assert printed in (renamed / "build" / "good.ipynb").read_text()
    assert "Making" not in made(renamed, python).stdout


def test_a_clone_that_is_reached_by_a_link_makes_it_once(first, python, tmp_path):
    (tmp_path / "link").symlink_to(first)
    for folder in (tmp_path / "link", first):
        ran = run(folder, "make", "UV=", f"PYTHON={python}", ".venv/installed", PWD=str(folder))
        assert "Making" not in ran.stdout
    shutil.rmtree(first / ".venv")
    assert (
        "Making"
        in run(
            tmp_path / "link",
            "make",
            "UV=",
            f"PYTHON={python}",
            ".venv/installed",
            PWD=str(tmp_path / "link"),
        ).stdout
    )
    assert "Making" not in made(first, python, ".venv/installed").stdout


def test_an_environment_that_was_not_finished_is_begun_again(first, python):
    (first / "broken").touch()
    os.utime(first / "requirements.lock")
    ran = made(first, python)
    assert ran.returncode != 0 and not (first / ".venv" / "installed").exists()
    assert not (first / ".venv.lock").exists()
    (first / "broken").unlink()
    assert "Making .venv" in made(first, python).stdout


def test_a_second_make_at_one_environment_gets_one_clear_sentence(first, python):
    shutil.rmtree(first / ".venv")
    (first / "slow").touch()
    command = ["make", "UV=", f"PYTHON={python}", ".venv/installed"]
    one = subprocess.Popen(command, cwd=first, stdout=subprocess.PIPE, text=True)
    while not (first / ".venv.lock").exists():
        assert one.poll() is None
    other = run(first, *command)
    assert other.returncode != 0
    said = [line for line in other.stderr.splitlines() if not line.startswith("make")]
    assert said == ["Another make is at .venv; wait for it. If none is, delete .venv.lock and run make again"]
    one.communicate()
    assert one.returncode == 0 and not (first / ".venv.lock").exists()
    assert (first / ".venv" / "installed").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            None,
            "No Python 3.11 to 3.14 among: no-such-python; install one, or uv, which brings one, or name "
            "another Python: make",
        ),
        ("exit 1", "No Python 3.11 to 3.14 among:"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "has no venv module; install it"),
    ],
)
def test_a_missing_old_or_incomplete_python_gets_one_sentence(copy, text, message, tmp_path):
    python = script(tmp_path / "python", text) if text else "no-such-python"
    ran = made(copy, python)
    assert ran.returncode != 0 and message in ran.stderr
    assert len([line for line in ran.stderr.splitlines() if not line.startswith("make")]) == 1
    assert not (copy / ".venv").exists() and not (copy / ".venv.lock").exists()


def test_the_first_usable_python_is_taken(copy, python, tmp_path):
    old = script(tmp_path / "old", "exit 1")
    ran = made(copy, f"no-such-python {old} {python} {old}", ".venv/installed")
    assert ran.returncode == 0 and "Making .venv with Python 3." in ran.stdout


def test_what_checks_comes_on_top_and_takes_nothing_away(first, python):
    (first / ".venv" / "kept").touch()
    added = made(first, python, ".venv/develop")
    assert added.returncode == 0 and "Adding tests/develop.lock to .venv" in added.stdout
    assert "Making" not in added.stdout and (first / ".venv" / "kept").exists()
    assert "Adding" not in made(first, python, ".venv/develop").stdout
    os.utime(first / "requirements.lock")
    anew = made(first, python, ".venv/develop").stdout
    assert "Making .venv" in anew and "Adding tests/develop.lock" in anew


def test_with_uv_no_pip_is_asked(copy, python, tmp_path):
    uv = script(
        tmp_path / "uv",
        f"""#!/bin/sh
case "$*" in
venv*) for folder; do :; done; mkdir -p "$folder/bin"; cp {python} "$folder/bin/python" ;;
"pip install"*) echo "Downloading scipy (33.6MiB)" >&2; echo " + scipy==1" >&2; [ ! -e broken ] || exit 1 ;;
esac
""",
    )
    (copy / "broken").touch()
    for uses_uv in (f"UV={uv}", f"UV={uv.name}"):
        ran = run(
            copy,
            "make",
            uses_uv,
            "PYTHON=no-such-python",
            ".venv/installed",
            PATH=f"{tmp_path}:{os.environ['PATH']}",
        )
        assert (
            ran.returncode != 0 and "scipy==1" in ran.stderr and not (copy / ".venv" / "installed").exists()
        )
    (copy / "broken").unlink()
    ran = run(copy, "make", f"UV={uv}", "PYTHON=no-such-python", ".venv/installed")
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("Making .venv with Python 3.") and {*lines[1:]} == {"  scipy, 33.6 MB"}
    assert (copy / ".venv" / "installed").exists()


def test_with_another_environment_none_is_made(copy):
    assert "Making" not in make(copy, "reproduce").stdout and not (copy / ".venv" / "bin").exists()
