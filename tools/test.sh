#!/bin/sh
# Builds, then runs every test with the chosen CPython. Arguments go to pytest (`sh tools/test.sh -k choose`); with --contract
# it runs what is promised with every Python, without the unit tests that know of none. TESTS_AT_ONCE=… is how many run at once.
. "$(dirname "$0")/build.sh"
install_group test
# More at once than there are CPUs: much of their time is waiting.
at_once=${TESTS_AT_ONCE:-$(($(nproc) + 2))}
if [ "${1:-}" = --contract ]; then
  unit_tests=python_unit_tests labels=python
else
  unit_tests='unit_tests python_unit_tests' labels=
  install_postgresql
  install_browser
  install_group integrations --only-binary :all: ||
    say "not all of group integrations can be installed here: the tests of what is missing are skipped"
fi
# shellcheck disable=SC2086  # a list of words
ninja -C "$BUILD" --quiet $unit_tests

failed=
chosen=$#

test_python() {
  "$VENV/bin/python" -m pytest -q "$@" && return
  # 5: no test. Who chooses some may choose none of a kind.
  if [ $? != 5 ] || [ "$chosen" = 0 ]; then failed="$failed pytest"; fi
}

say "unit tests of the host"
ctest --test-dir "$BUILD" ${labels:+-L "$labels"} --parallel "$at_once" --output-on-failure --no-tests=error --timeout 300 >"$LOG" 2>&1 ||
  failed="$failed ctest"
grep -Ev '^ *Start +[0-9]+:|^ *[0-9]+/[0-9]+ Test .* Passed ' "$LOG" # what failed, and the summary
say "tests in Python"
test_python --numprocesses "$at_once" --dist worksteal -m "not alone" "$@"
say "tests in Python that run alone"
test_python -m alone "$@"

if [ -n "$failed" ]; then
  say "FAILED with $TAG:$failed"
  exit 1
fi
say "every test passed with $TAG"
