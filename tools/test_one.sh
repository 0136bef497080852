#!/bin/sh
# Of test_all.sh, the tests of one Python: RESULTS GREEN SOURCES --contract|'' 'PYTHON<tab>TAG'. Its row goes into the folder
# RESULTS; the mark that it was green with these sources, into GREEN.
set -eu
results=$1 green=$2 sources=$3 contract=$4 python=${5%	*} tag=${5##*	}

begin=$(date +%s)
stamp=$green/$(echo "$sources $tag $(sha256sum <"$python")" | sha256sum | cut -c1-64)
log=$results/$tag.log
run_tests() { PYTHON=$python sh tools/test.sh ${contract:+"$contract"} </dev/null; }
run_beside_others() {
  echo "gilscope: tests with $tag: the log is build/test-all/$tag.log, and is shown when they are done" >&2
  code=0
  run_tests >"$log" 2>&1 || code=$?
  cat "$log"
  return "$code"
}

if [ -n "$contract" ] && [ -e "$stamp" ]; then
  result="was green"
elif if [ -n "$contract" ]; then run_beside_others; else run_tests; fi; then
  result=passed
  touch "$stamp"
else
  result=FAILED
fi
printf '%-24s  %-9s  %5d s  %s\n' "$tag" "$result" $(($(date +%s) - begin)) "$python" >"$results/$tag.row"
[ "$result" != FAILED ]
