#!/bin/sh
# Checks for what only the system can give, installs it where that is allowed, else prints the one line that does.
# usage: system_packages.sh PYTHON
set -eu
python=$1
missing=""
if ! command -v "$python" >/dev/null 2>&1; then
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
if ! command -v "${CXX:-c++}" >/dev/null 2>&1 && ! command -v g++ >/dev/null 2>&1 && ! command -v clang++ >/dev/null 2>&1; then
  missing="$missing g++"
fi
[ -n "$missing" ] || exit 0
line="apt-get update && apt-get install -y --no-install-recommends$(printf ' %s' $missing)"
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "installing:$(printf ' %s' $missing)"
  sh -c "DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; $line" >/dev/null
else
  echo "error: missing:$(printf ' %s' $missing)" >&2
  echo "hint: sudo sh -c '$line'   (or your system's packages of the same kind)" >&2
  exit 2
fi
