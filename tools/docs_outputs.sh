#!/bin/sh
# Builds, then runs the commands whose output README.md and docs/ show, and writes what they print there. Arguments go to
# docs_outputs.py (`sh tools/docs_outputs.sh docs/how-to/threads.md`). For a machine that does nothing else.
. "$(dirname "$0")/build.sh"
install_group test # a page runs pytest
install_group integrations --only-binary :all:

exec "$VENV/bin/python" tools/docs_outputs.py "$@"
