"""What mutmut found becomes a page: survivors with their reasons, and none without."""

import json

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
    path.mkdir(exist_ok=True)
    codes = {"x_halve__mutmut_1": halve_1, "x_halve__mutmut_2": halve_2, "xǁPairǁswap__mutmut_1": swap}
    codes = {f"fa_utils.one.{name}": code for name, code in codes.items()}
    (path / "one.py").write_text(MUTATED)
    (path / "one.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    (path / "none.py.meta").write_text(json.dumps({"exit_code_by_key": {}}))
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


def test_no_mutants_are_no_success(tmp_path, capsys):
    (tmp_path / "trust.lock").write_text("mutmut==3.8.1 \\\n")
    (tmp_path / "equivalent_mutants.toml").write_text("equivalent = []")
    assert mutants.main(tmp_path, tmp_path) == 1
    assert "there are no mutants" in capsys.readouterr().err
