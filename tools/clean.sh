#!/bin/sh
# Removes what the other scripts made, and nothing else: a `.venv` that is not our link stays.
set -eu
cd "$(dirname "$0")/.."

rm -rf build dist .venvs .mypy_cache .pytest_cache .ruff_cache .hypothesis
if [ -L .venv ]; then rm .venv; fi
find cmake extensions host python tests tools -name __pycache__ -prune -exec rm -rf {} +
