#!/bin/sh
# `make test` for every usable CPython of the machine, and a table. SKIP_DEFAULT=1 leaves out the default one: for who
# has just run `make test`.
unset PYTHON
. "$(dirname "$0")/setup.sh"
default=$TAG

results=
failed=
pythons=$(run_with_any_python tools/choose_python.py --list)
while IFS='	' read -r python tag; do
  begin=$(date +%s)
  if [ -n "${SKIP_DEFAULT:-}" ] && [ "$tag" = "$default" ]; then
    result="left out"
  elif PYTHON="$python" sh tools/test.sh </dev/null; then
    result=passed
  else
    result=FAILED
    failed=1
  fi
  results="$results$(printf '%-24s  %-8s  %5d s  %s' "$tag" "$result" $(($(date +%s) - begin)) "$python")
"
done <<END
$pythons
END

sh tools/build.sh # so that .venv and build/gilscope are the default's again
printf '\n%s' "$results"
[ -z "$failed" ]
