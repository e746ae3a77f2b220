#!/bin/sh
# Installs the programs that the end-to-end tests drive: curl, wrk, nginx, a headless Chromium and libzmq's Python binding, as
# Debian packages.
#
# Only what is missing is installed, and a test whose program is missing says so and is skipped. Python 3 and Go are
# used where they are found and not installed from here. Where Debian starts nginx as a service after the
# installation, that service plays no part and may be stopped.
set -eu

. "$(dirname -- "$0")/debian.sh"

missing=$(missing_of curl wrk nginx)
# Either of two packages brings a Chromium; the smaller one is enough.
command -v chromium >/dev/null 2>&1 || command -v chromium-headless-shell >/dev/null 2>&1 ||
  missing="$missing chromium-headless-shell"
for python in python3 /usr/bin/python3; do
  "$python" -c "import zmq, msgpack" >/dev/null 2>&1 && zmq_python=$python
done
[ -n "${zmq_python:-}" ] || missing="$missing python3-zmq python3-msgpack"
install_packages "$missing" "curl, wrk, nginx, Chromium and pyzmq"
