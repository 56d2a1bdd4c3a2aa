#!/usr/bin/env bash
# Make .venv in the checkout and install into it: "run" what the product needs, "dev" what the tests need too.
# As root, Debian packages that are missing are installed; otherwise they are named and the script stops.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-run}

need() { # need COMMAND-TEST PACKAGE...
  local check=$1; shift
  if eval "$check" >/dev/null 2>&1; then return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $* ..." >&2
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    echo "Missing: $*. Install it (Debian: sudo apt-get install $*) and run make again." >&2
    exit 1
  fi
}

need 'python3 -c "import sys; assert sys.version_info >= (3, 11)"' python3
need 'python3 -c "import ensurepip, venv"' python3-venv
[ -x .venv/bin/python ] || python3 -m venv .venv
portaudio='python3 -c "import ctypes; ctypes.CDLL(\"libportaudio.so.2\")"'
if [ "$what" = dev ] || [ "$(id -u)" = 0 ]; then
  need "$portaudio" libportaudio2
elif ! eval "$portaudio" >/dev/null 2>&1; then
  echo "Note: libportaudio2 is missing; microphones and loudspeakers of this machine need it, the stage does not." >&2
fi
if [ "$what" = dev ]; then
  need 'python3 -c "import ctypes; ctypes.CDLL(\"libatomic.so.1\")"' libatomic1
  need 'command -v chromium || command -v chromium-browser || command -v google-chrome' chromium fonts-dejavu-core
  need 'command -v godot3-server' godot3-server
  need 'command -v g++ && test -e "$(python3 -c "import sysconfig; print(sysconfig.get_path(\"include\"))")/Python.h"' g++ python3-dev  # pyworld has no wheel
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,train,live,talk,whisper-tiny,timbre,livekit,postgres,usd]'
  # NVIDIA's message definitions, for the tests of our Audio2Face service; their pin of grpcio is an old one.
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps nvidia-audio2face-3d==1.3.0 nvidia-ace==1.0.0
  .venv/bin/npm --prefix web ci --silent --no-audit --no-fund
  if .venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
    PYTHON=.venv/bin/python scripts/blender_env.sh
  fi
else
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[live,talk]'
fi
