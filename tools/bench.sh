#!/bin/sh
# Builds, then runs every benchmark with the chosen CPython.
. "$(dirname "$0")/build.sh"
install_group bench --only-binary :all: ||
  say "not all of group bench can be installed here: what needs the rest is left out"

quietly cmake "$BUILD" -DGILSCOPE_BENCHMARKS=ON
quietly ninja -C "$BUILD"
for benchmark in probe_bench analysis_bench capture_bench; do
  say "tests/bench/$benchmark.cpp"
  "$BUILD/tests/bench/$benchmark" --benchmark_repetitions=9 --benchmark_report_aggregates_only=true \
    --benchmark_enable_random_interleaving=true --benchmark_min_time=0.1
done

say "tests/bench/accuracy_bench.cpp"
"$BUILD/tests/bench/accuracy_bench"

for benchmark in tests/bench/bench_*.py; do
  say "$benchmark"
  "$VENV/bin/python" "$benchmark"
done
