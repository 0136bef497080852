#!/bin/sh
# Builds CPython as it is built by those from whom people get it, and tries with each what gilscope promises with every Python
# (tools/test.sh --contract): `sh tools/python_builds.sh FOLDER SOURCE [NAME…]`. SOURCE is an unpacked CPython, 3.11 or
# later. Takes some ten minutes a build on two cores; what is built in FOLDER already is not built again. PROFILED=1 also
# optimises by profiles, as they all do, for an hour more.
#
# docs/reference/pythons.md has what came of it.
. "$(dirname "$0")/setup.sh"

folder=$(realpath -m "$1")
source=$(realpath "$2")
shift 2
names=${*:-uv conda docker stripped}
mkdir -p "$folder"

# Sets the compiler and how it builds. Of uv's (python-build-standalone): clang, LTO, all bound at the start, no symbol of a
# library shown, without libpython.so. Of conda-forge's: gcc, LTO, no procedure linkage table. Of Docker's: libpython.so.
configure_as() {
  case $1 in
    uv)
      install_system_packages clang lld llvm
      set -- CC=clang LDFLAGS="-fuse-ld=lld -Wl,-z,relro,-z,now -Wl,--exclude-libs,ALL" \
        CFLAGS="-fno-plt -fno-semantic-interposition" --with-lto=thin --disable-shared
      ;;
    conda)
      set -- CFLAGS="-fno-plt -fno-semantic-interposition -ffunction-sections" \
        LDFLAGS="-Wl,-O2,--sort-common,--as-needed,-z,relro,-z,now,--gc-sections -Wl,--disable-new-dtags" \
        --with-lto --disable-shared
      ;;
    docker | stripped)
      set -- LDFLAGS="-Wl,-rpath,$folder/$1/lib" --with-lto --enable-shared
      ;;
    *) die "$1 is none of uv, conda, docker, stripped" ;;
  esac
  "$source/configure" --prefix="$folder/$name" --disable-test-modules --with-ensurepip=install \
    ${PROFILED:+--enable-optimizations} "$@"
}

build_python() {
  rm -rf "$folder/build-$name"
  mkdir "$folder/build-$name"
  (cd "$folder/build-$name" && configure_as "$name" && make -j"$(nproc)" && make install)
  if [ "$name" = stripped ]; then
    find "$folder/$name/bin" "$folder/$name/lib" -type f \( -name '*.so*' -o -name 'python3.[0-9][0-9]' \) -exec strip --strip-all {} +
  fi
  rm -rf "$folder/build-$name"
}

table=
for name in $names; do
  python=$folder/$name/bin/python3
  if [ ! -x "$python" ]; then
    say "building CPython as $name does: the log is $folder/$name.log"
    if ! build_python >"$folder/$name.log" 2>&1 </dev/null; then
      table="$table$(printf '%-10s could not be built' "$name")
"
      continue
    fi
  fi
  result=passed
  PYTHON=$python sh tools/test.sh --contract </dev/null || result=FAILED
  table="$table$(printf '%-10s %-22s %s' "$name" "$("$python" -VV 2>&1 | cut -c1-20)" "$result")
"
done
sh tools/build.sh
printf '\n%s' "$table"
case $table in *FAILED* | *"could not"*) exit 1 ;; esac
