#!/bin/sh
# `make test` for every usable CPython of the machine, and a table. With AFTER_DEFAULT=1, for who has just run `make
# test`: not for the default one; for the others without what is the same with every Python and with every second
# combination of host and recorder; and of several builds of one version, for the older ones only what depends on how
# a Python was built.
unset PYTHON
. "$(dirname "$0")/setup.sh"
default=$TAG
BUILD_DEPENDENT="tests/integration/test_doctor.py tests/integration/test_run.py tests/integration/test_run_environments.py \
tests/integration/test_run_interpreter.py tests/integration/test_run_multiprocessing.py \
tests/integration/test_run_native_modules.py tests/integration/test_run_summary.py \
tests/python/test_native.py tests/python/test_package.py tests/python/test_trace.py"

# The arguments of test.sh for the Python with the tag $1, after those with the tags $2.
selection() {
  if [ -z "${AFTER_DEFAULT:-}" ]; then return; fi
  version=$(version_of "$1")
  for other in $2; do
    if [ "$(version_of "$other")" = "$version" ]; then
      echo "--other-python $BUILD_DEPENDENT"
      return
    fi
  done
  echo --other-python
}

# cpython-3.13.5t-0123ab: 3.13t
version_of() { echo "$1" | sed -E 's/^[^-]*-([0-9]+\.[0-9]+)[^t-]*(t?)-.*/\1\2/'; }

results=
failed=
tested=
pythons=$(run_with_any_python tools/choose_python.py --list)
while IFS='	' read -r python tag; do
  begin=$(date +%s)
  # shellcheck disable=SC2046  # a list of words
  if [ -n "${AFTER_DEFAULT:-}" ] && [ "$tag" = "$default" ]; then
    result="left out"
  elif PYTHON="$python" sh tools/test.sh $(selection "$tag" "$tested") </dev/null; then
    result=passed
  else
    result=FAILED
    failed=1
  fi
  tested="$tested $tag"
  results="$results$(printf '%-24s  %-8s  %5d s  %s' "$tag" "$result" $(($(date +%s) - begin)) "$python")
"
done <<END
$pythons
END

sh tools/build.sh # so that .venv and build/gilscope are the default's again
printf '\n%s' "$results"
[ -z "$failed" ]
