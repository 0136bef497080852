#!/bin/sh
# `make test` for every usable CPython of the machine, and a table. With --contract, for who has just run `make test`: for all
# but the default one, and of the tests in Python those alone that are marked `contract`; what was green here already, with
# the same files and the same Python, is not run again. Several at once then, as much of each is pip, or one compiler, alone.
unset PYTHON
. "$(dirname "$0")/setup.sh"
pythons=$(run_with_any_python tools/choose_python.py --list)
contract=
at_once=1
if [ "${1:-}" = --contract ]; then
  contract=--contract
  at_once=$(nproc)
  pythons=$(printf '%s\n' "$pythons" | grep -v "	$TAG\$")
fi
sources=$(fingerprint CMakeLists.txt pyproject.toml cmake extensions host python tests tools)
green=$(ccache --get-config cache_dir 2>/dev/null || echo build)/gilscope-green
mkdir -p "$green"
find "$green" -type f -mtime +30 -delete
results=$ROOT/build/test-all
rm -rf "$results"
mkdir -p "$results"

failed=
printf '%s\n' "$pythons" |
  xargs -r -d '\n' -n 1 -P "$at_once" sh tools/test_one.sh "$results" "$green" "$sources" "$contract" || failed=1
sh tools/build.sh # so that .venv and build/gilscope are the default's again
printf '\n'
cat "$results"/*.row
[ -z "$failed" ]
