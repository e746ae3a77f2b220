#!/bin/sh
# Installs the programs that Plimsoll is measured against, and the load generator: nginx, HAProxy and wrk, as Debian
# packages. http-proxy-3 is not here: `npm run bench:gateway` installs it into bench/gateway by itself.
#
# Only what is missing is installed. The bench runs instances of its own, on ports of its own; where Debian starts
# nginx or HAProxy as a service after the installation, that service plays no part and may be stopped.
set -eu

. "$(dirname -- "$0")/debian.sh"
install_packages "$(missing_of nginx haproxy wrk)" "nginx, haproxy and wrk"
