#!/bin/sh
# Builds, then makes the site of docs/ in build/docs: a warning is a failure. Arguments go to sphinx-build.
. "$(dirname "$0")/build.sh"
install_group test # whose help is shown
install_group docs

# -E: pages are made of more than their own files, so none is taken from an earlier time.
"$VENV/bin/python" -m sphinx -q -E -W --keep-going -d "build/$TAG/doctrees" "$@" docs build/docs
say "the site is at build/docs/index.html"
