#!/bin/sh
# Installs the programs that Plimsoll is measured against, and the load generator: nginx, HAProxy and wrk, as Debian
# packages. http-proxy-3 is not here: `npm run bench:gateway` installs it into bench/gateway by itself.
#
# Only what is missing is installed. The bench runs instances of its own, on ports of its own; where Debian starts
# nginx or HAProxy as a service after the installation, that service plays no part and may be stopped.
set -eu

missing=""
for program in nginx haproxy wrk; do
  command -v "$program" >/dev/null 2>&1 || [ -x "/usr/sbin/$program" ] || missing="$missing $program"
done
if [ -z "$missing" ]; then
  echo "nginx, haproxy and wrk are installed already."
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
