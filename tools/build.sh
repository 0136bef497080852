#!/bin/sh
# The second layer: the host, built for the chosen CPython, and the extension in its environment. Run or sourced.
. "$(dirname "$0")/setup.sh"

configure release "$BUILD"
if [ -t 1 ]; then ninja -C "$BUILD"; else ninja -C "$BUILD" --quiet; fi
point "$TAG/release/host/gilscope" build/gilscope

sources=$(extension_sources)
if [ "$(cat "$VENV/.gilscope-extension" 2>/dev/null)" != "$sources" ]; then
  say "building the extension into .venvs/$TAG"
  # All of it offline: what it is built with is in the environment already.
  quietly "$VENV/bin/python" -m pip install --no-index --no-build-isolation --no-deps --force-reinstall \
    --config-settings "build-dir=build/$TAG/extension" .
  echo "$sources" >"$VENV/.gilscope-extension"
fi
say "build/gilscope is up to date (build/$TAG/release)"
