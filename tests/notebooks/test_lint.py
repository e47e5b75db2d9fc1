"""What the lint of notebooks complains about, on notebooks made up for it, one fault at a time."""

import pytest
from complaints import complaints
from made_up import GOOD_PROSE, METADATA, SEED, claim, code, prose, shown, stream, verdicts, write

from fa_utils.report.claims import VERDICT_MIME

GOOD = code("1", verdicts(claim(0.5)))


def about(tmp_path, *cells, name="good", metadata=METADATA):
    """Return the complaints about a notebook with a seed, a verdict, and these cells."""
    return complaints(write(tmp_path / f"{name}.ipynb", GOOD, *cells, metadata=metadata))


def test_a_good_notebook_has_no_complaints(tmp_path):
    assert about(tmp_path, prose(GOOD_PROSE), code("2", stream("Z/W and a/b: 3"))) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (r"$\operatorname{tr} M$", r"\operatorname in a formula"),
        (r"$\newcommand{\x}{y}$", r"\newcommand in a formula"),
        (r"$\mbox{a}$", r"\mbox in a formula"),
        (r"$\phantom{a} b$", r"\phantom in a formula"),
        (r"$a \tag{1}$", r"\tag in a formula"),
        ("| a | b |\n|---|---|\n| $x$ | $|y|$ |", "| in the formula"),
        ("$a < b$", "< in the formula 'a < b'"),
        ("$$\na < b\n$$", "< in the formula"),
        ("$a\n= b$", "a line break in the formula"),
        ("$$a = b$$", "$$ needs lines"),
        ("text\n$$\na\n$$", "$$ needs lines"),
        ("![one](https://example.org/one.png)", "![one](https:// loads from elsewhere"),
        ("![one](<//example.org/one.png>)", "![one](<// loads from elsewhere"),
        ("![one][there]", "![one][ loads from elsewhere"),
        ('<IMG src="one.png">', "<IMG src= loads from elsewhere"),
        ('<svg><image width="3" href="x"/></svg>', "loads from elsewhere"),
        ("<script>1</script>", "<script loads from elsewhere"),
        ("x" * 1_000_000, "GitHub shows notebooks below"),
    ],
)
def test_prose_that_github_refuses_or_drops_is_named(tmp_path, text, message):
    (line,) = about(tmp_path, prose(text))
    assert message in line


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (stream("a warning", "stderr"), "an output is stderr: a warning"),
        ({"output_type": "error", "ename": "KeyError"}, "an output is KeyError"),
        (stream("saved to /home/me/x.png"), "names the absolute path /home/me/x.png"),
        (shown({"text/plain": r"C:\temp"}), r"names the absolute path C:\temp"),
        (shown({"image/svg+xml": "<svg/>"}), "an output of type image/svg+xml"),
        (shown({"text/html": "<b>1</b>"}), "an output of type text/html"),
        (shown({"application/javascript": "1"}), "an output of type application/javascript"),
        (shown({"image/png": "x"}), "a picture without a description"),
        (
            shown({"application/vnd.jupyter.widget-view+json": {}}),
            "an output of type application/vnd.jupyter",
        ),
    ],
)
def test_an_output_that_does_not_belong_is_named(tmp_path, output, message):
    (line,) = about(tmp_path, code("2", output), prose("A caption."))
    assert message in line


PICTURE = code("2", shown({"image/png": "x"}, **{"image/png": {"alt": "a curve"}}))


@pytest.mark.parametrize(
    ("after", "named"),
    [
        (prose("The curve falls."), False),
        (prose("The curve falls\n(on the left).\n\n**Verdict.** It holds."), False),
        (prose("$x$ falls.\n\n$$\na = b\n$$"), False),
        (prose("*Left:* it falls."), False),
        (prose("The curve falls:\n\nmore."), True),
        (prose("## It falls."), True),
        (prose("**Verdict.** It holds."), True),
        (code("3"), True),
        (None, True),
    ],
)
def test_a_picture_without_a_caption_right_after_it_is_named(tmp_path, after, named):
    found = about(tmp_path, PICTURE, *([after] if after else []))
    assert [line.startswith("cell 3 shows a picture without a caption") for line in found] == [True] * named


def test_the_html_of_a_verdict_may_stay(tmp_path):
    table = shown({"text/html": "<table></table>", VERDICT_MIME: [{"verdict": "holds", "statement": "x"}]})
    assert not about(tmp_path, code("2", table))


