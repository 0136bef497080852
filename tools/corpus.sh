#!/bin/sh
# Records the corpus of judged programs anew (tests/corpus/README.md), on a machine that does nothing else; then prints
# what is said of them. Arguments name some.
. "$(dirname "$0")/build.sh"
"$VENV/bin/python" -m tests.corpus.record "$@"
"$VENV/bin/python" -m tests.corpus.judging "$@"
