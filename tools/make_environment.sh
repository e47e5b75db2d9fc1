#!/bin/sh
# Make .venv from requirements.lock with the first usable Python among the arguments.
# The file .venv/installed is written last: an interrupted attempt starts afresh.
set -eu

usable=
for candidate in "$@"; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        usable=$candidate
        break
    fi
done
if [ -z "$usable" ]; then
    echo "No Python 3.11, 3.12 or 3.13 among: $*; install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
    exit 1
fi
if ! "$usable" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$usable has no venv module; install it (on Debian and Ubuntu: apt install python3-venv), or name" \
        "another Python: make PYTHON=/path/to/python3.12 ..." >&2
    exit 1
fi

echo "Making .venv with $("$usable" --version) from requirements.lock (a minute or two)"
rm -f .venv/installed
"$usable" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
# Matplotlib's font cache, made now, so that no notebook reports the making of it.
MPLCONFIGDIR=.venv/matplotlib .venv/bin/python -c 'import matplotlib.font_manager'
touch .venv/installed
