#!/bin/sh
# Run the quick unit tests on the other Pythons of 3.11, 3.12 and 3.13 that this machine has.
#
#   sh tools/test_other_pythons.sh CORES
#
# The main environment (.venv) has already run all tests. Each other version gets its own .venv-3.x from the same lock.
set -u
cores=$1
main=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') || exit 1
found=$(sh tools/find_python.sh) || exit 1
summary="" status=0

for version in 3.11 3.12 3.13; do
    python=$(printf '%s\n' "$found" | sed -n "s/^$version //p")
    if [ "$version" = "$main" ]; then
        result="passed all tests"
    elif [ -z "$python" ]; then
        result="NOT FOUND on this machine, nothing was tested on it"
    else
        echo "=== Python $version ($python): unit tests"
        if "$python" tools/make_environment.py ".venv-$version" &&
            PATH="$PWD/.venv-$version/bin:$PATH" ".venv-$version/bin/python" -m pytest -n "$cores" \
                -m "not slow and not pipeline"; then
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
