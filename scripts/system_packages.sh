#!/bin/sh
# Checks for what only the system can give, installs it where that is allowed, else prints the one line that does.
# usage: system_packages.sh PYTHON [mcu | for-tests]
#   mcu        also the compiler and the emulator for Cortex-M
#   for-tests  only these, a browser and a compiler for WebAssembly, and no error where they cannot be had: the tests that need them are then skipped
set -eu
python=$1
what=${2:-}
missing=""

has() { command -v "$1" >/dev/null 2>&1; }

if [ "$what" != for-tests ]; then
  if ! has "$python"; then
    missing="python3 python3-venv python3-dev"
  else
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
      echo "error: $python is older than 3.11" >&2
      echo "hint: make PYTHON=python3.11 (or newer) ..." >&2
      exit 2
    }
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
    "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || missing="$missing python3-dev"
  fi
  has "${CXX:-c++}" || has g++ || has clang++ || missing="$missing g++"
fi
if [ -n "$what" ]; then
  has arm-none-eabi-g++ || missing="$missing gcc-arm-none-eabi"
  has qemu-system-arm || missing="$missing qemu-system-arm"
fi
if [ "$what" = for-tests ]; then
  has chromium || has chromium-browser || has google-chrome || missing="$missing chromium fonts-dejavu-core"
  # For WebAssembly. emscripten would do as well, and takes six times the room.
  { has clang && has wasm-ld; } || has emcc || missing="$missing clang lld"
fi
[ -n "$missing" ] || exit 0
line="apt-get update && apt-get install -y --no-install-recommends$(printf ' %s' $missing)"
if has apt-get && [ "$(id -u)" = 0 ]; then
  echo "installing:$(printf ' %s' $missing)"
  if sh -c "DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; $line" >/dev/null; then
    # Not every Debian and Ubuntu has it, so that it is asked for alone; it is small.
    [ "$what" != for-tests ] || has arduino-builder || apt-get install -y --no-install-recommends arduino-builder >/dev/null 2>&1 || echo "note: no arduino-builder: its test is skipped"
    exit 0
  fi
  [ "$what" = for-tests ] || exit 2
fi
if [ "$what" = for-tests ]; then
  echo "note: no$(printf ' %s' $missing): the tests that need it are skipped"
else
  echo "error: missing:$(printf ' %s' $missing)" >&2
fi
echo "hint: sudo sh -c '$line'   (or your system's packages of the same kind)" >&2
[ "$what" = for-tests ] || exit 2
