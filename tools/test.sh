#!/bin/sh
# Builds, then runs every test with the chosen CPython. Arguments go to pytest (`sh tools/test.sh -k choose`).
. "$(dirname "$0")/build.sh"
install_postgresql

failed=
say "unit tests of the host"
ctest --test-dir "$BUILD" --output-on-failure --no-tests=error --timeout 300 >"$LOG" 2>&1 || failed="$failed ctest"
grep -Ev '^ *Start +[0-9]+:|^ *[0-9]+/[0-9]+ Test .* Passed ' "$LOG" # what failed, and the summary
say "tests in Python"
"$VENV/bin/python" -m pytest -q "$@" || failed="$failed pytest"

if [ -n "$failed" ]; then
  say "FAILED with $TAG:$failed"
  exit 1
fi
say "every test passed with $TAG"
