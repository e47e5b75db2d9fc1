"""What JupyterLab saves: a notebook with all that belongs to it, and nothing of the editor."""

import json
from pathlib import Path

import lab
import nbformat
from complaints import complaints

ROOT = Path(__file__).parents[2]
EDITORS = {"codemirror_mode": {"name": "ipython", "version": 3}, "version": "3.12.1", "name": "python"}


def test_what_is_saved_is_the_committed_notebook_whatever_the_editor_has_added(tmp_path):
    committed = ROOT / "notebooks" / "lemma-1.ipynb"
    model = {"type": "notebook", "content": json.loads(committed.read_text(encoding="utf-8"))}
    model["content"]["metadata"] |= {"language_info": EDITORS, "toc-autonumbering": True}
    for cell in model["content"]["cells"]:
        cell["metadata"] |= {"execution": {"iopub.execute_input": "2027"}, "collapsed": True, "trusted": True}
    lab.without_history(model, path="lemma-1.ipynb", contents_manager=None)
    saved = tmp_path / "lemma-1.ipynb"
    nbformat.write(nbformat.from_dict(model["content"]), saved)
    assert saved.read_bytes() == committed.read_bytes() and complaints(saved) == []


def test_other_files_are_saved_as_they_are():
    model = {"type": "file", "content": "x"}
    lab.without_history(model, path="x.txt", contents_manager=None)
    assert model == {"type": "file", "content": "x"}
