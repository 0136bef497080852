#!/bin/sh
# The second layer: the host, built for the chosen CPython, and the extension in its environment. Run or sourced.
. "$(dirname "$0")/setup.sh"

configure release "$BUILD"
# What people use; test.sh and bench.sh build the rest.
if [ -t 1 ]; then ninja -C "$BUILD" gilscope _native; else ninja -C "$BUILD" --quiet gilscope _native; fi
point "$TAG/release/host/gilscope" build/gilscope

sources=$(extension_sources)
if [ "$(cat "$VENV/.gilscope-extension" 2>/dev/null)" != "$sources" ]; then
  say "installing the package into .venvs/$TAG"
  # All of it offline: what it is built with is in the environment already, and its extension is built (cmake/Package.cmake).
  quietly "$VENV/bin/python" -m pip install --no-index --no-build-isolation --no-deps --force-reinstall \
    --config-settings "build-dir=build/$TAG/package" .
  echo "$sources" >"$VENV/.gilscope-extension"
fi
say "build/gilscope is up to date (build/$TAG/release)"
