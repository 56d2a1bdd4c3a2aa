#!/usr/bin/env bash
# Make .venv-bpy in the checkout: a Python of its own with Blender as a module, for .fbx files and the slow
# tests that read ours back in Blender. About 400 MB to download and 1 GB on the disk; Python 3.11 only.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-}
for name in python3.11 python3; do
  [ -n "$python" ] || { command -v "$name" >/dev/null && "$name" -c 'import sys; assert sys.version_info[:2] == (3, 11)' 2>/dev/null && python=$name; } || true
done
if [ -z "$python" ]; then
  echo "Blender's module needs Python 3.11, found $(python3 --version 2>&1); install it and run this again." >&2
  exit 1
fi
[ -x .venv-bpy/bin/python ] || "$python" -m venv .venv-bpy
# Blender 4.5 is built against NumPy 1.
.venv-bpy/bin/python -m pip install --quiet --disable-pip-version-check 'bpy==4.5.15' 'numpy<2'
.venv-bpy/bin/python -c 'import bpy; print("Blender", bpy.app.version_string, "in .venv-bpy")'
