#!/bin/sh
# `make test` for every usable CPython of the machine, and a table. With --contract, for who has just run `make test`: for all
# but the default one, and of the tests in Python those alone that are marked `contract`; what was green here already, with
# the same files and the same Python, is not run again.
unset PYTHON
. "$(dirname "$0")/setup.sh"
default=$TAG
contract=
if [ "${1:-}" = --contract ]; then contract=--contract; fi
sources=$(fingerprint CMakeLists.txt pyproject.toml cmake extensions host python tests tools)
green=$(ccache --get-config cache_dir 2>/dev/null || echo build)/gilscope-green
mkdir -p "$green"
find "$green" -type f -mtime +30 -delete

results=
failed=
pythons=$(run_with_any_python tools/choose_python.py --list)
while IFS='	' read -r python tag; do
  begin=$(date +%s)
  stamp=$green/$(echo "$sources $tag $(sha256sum <"$python")" | sha256sum | cut -c1-64)
  if [ -n "$contract" ] && [ "$tag" = "$default" ]; then
    result="left out"
  elif [ -n "$contract" ] && [ -e "$stamp" ]; then
    result="was green"
  elif PYTHON="$python" sh tools/test.sh ${contract:+"$contract"} </dev/null; then
    result=passed
    touch "$stamp"
  else
    result=FAILED
    failed=1
  fi
  results="$results$(printf '%-24s  %-9s  %5d s  %s' "$tag" "$result" $(($(date +%s) - begin)) "$python")
"
done <<END
$pythons
END

sh tools/build.sh # so that .venv and build/gilscope are the default's again
printf '\n%s' "$results"
[ -z "$failed" ]
