"""What JupyterLab does before it saves a notebook: make lab names it as ContentsManager.pre_save_hook."""

import nbformat
import run_notebook


def without_history(model: dict, **_unused: object) -> None:
    """Leave a notebook that is about to be saved no metadata of a run or an editor."""
    if model["type"] == "notebook":
        model["content"] = run_notebook.without_history(nbformat.from_dict(model["content"]))
