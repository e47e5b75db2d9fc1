"""What mutmut found becomes a page: survivors with their reasons, and none without."""

import json
import tomllib

import mutants
import pytest

MUTATED = """\
def x_halve__mutmut_orig(number, times=1):
    return number / (
        2 * times
    )

def x_halve__mutmut_1(number, times=2):
    return number / (
        2 * times
    )

def x_halve__mutmut_2(number, times=1):
    return number * (
        2 * times
    )

class Pair:
    def xǁPairǁswap__mutmut_orig(self):
        return self.b, self.a

    def xǁPairǁswap__mutmut_1(self):
        return None
"""
HALVED = ["one.halve", "def x_halve(number, times=1):", "def x_halve(number, times=2):"]
SWAPPED = ["one.Pair.swap", "return self.b, self.a", "return None"]


def mutation_run(path, halve_1=0, halve_2=1, swap=0, reasons=(HALVED, SWAPPED)):
    """Write what a run of mutmut leaves for a module of three mutants, and a file with these reasons."""
    room = path / "core" / "mutants" / "fa_utils"
    room.mkdir(parents=True, exist_ok=True)
    codes = {"x_halve__mutmut_1": halve_1, "x_halve__mutmut_2": halve_2, "xǁPairǁswap__mutmut_1": swap}
    codes = {f"fa_utils.one.{name}": code for name, code in codes.items()}
    (room / "one.py").write_text(MUTATED)
    (room / "one.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    (room / "none.py.meta").write_text(json.dumps({"exit_code_by_key": {}}))
    (path / "trust.lock").write_text("mutmut==3.8.1 \\\n    --hash=sha256:0\n")
    (path / "equivalent_mutants.toml").write_text(
        "".join(f'[[equivalent]]\nwhy = "No use."\nmutants = {json.dumps([one])}\n' for one in reasons)
        or "equivalent = []"
    )
    return mutants.main(path, path)


def test_mutants_are_counted_and_survivors_listed_below_their_reasons(tmp_path, capsys):
    assert mutation_run(tmp_path, halve_2=-24) == 0
    page = (tmp_path / "mutants.md").read_text()
    assert "| one | 3 | 0 | 1 | 2 | 33.3 % |\n| all | 3 | 0 | 1 | 2 | 33.3 % |\n" in page
    assert "| one | 3 |" in capsys.readouterr().out
    assert page.endswith(
        "\nNo use.\n\n- one.halve: `` def x_halve(number, times=1): `` becomes "
        "`` def x_halve(number, times=2): ``\n\n"
        "No use.\n\n- one.Pair.swap: `` return self.b, self.a `` becomes `` return None ``\n"
    )


def test_a_mutant_that_timed_out_may_have_a_reason_but_is_no_survivor(tmp_path):
    assert mutation_run(tmp_path, swap=-24) == 0
    page = (tmp_path / "mutants.md").read_text()
    assert "| all | 3 | 1 | 1 | 1 | 66.7 % |" in page and "one.halve" in page and "one.Pair" not in page


def test_a_mutant_that_ends_the_tests_own_process_is_killed(tmp_path):
    assert mutation_run(tmp_path, halve_2=7) == 0
    assert "| all | 3 | 1 | 0 | 2 | 33.3 % |" in (tmp_path / "mutants.md").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reasons": [HALVED]}, "survives without a reason: one.Pair.swap: return self.b, self.a"),
        ({"swap": 33, "reasons": [HALVED]}, "survives without a reason: one.Pair.swap"),
        ({"swap": 1}, "has a reason but is killed: one.Pair.swap"),
        ({"reasons": [HALVED, SWAPPED, SWAPPED]}, "has two reasons: one.Pair.swap"),
        ({"halve_2": None}, "1 mutants have not been run, or not to an end"),
        ({"halve_1": None, "halve_2": 0, "reasons": [SWAPPED]}, "return number / ( -> return number * ("),
    ],
)
def test_a_mutant_without_reason_or_a_reason_without_mutant_is_named(tmp_path, capsys, change, message):
    assert mutation_run(tmp_path, **change) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "mutants.md").exists()


def test_a_room_that_was_not_run_keeps_its_reasons_and_one_that_was_has_its_name(tmp_path):
    elsewhere = ["theory.law.least_error", "return 1", "return 2"]
    room = tmp_path / "theory" / "mutants" / "fa_utils" / "theory"
    assert mutation_run(tmp_path, reasons=[HALVED, SWAPPED, elsewhere]) == 0
    assert "theory" not in (tmp_path / "mutants.md").read_text()
    room.mkdir(parents=True)
    (room / "law.py").write_text(MUTATED)
    codes = {"fa_utils.theory.law.x_halve__mutmut_1": 1}
    (room / "law.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    assert mutation_run(tmp_path) == 0
    assert "| theory.law | 1 | 1 | 0 | 0 | 100.0 % |" in (tmp_path / "mutants.md").read_text()


@pytest.mark.parametrize(
    ("room", "there", "not_there"),
    [
        ("core", "fa_utils/problems.py", "fa_utils/report"),
        ("report", "fa_utils/report/claims.py", "fa_utils/p"),
    ],
)
def test_a_copy_for_a_room_changes_its_modules_and_runs_its_tests(tmp_path, room, there, not_there):
    for path in ("fa_utils/__init__.py", "fa_utils/problems.py", "fa_utils/report/claims.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    settings = (mutants.Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    mutants.narrow(tmp_path, room)
    found = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    assert found["only_mutate"] == [there] and not_there not in str(found["only_mutate"])
    assert found["pytest_add_cli_args_test_selection"][0] == f"tests/{room}"


def test_no_mutants_are_no_success(tmp_path, capsys):
    (tmp_path / "trust.lock").write_text("mutmut==3.8.1 \\\n")
    (tmp_path / "equivalent_mutants.toml").write_text("equivalent = []")
    assert mutants.main(tmp_path, tmp_path) == 1
    assert "there are no mutants" in capsys.readouterr().err
