#!/bin/sh
# make_environment.sh FOLDER LOCK PYTHON ...: a virtual environment with the first usable one of these Pythons.
set -eu
folder=$1 lock=$2
shift 2

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
exec "$usable" "$(dirname "$0")/environment.py" "$folder" "$lock"
