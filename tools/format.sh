#!/bin/sh
# Puts all C++ and Python into the project's format, and applies the fixes that ruff holds for safe.
. "$(dirname "$0")/setup.sh"
install_group lint

# shellcheck disable=SC2046  # a list of files, none with a space
"$VENV/bin/clang-format" -i $(cpp_files)
"$VENV/bin/ruff" check --quiet --fix-only
"$VENV/bin/ruff" format
