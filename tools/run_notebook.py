"""Run one notebook headlessly and put its results where they belong, whole or not at all.

Usage: run_notebook.py NOTEBOOK OUTPUT [NAME=VALUE ...]

Everything is made in a folder of its own below the output's, and moved into place at the end: figures to
FA_FIGURES, then a record of them (see up_to_date.py), then the executed notebook. A notebook that breaks is
kept below failed/, beside the output, and moves no figure.
"""

import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import nbstripout
import papermill
from parameters import ParameterError, parse, refuse_unknown
from traitlets.config import Config
from up_to_date import inputs_of, record, record_of

from fa_utils.files import write_whole

RUN_METADATA = [
    "metadata.papermill",
    "metadata.language_info.version",
    "cell.metadata.papermill",
    "cell.metadata.execution",
]


def kernel_on_socket_files(folder: str) -> Config:
    """Return the setting by which a kernel listens on files in ``folder``.

    The default, TCP, picks free ports and binds them a second later: of many kernels that start side by
    side, now and then two pick the same one, and a kernel dies before it has begun.
    """
    return Config({"KernelManager": {"transport": "ipc", "connection_file": f"{folder}/kernel.json"}})


def execute(notebook: Path, output: Path, parameters: dict) -> None:
    """Run ``notebook`` in its own folder; write it, broken or not, to ``output`` without run metadata."""
    try:
        # Not below the output: the path of a socket file may not be longer than some 100 bytes.
        with tempfile.TemporaryDirectory(prefix="fa-") as sockets:
            papermill.execute_notebook(
                str(notebook),
                str(output),
                parameters=parameters,
                kernel_name="python3",
                cwd=str(notebook.parent),
                progress_bar=False,
                config=kernel_on_socket_files(sockets),
                extra_arguments=["--log-level=CRITICAL"],
            )
    finally:
        strip_run_metadata(output)


def strip_run_metadata(output: Path) -> None:
    """Take out of an executed notebook what differs from run to run; delete one that a full disk cut off."""
    try:
        executed = nbformat.read(output, as_version=4)
    except (FileNotFoundError, ValueError):
        output.unlink(missing_ok=True)
        return
    nbstripout.strip_output(
        executed, keep_output=True, keep_count=True, keep_id=True, extra_keys=RUN_METADATA
    )
    write_whole(output, f"{nbformat.writes(executed)}\n".encode())


def publish(staged: Path, output: Path, figures: Path, inputs: str) -> None:
    """Put the staged figures and notebook into place; the notebook last, since it stands for all of them."""
    figures.mkdir(parents=True, exist_ok=True)
    made = {str(output): (staged / output.name).read_bytes()}
    for picture in sorted((staged / "figures").glob("*")):
        content = picture.read_bytes()
        write_whole(figures / picture.name, content)
        made[os.path.relpath(figures / picture.name)] = content
    write_whole(record_of(output), record(inputs, made))
    (staged / output.name).replace(output)


def keep_broken(staged: Path, failed: Path) -> str:
    """Keep the copy of a notebook that broke, where there is one and a place for it; say where it is."""
    try:
        failed.parent.mkdir(exist_ok=True)
        staged.replace(failed)
    except OSError:
        return ""
    return f"  (see {failed})"


def report(outcome: str) -> None:
    """Print one line of progress; each finished notebook adds a byte to the file that counts them."""
    done = "?"
    with contextlib.suppress(OSError), open(os.environ.get("FA_PROGRESS", os.devnull), "ab") as progress:
        progress.write(b".")
        progress.flush()
        done = progress.tell()
    print(f"[{done}/{os.environ.get('FA_TOTAL', '?')}] {outcome}", flush=True)


def main(notebook: Path, output: Path, words: list[str]) -> None:
    """Run, publish and report one notebook; exit with 1 where it broke."""
    parameters = parse(words)
    refuse_unknown(notebook, parameters)
    inputs = inputs_of(notebook, words)
    figures = Path(os.environ["FA_FIGURES"])
    failed = output.parent / "failed" / output.name
    output.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f".{output.stem}-", dir=output.parent) as folder:
        staged = Path(folder)
        os.environ["FA_FIGURES"] = str((staged / "figures").resolve())
        try:
            execute(notebook, staged / output.name, parameters)
            publish(staged, output, figures, inputs)
        except Exception as broke:
            output.unlink(missing_ok=True)
            report(f"{notebook.stem}  BROKE: {reason(broke)}{keep_broken(staged / output.name, failed)}")
            sys.exit(1)
    failed.unlink(missing_ok=True)
    report(f"{notebook.stem}  {time.monotonic() - started:.1f} s")


def reason(broke: Exception) -> str:
    """Return in a line what went wrong: the error raised in the notebook, or the one that stopped its run."""
    if isinstance(broke, papermill.PapermillExecutionError):
        return f"{broke.ename}: {broke.evalue}".splitlines()[0]
    return f"{type(broke).__name__}: {broke}".splitlines()[0]


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
    except ParameterError as refusal:
        sys.exit(str(refusal))
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error}; mend that and run make again")
    except KeyboardInterrupt:
        sys.exit(130)
