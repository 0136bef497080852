#!/bin/sh
# Builds, then shows the main job; what is shown is in demo.py.
. "$(dirname "$0")/build.sh"

exec "$VENV/bin/python" tools/demo.py
