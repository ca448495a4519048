#!/bin/sh
# Print the Pythons that can run thermobatch, one a line as "3.12 /path/to/python", the preferred one first.
#
#   sh tools/find_python.sh          all that this machine has, one for each version: PATH first, then pyenv and uv
#   sh tools/find_python.sh PYTHON   this one (a name or a path), or the reason why it cannot be used
#
# A name on PATH proves nothing (python3 may be too old, a pyenv shim may lead nowhere): each one is run and asked.

versions="3.13 3.12 3.11" # the range of pyproject.toml, newest first (a test compares them)

# Version, real interpreter (a virtual environment's base, not its link) and whether packages can be installed.
question='
import sys
sys.path[:] = [folder for folder in sys.path if folder]  # not this folder: it may hold a random.py
import importlib.util, platform
base = getattr(sys, "_base_executable", sys.executable) if sys.prefix != sys.base_prefix else sys.executable
pip = any(importlib.util.find_spec(name) for name in ("ensurepip", "pip"))
kind = platform.python_implementation() if platform.python_implementation() != "CPython" else "pip" if pip else "bare"
print("%d.%d %s %s" % (sys.version_info[0], sys.version_info[1], kind, base))'

# Set `answer` to "3.12 /path", or set `reason` and fail.
ask() {
    if ! answer=$("$1" -c "$question" 2>/dev/null); then
        reason="$1 does not run"
        return 1
    fi
    version=${answer%% *} answer=${answer#* }
    kind=${answer%% *} path=${answer#* }
    case " $versions " in
        *" $version "*) ;;
        *) reason="$1 is Python $version" && return 1 ;;
    esac
    case $kind in
        pip) ;;
        bare) command -v uv >/dev/null || { reason="$1 has neither pip nor ensurepip, and there is no uv" && return 1; } ;;
        *) reason="$1 is $kind, not CPython" && return 1 ;;
    esac
    answer="$version $path"
}

# List the candidates, the preferred first: by name on every directory of PATH, then those of pyenv and uv.
candidates() {
    ( # PATH is split at its colons, and at nothing else
        IFS=:
        set -f
        for name in python3.13 python3.12 python3.11 python3; do
            for directory in $PATH; do
                [ -x "$directory/$name" ] && printf '%s\n' "$directory/$name"
            done
        done
    )
    for version in $versions; do
        for path in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python3 \
            "${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}/cpython-$version".*/bin/python3; do
            [ -x "$path" ] && printf '%s\n' "$path"
        done
    done
}

needed="thermobatch needs CPython 3.11, 3.12 or 3.13 with pip"

if [ -n "${1:-}" ]; then
    ask "$1" || { echo "PYTHON=$1 cannot be used: $reason; $needed." >&2 && exit 1; }
    printf '%s\n' "$answer"
    exit
fi

found="" rejected=""
while read -r candidate; do
    [ -n "$candidate" ] || continue
    if ask "$candidate"; then
        case $found in
            *"$version "*) ;;
            *) printf '%s\n' "$answer" && found="$found$version " ;;
        esac
    else
        rejected="$rejected
  $reason"
    fi
done <<EOF
$(candidates)
EOF
[ -n "$found" ] || {
    echo "No usable Python: $needed. Install one, or name yours: make PYTHON=/path/to/python ...${rejected:+
Looked at:$rejected}" >&2
    exit 1
}
