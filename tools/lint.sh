#!/bin/sh
# Every linter and type checker over all that is ours. A warning is a failure; all of them run before it is reported.
. "$(dirname "$0")/setup.sh"
install_group test # what tests import is checked too
install_group lint
PATH=$VENV/bin:$PATH

failed=
check() {
  name=$1
  shift
  say "$name"
  "$@" || failed="$failed $name"
}

# shellcheck disable=SC2046  # a list of files, none with a space
check clang-format clang-format --dry-run -Werror $(cpp_files)
check ruff-format ruff format --quiet --check
check ruff ruff check --quiet
check shellcheck shellcheck -x --source-path=SCRIPTDIR tools/*.sh .ci/run
check mypy mypy --no-error-summary
check zizmor zizmor --offline --quiet --no-progress --strict-collection .github
check docs sh tools/docs.sh
# Without the unit tests, which are most of the files: CI has other things to do.
configure tidy "build/$TAG/tidy"
check clang-tidy python tools/tidy.py "build/$TAG/tidy"

if [ -n "$failed" ]; then
  say "FAILED:$failed"
  exit 1
fi
say "no linter has anything to say"
