"""Run every notebook on every ground that there is here, and compare each time: stability.py

A ground differs from the usual one in one thing: where the processor rounds, which instructions NumPy,
OpenBLAS and the C library may use, how many threads, which Python, and which packages that pyproject.toml
admits, the oldest and the newest. On each, make reproduce runs in a folder of its own below build/stability,
and goes on where it was stopped. Pictures are not compared where another Matplotlib may draw them; their data
are. Exits with 1 unless all grounds agree.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path("build", "stability")
CORES = ("Prescott", "Sandybridge", "Haswell", "SkylakeX", "Zen")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
SETTINGS = {
    "rounding-up": ["ROUNDING=up"],
    "rounding-down": ["ROUNDING=down"],
    "rounding-zero": ["ROUNDING=zero"],
    "two-threads": ["THREADS=2"],
    "numpy-without-v3": ["NPY_DISABLE_CPU_FEATURES=X86_V3"],
    "numpy-without-v4": ["NPY_DISABLE_CPU_FEATURES=X86_V4"],
    "c-library-without-avx2": ["GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"],
    "all-without": [
        "NPY_DISABLE_CPU_FEATURES=X86_V3",
        "OPENBLAS_CORETYPE=Prescott",
        "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",
    ],
}
# Such a long product ends OpenBLAS 0.3.34 where its Haswell kernel is forced on a Zen 4 (its issue 6021).
KERNELS_IN_USE = """\
import numpy, scipy.linalg, threadpoolctl
scipy.linalg.lu(numpy.ones((99, 999)) @ numpy.ones((999, 99)))
print(*sorted({library.get("architecture") for library in threadpoolctl.threadpool_info()}), sep=" and ")"""


class Ground(NamedTuple):
    """A name, and what make and the processes below it are given."""

    name: str
    given: list[str]


def grounds() -> Iterator[Ground]:
    """Yield all grounds that this machine has; print those that it has not."""
    yield from (Ground(*setting) for setting in SETTINGS.items())
    seen = set()
    for core in CORES:
        kernel = kernel_of(core)
        if kernel and kernel not in seen:
            yield Ground(f"openblas-{core}", [f"OPENBLAS_CORETYPE={core}"])
        else:
            print(f"openblas-{core}: {kernel or 'it does not run on this processor'}, left out")
        seen.add(kernel)
    for version in PYTHONS:
        if subprocess.run(["sh", "-c", f"python{version} -V"], capture_output=True, check=False).returncode:
            print(f"Python {version}: not on this machine")
            continue
        for packages in ("locked", *RESOLUTIONS):
            programs = environment(version, packages)
            pixels = "yes" if packages == "locked" else "no"
            yield Ground(f"python-{version}-{packages}", [f"BIN={programs}", f"FA_PIXELS={pixels}"])


def kernel_of(core: str) -> str:
    """Return which kernels of OpenBLAS are in use where this core is asked for; nothing where none runs."""
    command = [sys.executable, "-c", KERNELS_IN_USE]
    surroundings = os.environ | {"OPENBLAS_CORETYPE": core}
    ran = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    return ran.stdout.strip() if ran.returncode == 0 else ""


def environment(version: str, packages: str) -> Path:
    """Return where an environment's programs are, after making it from packages as they are today."""
    folder = FOLDER / f"{version}-{packages}"
    lock = Path("requirements.lock")
    if packages in RESOLUTIONS:
        lock = FOLDER / f"requirements-{version}-{packages}.txt"
        extras = [f"--extra={extra}" for extra in ("notebooks", "test", "build")]
        how = [f"--python-version={version}", f"--resolution={RESOLUTIONS[packages]}", "--generate-hashes"]
        how.append("--only-binary=:all:")  # the oldest that a new Python takes without a compiler
        quiet = ["--no-emit-index-url", "--no-annotate", "--quiet", f"--output-file={lock}"]
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "pip", "compile", "pyproject.toml", *extras, *how, *quiet], check=True)
    if not (folder / "installed").exists():
        subprocess.run(
            ["sh", "tools/environment.sh", folder / "installed", lock, f"python{version}"], check=True
        )
    return folder / "bin"


def agrees(ground: Ground) -> bool:
    """Run all notebooks on a ground, print how the comparison ended, and return whether nothing differs."""
    surroundings = os.environ | dict(word.split("=", 1) for word in ground.given)
    command = ["make", "reproduce", f"OUT={FOLDER / ground.name}", *ground.given]
    ran = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    (FOLDER / f"{ground.name}.log").write_text(ran.stdout + ran.stderr, encoding="utf-8")
    outcome = "agrees" if ran.returncode == 0 else "DIFFERS"
    print(ground.name, outcome, *ran.stdout.splitlines()[-2:-1], sep=": ", flush=True)
    return ran.returncode == 0


def main() -> int:
    """Try all grounds, one after the other, and return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    agreed = [agrees(ground) for ground in grounds()]
    print(f"{sum(agreed)} of {len(agreed)} grounds agree with what is committed; logs in {FOLDER}")
    return not all(agreed)


if __name__ == "__main__":
    sys.exit(main())
