# Shared by the install scripts, which source it: installs Debian packages, and only those that are missing.

# missing_of PROGRAM...: those that are not found, where the package has the program's name.
missing_of() {
  for program in "$@"; do
    command -v "$program" >/dev/null 2>&1 || [ -x "/usr/sbin/$program" ] || printf ' %s' "$program"
  done
}

# install_packages " NAME NAME..." "WHAT IS INSTALLED ALREADY"
install_packages() {
  if [ -z "$1" ]; then
    echo "$2 are installed already."
    return
  fi
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "This script knows apt-get only. Please install by other means:$1" >&2
    return 1
  fi
  as_root=""
  if [ "$(id -u)" -ne 0 ]; then
    as_root="sudo"
  fi
  echo "Installing:$1"
  $as_root apt-get update -qq
  # shellcheck disable=SC2086 # the list is meant to be split
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $1
}
