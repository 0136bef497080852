# shellcheck shell=sh
# The first layer under every script here, sourced by them: system packages, the CPython, its virtual environment.
# Quick and offline where nothing is missing.
#
# Goes to the root of the project. Sets PYTHON (the chosen CPython), TAG (its name in folders), VENV, BUILD (the release
# build) and GILSCOPE_HOST (the binary there, which the tests, the benchmarks and the demo drive).
set -eu
cd "$(dirname "$0")/.."

PACKAGES="g++ cmake ninja-build ccache \
libcli11-dev nlohmann-json3-dev libspdlog-dev libfmt-dev libgtest-dev libgmock-dev libbenchmark-dev \
python3 python3-dev python3-venv"
ROOT=$PWD
LOG=$ROOT/build/last-command.log # once a CPython is chosen, in its folder: two may be built at once

# With paths taken relative to the project, ccache knows the files of one CPython's build in the next, and those of the
# checkout before.
export CCACHE_BASEDIR="$ROOT" CCACHE_NOHASHDIR=1

# What pip compiles has the flags of what CMake does: then ccache knows one from the other.
export CXX="${CXX:-c++}" SKBUILD_CMAKE_DEFINE=GILSCOPE_WERROR=ON

say() { printf 'gilscope: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 125
}

# Runs a command and shows what it printed only if it failed.
quietly() {
  mkdir -p "${LOG%/*}"
  "$@" >"$LOG" 2>&1 </dev/null || {
    cat "$LOG" >&2
    say "that was: $*"
    return 1
  }
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Makes the symbolic link $2 to $1; what somebody else put there stays.
point() {
  if [ -e "$2" ] && [ ! -L "$2" ]; then
    die "$2 is in the way: it is not a link made by gilscope. Move it elsewhere, then try again."
  fi
  ln -sfn "$1" "$2"
}

# install_system_packages PACKAGE…: those that are missing. Never fatal by itself: who has no apt, or no right to use
# it, may have everything from elsewhere.
install_system_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then return; fi
  # shellcheck disable=SC2016  # dpkg-query's own variables
  installed=$(dpkg-query -W -f '${db:Status-Status}:${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed://p')
  missing=$(printf '%s\n' "$@" | grep -vxF "${installed:-none}" | tr '\n' ' ')
  if [ -z "$missing" ]; then return; fi
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    say "missing packages, and neither root nor sudo to install them: $missing"
    return
  fi
  say "installing with apt: $missing"
  wait_for_lock="-o DPkg::Lock::Timeout=300" # a fresh machine may be installing its own updates
  # shellcheck disable=SC2086  # lists of words
  if ! quietly as_root apt-get $wait_for_lock update ||
    ! quietly as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get $wait_for_lock install -y --no-install-recommends $missing; then
    say "apt could not install all of it; going on with what is here"
  fi
}

# For tests, which run a server of their own. Debian's package would also make a database and start the machine's
# server, which nobody asked for: while it is installed, a file says not to.
install_postgresql() {
  if command -v pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl || ! command -v apt-get; then return; fi >/dev/null 2>&1
  no_database=/etc/postgresql-common/createcluster.d/gilscope.conf
  # shellcheck disable=SC2016  # for the other shell
  if ! as_root sh -c 'mkdir -p "${1%/*}" && echo "create_main_cluster = false" >"$1"' sh "$no_database" 2>/dev/null; then
    say "no PostgreSQL server here: the tests that need one are skipped (Debian's package: postgresql)"
    return
  fi
  install_system_packages postgresql
  as_root rm -f "$no_database"
}

# For tests of the pages that --html writes.
install_browser() {
  if command -v chromedriver && { command -v chromium || command -v google-chrome; }; then return; fi >/dev/null 2>&1
  install_system_packages chromium chromium-driver
}

require_tools() {
  for tool in c++ cmake ninja; do
    command -v "$tool" >/dev/null || die "no $tool here. Install what your system calls these: $PACKAGES"
  done
}

# Runs a Python program that any python3 may run, with the first one that does start: a shim may be broken.
run_with_any_python() {
  for any in /usr/bin/python3 python3 "${PYTHON:-python3}" "${HOME-}"/.pyenv/versions/3.*/bin/python3; do
    if "$any" -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null; then
      "$any" "$@"
      return
    fi
  done
  die "no python3 here that starts. Install python3, python3-dev and python3-venv."
}

choose_python() {
  choice=$(run_with_any_python tools/choose_python.py --shell) || exit $?
  eval "$choice"
  VENV=$ROOT/.venvs/$TAG
  BUILD=$ROOT/build/$TAG/release
  LOG=$ROOT/build/$TAG/last-command.log
  export GILSCOPE_HOST="$BUILD/host/gilscope"
}

make_environment() {
  point ".venvs/$TAG" .venv
  # Scripts in an environment hold its path: a project that was moved needs a new one.
  if [ "$(cat "$VENV/.gilscope-made" 2>/dev/null)" = "$VENV" ] && [ -x "$VENV/bin/python" ]; then return; fi
  say "making the virtual environment .venvs/$TAG"
  quietly "$PYTHON" -m venv --clear "$VENV"
  quietly "$VENV/bin/python" -m pip install 'pip>=25.1' # older ones know no dependency groups
  echo "$VENV" >"$VENV/.gilscope-made"
}

# Installs a dependency group of pyproject.toml into the environment, unless it holds just that already. Further
# arguments go to pip.
install_group() {
  group=$1
  shift
  wanted=$("$VENV/bin/python" -c 'import sys, tomllib
print(tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"][sys.argv[1]])' "$group")
  if [ "$(cat "$VENV/.gilscope-group-$group" 2>/dev/null)" = "$wanted" ]; then return; fi
  say "installing the Python packages of group $group"
  quietly "$VENV/bin/python" -m pip install "$@" --group "$group" || return
  echo "$wanted" >"$VENV/.gilscope-group-$group"
}

# configure PRESET FOLDER [OPTION…]: makes a CMake build folder; ninja itself sees all later changes but the presets'.
configure() {
  preset=$1 folder=$2
  shift 2
  if [ -f "$folder/build.ninja" ] && [ -z "$(find CMakePresets.json -newer "$folder/build.ninja")" ]; then return; fi
  quietly cmake --preset "$preset" -B "$folder" "-DPython_EXECUTABLE=$VENV/bin/python" "$@" || return
  sed -n 's/^-- \(gilscope: \)/\1/p' "$LOG" >&2
}

# fingerprint PATH…: changes with any file there.
fingerprint() {
  find "$@" -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

# Of all that the extension is built from.
extension_sources() {
  fingerprint CMakeLists.txt pyproject.toml README.md LICENSE cmake extensions host python
}

cpp_files() { find cmake extensions host tests -name '*.cpp' -o -name '*.h'; }

# shellcheck disable=SC2086  # a list of words
install_system_packages $PACKAGES
require_tools
choose_python
make_environment
install_group build
