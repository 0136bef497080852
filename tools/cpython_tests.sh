#!/bin/sh
# Builds, then runs CPython's own tests of threads and processes under the host and without it. Arguments are modules.
. "$(dirname "$0")/build.sh"

"$VENV/bin/python" tools/cpython_tests.py "$@"
