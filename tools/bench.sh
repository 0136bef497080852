#!/bin/sh
# Builds, then runs every benchmark with the chosen CPython.
. "$(dirname "$0")/build.sh"

for benchmark in tests/bench/bench_*.py; do
  say "$benchmark"
  "$VENV/bin/python" "$benchmark"
done
