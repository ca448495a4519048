#!/bin/sh
# Run the quick unit tests on the other Pythons of 3.11, 3.12 and 3.13 that this machine has, side by side.
#
#   sh tools/test_other_pythons.sh CORES
#
# The main environment (.venv) is left to `make test`, and so are the tests of the project's files (tests/project). Each
# other version gets its own .venv-3.x from the same lock, half of the cores, and a log that is printed when it has ended.
set -u
cores=$(( ($1 + 1) / 2 ))
main=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') || exit 1
found=$(sh tools/find_python.sh) || exit 1
logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
summary="" status=0

test_on() { # VERSION PYTHON
    "$2" tools/make_environment.py ".venv-$1" &&
        PATH="$PWD/.venv-$1/bin:$PATH" ".venv-$1/bin/python" -m pytest -n "$cores" -m "not slow and not pipeline" --ignore tests/project &&
        touch "$logs/$1.passed"
}

for version in 3.11 3.12 3.13; do
    python=$(printf '%s\n' "$found" | sed -n "s/^$version //p")
    [ "$version" = "$main" ] || [ -z "$python" ] || test_on "$version" "$python" > "$logs/$version" 2>&1 &
done
wait

for version in 3.11 3.12 3.13; do
    if [ "$version" = "$main" ]; then
        result="left to make test"
    elif [ ! -f "$logs/$version" ]; then
        result="NOT FOUND on this machine, nothing was tested on it"
    else
        echo "=== Python $version: unit tests"
        cat "$logs/$version"
        if [ -f "$logs/$version.passed" ]; then
            result="passed the unit tests"
        else
            result="FAILED" status=1
        fi
    fi
    summary="$summary
    Python $version: $result"
done
echo "=== Pythons of this machine:$summary"
exit $status
