#!/bin/sh
# environment.sh FOLDER/installed LOCK PYTHON ...: make FOLDER anew from locked packages and this checkout.
# environment.sh FOLDER/NAME LOCK: add locked packages to it. The file named, written last, says whose it is.
# Where there is uv, as $UV names it, it does the work, and brings a Python if there is none; otherwise pip does.
set -eu
stamp=$1 lock=$2 folder=${1%/*} python=; shift 2
refuse() { echo "$*" >&2; exit 1; }
another="name another Python: make PYTHON=/path/to/python3.12 ..."
command -v "${UV:=no-uv}" >/dev/null || UV=

find_python() {
    usable='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'
    for candidate in "$@"; do "$candidate" -c "$usable" 2>/dev/null && python=$candidate && break; done
    [ "$UV" ] && return
    [ "$python" ] || refuse "No Python 3.11 to 3.14 among: $*; install one, or uv, which brings one, or $another"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        refuse "$python has no venv module; install it (Debian and Ubuntu: apt install python3-venv), or $another"
}
make_folder() {
    if [ "$UV" ]; then "$UV" venv --quiet --clear --python "${python:->=3.11,<3.15}" "$folder"
    else rm -rf "$folder" && "$python" -m venv "$folder"; fi
}
# A line for each large package says what is being waited for.
install() {
    {
        if [ "$UV" ]; then "$UV" pip install --python "$folder/bin/python" "$@"
        else "$folder/bin/python" -m pip install --disable-pip-version-check --no-user --no-compile "$@"; fi ||
            touch "$folder.lock/failed"
    } 2>&1 | tee "$folder.lock/log" | sed -n 's/^ *Downloading \([^- ]*\).* (\(.*[0-9]\) *Mi*B).*/  \1, \2 MB/p'
    if [ -e "$folder.lock/failed" ]; then cat "$folder.lock/log" >&2; exit 1; fi
}
[ $# -eq 0 ] || find_python "$@"
[ ! -d "$folder.lock" ] ||
    refuse "Another make is at $folder; wait for it. If none is, delete $folder.lock and run make again"
mkdir "$folder.lock"
trap 'rm -r "$folder.lock"' EXIT
trap 'exit 130' INT TERM HUP
rm -f "$stamp"
if [ $# -gt 0 ]; then
    make_folder 2>"$folder.lock/log" || { cat "$folder.lock/log" >&2; exit 1; }
    echo "Making $folder with $("$folder/bin/python" -V) from $lock"
    install --require-hashes --requirement "$lock"
    install --no-deps --no-build-isolation --editable .
    MPLCONFIGDIR="$folder/matplotlib" "$folder/bin/python" -c 'import matplotlib.font_manager' # looks for fonts once
else
    echo "Adding $lock to $folder"
    install --require-hashes --requirement "$lock"
fi
# Here, on all cores, since runs write no bytecode. Some packages hold files that are no Python of today.
"$folder/bin/python" -m compileall -q -j 0 "$folder/lib" >"$folder.lock/log" 2>&1 || :
pwd -P >"$stamp"
