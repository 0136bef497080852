#!/bin/sh
# Installs Debian's PyPy and Jython where they are missing, then asks every Python here, by measurement, whether it has a
# GIL. Arguments go to python/article/flavours.py (`sh tools/flavours.sh --interpreter PATH`).
. "$(dirname "$0")/setup.sh"

# One by one: a Debian that lacks one of them may have the other.
for name in pypy3 jython; do
  command -v "$name" >/dev/null || install_system_packages "$name"
done
exec "$VENV/bin/python" python/article/flavours.py "$@"