def test_a_statement_that_wraps_is_named(tmp_path):
    (complaint,) = about(tmp_path, code("2", verdicts(claim(statement="Lemma 1: " + 85 * "x"))))
    assert "wraps; make it shorter by 1 characters" in complaint
    assert not about(tmp_path, code("2", verdicts(claim(statement="Lemma 1: " + 84 * "x"))))


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("report.verdict(a)\nb", "line 1"),
        ("b\nreport.control('c', a)\nreport.verdict(a)", "line 2"),
        ("for a in b:\n    report.verdict(a)", "line 2"),
    ],
)
def test_a_verdict_that_is_not_displayed_is_named(tmp_path, source, line):
    (complaint,) = about(tmp_path, code(source))
    assert f"{line}: a verdict that nobody sees" in complaint
    assert not about(tmp_path, code("display(report.verdict(a))\nreport.control('b', a)"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("gap 2.3e-13", "2.3e-13"),
        ("gap 2.3e-13\n", "2.3e-13"),
        ("gap -5e-324", "5e-324"),
        ("(1e-15)", "1e-15"),
        ("1.e-15,", "1.e-15"),
        ("> 1e-15", "1e-15"),
        ("gap 2.3e-12", None),
        ("<1e-15", None),
        ("< 1e-15", None),
        ("gap <= 1e-15", None),
        ("gap >= 1e-15", None),
        ("0.0e-15", None),
        ("cell3e-15", None),
        ("1e+15 and 1e15", None),
    ],
)
def test_a_number_that_is_rounding_is_named_unless_it_bounds_something(tmp_path, text, named):
    for output in (stream(text), shown({"text/plain": text})):
        found = about(tmp_path, code("2", output))
        assert found == (
            [f"{named} is printed, and is rounding; print less of it, or < and a bound"] if named else []
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"kernelspec": METADATA["kernelspec"] | {"name": "other"}},
            "metadata of kernelspec are {'name': 'other'",
        ),
        ({"kernelspec": METADATA["kernelspec"] | {"display_name": "3.12"}}, "metadata of kernelspec are "),
        ({"language_info": {"name": "python", "version": "3.12.1"}}, "metadata of language_info are "),
        ({"widgets": {}}, "metadata of widgets are {}"),
        ({"papermill": {"duration": 1}}, "metadata of papermill are "),
        ({"vscode": {"interpreter": 1}}, "metadata of vscode are "),
    ],
)
def test_an_editors_or_a_runs_metadata_are_named(tmp_path, change, message):
    (line,) = about(tmp_path, metadata=METADATA | change)
    assert line.startswith(message) and line.endswith("; adopt notebooks with make accept")


def test_missing_metadata_and_those_of_a_cell_are_named(tmp_path):
    (line,) = about(tmp_path, metadata={"kernelspec": METADATA["kernelspec"]})
    assert line.startswith("metadata of language_info are None;")
    folded = code("2") | {"metadata": {"collapsed": True}}
    assert about(tmp_path, folded) == [
        "cell 3 has metadata {'collapsed': True}; adopt notebooks with make accept"
    ]


@pytest.mark.parametrize("name", ["figure-1 copy", "figure-1-Copy1", "figure-1(1)", "figure_1", "é", "a.b"])
def test_a_copys_name_is_refused(tmp_path, name):
    assert about(tmp_path, name=name) == [
        f"{name + '.ipynb'!r} is no name for a notebook; use small letters, digits and dashes"
    ]


@pytest.mark.parametrize("tag", ["parameters", "injected-parameters"])
def test_another_cell_of_parameters_is_named(tmp_path, tag):
    (line,) = about(tmp_path, code("seed = 2", tags=[tag]))
    assert line.startswith(f"cells are tagged ['parameters', '{tag}']; exactly one must be 'parameters'")


@pytest.mark.parametrize("counts", [(None, 2), (1, 3), (2, 1), (1, 1)])
def test_a_notebook_not_run_from_top_to_bottom_is_named(tmp_path, counts):
    path = write(tmp_path / "good.ipynb", GOOD)
    for old, new in zip((1, 2), counts, strict=True):
        was = f'"execution_count": {old},'
        text = path.read_text()
        assert was in text
        path.write_text(text.replace(was, f'"execution_count": {"null" if new is None else new} ,'))
    assert complaints(path) == [f"execution counts are {[*counts]}; run it from top to bottom (make accept)"]


def test_a_notebook_without_outputs_or_without_a_verdict_is_named(tmp_path):
    found = complaints(write(tmp_path / "good.ipynb"))
    assert found == ["no outputs; run it (make accept)", "no verdict: nothing that could fail"]
    control = code("1", verdicts(claim(2.0), broken="x"))
    assert complaints(write(tmp_path / "good.ipynb", control)) == ["no verdict: nothing that could fail"]


@pytest.mark.parametrize(("lines", "named"), [(20, False), (21, True)])
def test_a_cell_beyond_a_screen_is_named(tmp_path, lines, named):
    found = about(tmp_path, code("\n".join(["x = 1"] * lines)))
    assert found == (["code cell 3 has 21 lines; 20 are enough"] if named else [])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("seed = 1", "parameter seed lacks a meaning or a range"),
        ("seed = 1  # of every draw", "parameter seed lacks a meaning or a range"),
        ("seed = 1  # [0 to 9]", "parameter seed lacks a meaning or a range"),
        ("seed = 1  # of every draw [0 to many]", "parameter seed lacks a meaning or a range"),
        ("seed = 1  # of every draw [2 to 9]", "parameter seed is 1, outside its range 2 to 9"),
        ("seed = 1.0  # of every draw [0 to 9]", "no parameter seed; every notebook has one"),
        ("x = 1  # of every draw [0 to 9]", "no parameter seed; every notebook has one"),
        (f"{SEED}\nx = [1, [9]]  # y [0 to 8]", "parameter x is [1, [9]], outside its range 0 to 8"),
    ],
)
def test_a_parameter_without_a_sensible_range_and_a_missing_seed_are_named(tmp_path, lines, message):
    path = write(tmp_path / "good.ipynb", GOOD)
    assert complaints(path) == []
    path.write_text(path.read_text().replace(SEED, lines.replace("\n", r"\n")))
    (line,) = complaints(path)
    assert line.startswith(message)
