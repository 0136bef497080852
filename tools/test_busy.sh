#!/bin/sh
# Builds, then runs every test once as it is, and three times on a machine that gives them little: beside four busy loops
# for each CPU, with every process of theirs stopped for 60 of each 100 ms (tools/stutter.py). All must be green, and skip
# no more than the first did. Arguments go to pytest (`sh tools/test_busy.sh -k choose`).
. "$(dirname "$0")/build.sh"

logs=$ROOT/build/busy
rm -rf "$logs"
mkdir -p "$logs"
# As many as there are busy loops beside: fewer would have little of the machine, and take twice as long.
export TESTS_AT_ONCE=$(($(nproc) * 4))
running=
trap 'if [ -n "$running" ]; then kill "$running" && wait "$running"; fi' EXIT
trap 'exit 130' INT TERM HUP

# How many tests of ctest and of each pytest were.
skipped() {
  sed -En -e 's/^.*\((Skipped|Not Run)\)$/1/p' \
    -e '/^=* ?[0-9]+ (passed|failed|skipped).* in [0-9.]+s/ s/^(.*[ ,])?([0-9]+) skipped.*$/\2/p' "$logs/$1.log" |
    awk '{ sum += $1 } END { print sum + 0 }'
}

failed=
for name in quiet 1 2 3; do
  say "tests, run $name: the log is build/busy/$name.log"
  if [ "$name" = quiet ]; then busy=0 stopped=0; else busy=$(($(nproc) * 4)) stopped=60; fi
  code=0
  "$VENV/bin/python" tools/stutter.py --busy "$busy" --stopped "$stopped" sh "$ROOT/tools/test.sh" "$@" \
    >"$logs/$name.log" 2>&1 </dev/null &
  running=$!
  wait "$running" || code=$?
  running=
  say "tests, run $name: exit code $code, $(skipped "$name") skipped"
  if [ "$code" != 0 ]; then
    failed="$failed $name"
    grep -E '^(FAILED|ERROR) |\*\*\*(Failed|Timeout|Exception)|^gilscope: FAILED' "$logs/$name.log" >&2 ||
      tail -n 20 "$logs/$name.log" >&2
  fi
  if [ "$failed" = " quiet" ]; then die "there is nothing to compare with: the tests fail on this machine as it is"; fi
  if [ "$(skipped "$name")" -gt "$(skipped quiet)" ]; then
    failed="$failed $name(skipped)"
    grep '^SKIPPED ' "$logs/$name.log" | grep -vxF "$(grep '^SKIPPED ' "$logs/quiet.log")" >&2 || true
  fi
done

if [ -n "$failed" ]; then
  say "FAILED on a busy machine:$failed"
  exit 1
fi
say "three times green on a busy machine, none skipped more than the quiet run: $(skipped quiet)"
