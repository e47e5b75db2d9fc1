#!/bin/sh
# environment.sh FOLDER LOCK PYTHON ...: locked packages and this checkout, which FOLDER/installed, written last, names.
set -eu
folder=$1 lock=$2 python=; shift 2
refuse() { echo "$*" >&2; exit 1; }
another="name another Python: make PYTHON=/path/to/python3.12 ..."
usable='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
for candidate in "$@"; do "$candidate" -c "$usable" 2>/dev/null && python=$candidate && break; done
[ "$python" ] || refuse "No Python 3.11, 3.12 or 3.13 among: $*; install one, or $another"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    refuse "$python has no venv module; install it (Debian and Ubuntu: apt install python3-venv), or $another"
mkdir "$folder.lock" 2>/dev/null ||
    refuse "Another make is at $folder; wait for it. If none is, delete $folder.lock and run make again"
trap 'rmdir "$folder.lock"' EXIT
trap 'exit 130' INT TERM HUP
echo "Making $folder with $("$python" -V) from $lock (a minute or two)"
"$python" -m venv --clear "$folder"
pip() { "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-user "$@"; }
pip --require-hashes --requirement "$lock"
pip --no-deps --no-build-isolation --editable .
MPLCONFIGDIR="$folder/matplotlib" "$folder/bin/python" -c 'import matplotlib.font_manager' # makes its cache of fonts
pwd -P >"$folder/installed"
