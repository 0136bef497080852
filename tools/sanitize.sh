#!/bin/sh
# Builds the unit tests with AddressSanitizer and UBSan, then with ThreadSanitizer, and runs them with the chosen CPython.
# Arguments go to ctest (`sh tools/sanitize.sh -R ProbeTest`).
. "$(dirname "$0")/setup.sh"

failed=
for preset in asan tsan; do
  folder=build/$TAG/$preset
  say "unit tests of the host, preset $preset"
  if ! { configure "$preset" "$folder" && ninja -C "$folder" --quiet unit_tests python_unit_tests; }; then
    failed="$failed $preset"
    continue
  fi
  # The time limit is for hangs: the slowest test took 100 s under TSan on a busy machine.
  ctest --test-dir "$folder" -j "$(nproc)" --output-on-failure --no-tests=error --timeout 600 "$@" >"$LOG" 2>&1 ||
    failed="$failed $preset"
  grep -Ev '^ *Start +[0-9]+:|^ *[0-9]+/[0-9]+ Test .* Passed ' "$LOG" || true # what failed, and the summary
done

if [ -n "$failed" ]; then
  say "FAILED with $TAG:$failed"
  exit 1
fi
say "no sanitizer has anything to say with $TAG"
