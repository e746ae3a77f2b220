#!/bin/sh
# Installs the programs that the end-to-end tests drive: curl, wrk, nginx and a headless Chromium, as Debian packages.
#
# Only what is missing is installed, and a test whose program is missing says so and is skipped. Python 3 and Go are
# used where they are found and not installed from here. Where Debian starts nginx as a service after the
# installation, that service plays no part and may be stopped.
set -eu

missing=""
for program in curl wrk nginx; do
  command -v "$program" >/dev/null 2>&1 || [ -x "/usr/sbin/$program" ] || missing="$missing $program"
done
command -v chromium >/dev/null 2>&1 || command -v chromium-headless-shell >/dev/null 2>&1 ||
  missing="$missing chromium-headless-shell"
if [ -z "$missing" ]; then
  echo "curl, wrk, nginx and Chromium are installed already."
  exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
  echo "This script knows apt-get only. Please install by other means:$missing" >&2
  exit 1
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  as_root="sudo"
fi

echo "Installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086 # the list is meant to be split
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
