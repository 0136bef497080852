#!/bin/sh
# Builds into dist/ the sdist and, for every usable CPython of the machine (with PYTHON=… for that one), a wheel that
# auditwheel has repaired; then tests each in an environment that has nothing else, with what pyproject.toml tells
# cibuildwheel to run. What has not changed is neither built nor tested again.
. "$(dirname "$0")/setup.sh"
unset GILSCOPE_HOST # a wheel has no host
install_group wheel
default=$VENV
stamps=$ROOT/build/wheels
mkdir -p dist "$stamps"

sources=$(extension_sources)
tests=$(fingerprint tests/conftest.py tests/pairs.py tests/golden tests/python tests/wheel tools/setup.sh tools/wheel.sh)

# Of [tool.cibuildwheel]; the items of a list as lines.
cibuildwheel_option() {
  "$default/bin/python" -c 'import sys, tomllib
value = tomllib.load(open("pyproject.toml", "rb"))["tool"]["cibuildwheel"][sys.argv[1]]
print(value if isinstance(value, str) else "\n".join(value))' "$1"
}

abi_of() { "$1" -c 'import sys; print("cp%d%d%s" % (*sys.version_info[:2], sys.abiflags))'; }

# build_wheel VENV SOURCE BUILD_FOLDER OUTPUT: offline, what it is built with is in the environment already.
build_wheel() {
  rm -rf "$4"
  quietly "$1/bin/python" -m pip wheel --no-index --no-build-isolation --no-deps \
    --config-settings "build-dir=$3" -w "$4" "$2"
}

# test_wheel PYTHON WHEEL: in a folder and an environment of its own, first without pip, pytest or anything else.
test_wheel() (
  say "testing ${2##*/} in $1"
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  trap 'exit 130' INT TERM HUP
  mkdir "$folder/work"
  cibuildwheel_option test-sources | xargs -I{} cp -r --parents {} "$folder/work"
  "$1" -m venv --without-pip "$folder/environment"
  install() { quietly "$default/bin/python" -m pip --python "$folder/environment/bin/python" install "$@"; }

  install --no-index "$2"
  (cd "$folder/work" && "$folder/environment/bin/python" tests/wheel/smoke.py)
  # shellcheck disable=SC2046  # a list of words
  install $(cibuildwheel_option test-requires)
  command=$(cibuildwheel_option test-command)
  cd "$folder/work"
  PATH=$folder/environment/bin:$PATH sh -c "$command"
)

# Does the work $2… unless the stamp $1 says that it was done for $state.
once() {
  stamp=$stamps/$1
  shift
  if [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; then return; fi
  rm -f "$stamp"
  "$@"
  echo "$state" >"$stamp"
}

make_wheel() {
  say "building the wheel for $abi"
  build_wheel ".venvs/$tag" . "build/$tag/package" "build/$tag/wheel"
  rm -f dist/gilscope-*-"$abi"-manylinux_*.whl
  quietly env "PATH=$default/bin:$PATH" auditwheel repair -w dist "build/$tag/wheel"/*.whl # it runs patchelf
}

# What is in the sdist must make the same wheel, somewhere else.
test_sdist() (
  say "building a wheel from the sdist"
  rm -f dist/gilscope-*.tar.gz
  quietly "$default/bin/python" -m build --sdist --no-isolation --outdir dist
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  trap 'exit 130' INT TERM HUP
  tar -xzf dist/gilscope-*.tar.gz -C "$folder" --strip-components=1
  # The build folder and the environment lie as they do in the project: then ccache knows the files of one in the other.
  export CCACHE_BASEDIR="$folder"
  ln -s "$ROOT/.venvs" "$folder"
  build_wheel "$folder/.venvs/$TAG" "$folder" "$folder/build/of/sdist" "$folder/dist"
  for wheel in "$folder"/dist/*.whl dist/gilscope-*-"$(abi_of "$PYTHON")"-manylinux_*.whl; do
    "$default/bin/python" -m zipfile -l "$wheel" | awk '{ print $1 }'
  done | grep -v '/$' | sort | uniq -u | grep . >&2 && die "the wheels of the project and of its sdist differ in these files"
  test_wheel "$PYTHON" "$folder"/dist/*.whl
)

pythons=$(run_with_any_python tools/choose_python.py --list)
while IFS='	' read -r python tag; do
  PYTHON=$python sh tools/setup.sh </dev/null
  abi=$(abi_of "$python")
  state=$sources
  [ -n "$(find dist -name "gilscope-*-$abi-manylinux_*.whl")" ] || rm -f "$stamps/$abi"
  # Patch releases have one ABI, and one wheel: of several Pythons that share it the first builds it, all test it.
  once "$abi" make_wheel
  state="$sources $tests $(sha256sum dist/gilscope-*-"$abi"-manylinux_*.whl)"
  once "$tag-tested" test_wheel "$python" "$ROOT"/dist/gilscope-*-"$abi"-manylinux_*.whl </dev/null
done <<END
$pythons
END
state="$sources $tests"
[ -n "$(find dist -name 'gilscope-*.tar.gz')" ] || rm -f "$stamps/sdist"
once sdist test_sdist
point ".venvs/$TAG" .venv # not the last one's
say "built and tested:$(find dist -name 'gilscope-*' -printf ' %p')"
