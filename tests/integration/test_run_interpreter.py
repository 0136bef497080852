"""What a program sees of its interpreter under `gilscope run` is what it sees under `python`.

Only here the whole configuration is compared, for each way to name a program, each flag and each environment variable.
Those whose effects are seen apart from each other share a run.
"""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.integration.hosts import is_package, only_package

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Pair, Runner

# What a program sees of its interpreter. The host's own traces: finders on sys.meta_path, frozen modules, and a
# descriptor from 200 on, by which children are recorded.
STATE = """
import json, os, signal, sys, threading
main = sys.modules["__main__"]
files = sys.stdin, sys.stdout, sys.stderr
signals = [number for number in signal.valid_signals() if signal.getsignal(number) is not signal.SIG_DFL]
print(json.dumps({
    "argv": [sys.argv, sys.orig_argv],
    "executable": [sys.executable, sys._base_executable],
    "path": sys.path,
    "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, sys.platlibdir],
    "flags": [repr(sys.flags), sys.warnoptions, sys._xoptions, sys.dont_write_bytecode, sys.pycache_prefix],
    "main": sorted(vars(main)),
    "name": [main.__name__, getattr(main, "__file__", None), main.__package__, main.__doc__],
    "loader": type(main.__loader__).__name__,
    "spec": main.__spec__ and [main.__spec__.name, main.__spec__.origin, main.__spec__.parent],
    "files": [file and [file.name, file.encoding, file.errors, file.line_buffering, file.write_through]
              for file in files],
    "encodings": [sys.getdefaultencoding(), sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()],
    "environment": sorted(os.environ.items()),
    "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_int_max_str_digits()],
    "signals": [(number, str(signal.getsignal(number))) for number in signals],
    "threads": [len(os.listdir("/proc/self/task")), threading.current_thread().name],
    "descriptors": [number for number in os.listdir("/proc/self/fd") if int(number) < 200],
    "folder": os.getcwd(),
}, indent=1))
print("modules:", *sorted(name for name in sys.modules if not name.startswith("_gilscope")))
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """STATE as everything that `python` can run."""
    for path in ("state.py", "folder/__main__.py", "package/__main__.py", "package/part.py", 'odd name/it\'s "é".py'):
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(STATE)
    (tmp_path / "package/__init__.py").touch()
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", STATE)
    return tmp_path


WAYS = {
    "a script": ["state.py", "one", "--two"],
    "a script by its whole path": ["{}/state.py"],
    "a script elsewhere, with quotes, spaces and letters": ['odd name/it\'s "é".py'],
    "code": ["-c", STATE, "-c", "--", "x"],
    "code, attached": ["-c" + STATE],
    "a module": ["-m", "state", "-m", "x"],
    "a module, attached": ["-mstate"],
    "a package": ["-m", "package", "--version"],
    "a part of a package": ["-m", "package.part"],
    "a folder": ["folder", "--help"],
    "an archive": ["archive.zip", "-v"],
    "arguments of any bytes": ["state.py", "", " ", "é\n'\"", "\udcff\udc80", "-"],
    "options after the script": ["state.py", "--version", "-v", "-q", "--help", "--", "-x"],
    "flags and code": ["-Ic", STATE],
    "flags and a module": ["-sBm", "state"],
    "a script after --": ["-u", "--", "state.py", "--", "x"],
}
FLAGS = [
    "-X dev -W error -bb",
    "-O -u -B -s -b -R -d -W ignore::DeprecationWarning -W once",
    "-OO -E -q -x --check-hash-based-pycs always -W ignore::SyntaxWarning",
    "-I -X utf8 -X frozen_modules=off",
    "-X utf8=0 -X frozen_modules=on -X faulthandler -X own=1 -X other",
    "-X tracemalloc=2 -X int_max_str_digits=700 -X pycache_prefix=cache -X no_debug_ranges",
    "-S",
    "-IS",
    "-v -V",
    "-Wnonsense",
]
WITHOUT_PACKAGES = ["-S", "-IS"]
ENVIRONMENTS = [
    "PYTHONPATH=one:two PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=error,ignore::UserWarning PYTHONUTF8=1",
    "PYTHONSAFEPATH=1 PYTHONUTF8=0 PYTHONIOENCODING=latin-1:replace PYTHONNOUSERSITE=1 PYTHONUNBUFFERED=1",
    "PYTHONUSERBASE=base PYTHONFAULTHANDLER=1 PYTHONDEVMODE=1 PYTHONPYCACHEPREFIX=cache PYTHONHASHSEED=0",
    "PYTHONOPTIMIZE=2 PYTHONSTARTUP=none.py PYTHONTRACEMALLOC=1 PYTHONINTMAXSTRDIGITS=1000 PYTHONNODEBUGRANGES=1",
    "PYTHONMALLOC=debug PYTHONBREAKPOINT=0 PYTHONASYNCIODEBUG=1 PYTHONPLATLIBDIR=lib",
    "PYTHONEXECUTABLE=/x",
    "LC_ALL=C",
    "LC_ALL=POSIX PYTHONCOERCECLOCALE=0",
    "LC_ALL=C PYTHONUTF8=0",
    "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0",
    "LC_ALL=C PYTHONCOERCECLOCALE=warn",
    "LC_ALL=no_SUCH",
    "LC_ALL=en_US.ISO-8859-1",
]


@pytest.mark.contract
@pytest.mark.parametrize("arguments", WAYS.values(), ids=WAYS)
def test_a_program_sees_the_same_interpreter(same: Pair, programs: Path, arguments: list[str]) -> None:
    result = same(*[argument.replace("{}", str(programs)) for argument in arguments])
    assert '"argv"' in result.stdout


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.usefixtures("programs")
def test_a_program_sees_the_same_interpreter_with_flags(same: Pair, host: str, flags: str) -> None:
    if is_package(host) and flags in WITHOUT_PACKAGES:
        pytest.skip("this Python does not find the package")
    same(*flags.split(), "state.py", "argument")


@only_package
def test_flags_are_added_to_those_that_python_has(stock: str, run: Runner) -> None:
    show = "import sys; print(sys.flags.dev_mode, sys.flags.optimize, sys.warnoptions)"
    result = run([stock, "-X", "dev", "-m", "gilscope", "run", "-q", "--", "-O", "-W", "error", "-c", show])
    assert result.stdout == "True 1 ['default', 'error']\n", result.stderr


@only_package
@pytest.mark.parametrize("flags", WITHOUT_PACKAGES)
def test_a_flag_that_hides_the_package_is_refused(host: str, run: Runner, flags: str) -> None:
    result = run([host, "run", "--", flags, "-c", "pass"])
    assert result.returncode == 2
    assert result.stderr == (
        "gilscope: run: with Python's flag -S, gilscope itself is not found\n  try: gilscope's binary\n"
    )


@pytest.mark.parametrize("variables", ENVIRONMENTS)
@pytest.mark.usefixtures("programs")
def test_a_program_sees_the_same_interpreter_with_environment_variables(same: Pair, host: str, variables: str) -> None:
    if is_package(host) and variables.startswith("PYTHONEXECUTABLE"):
        pytest.skip("a Python that takes itself for another does not find its virtual environment")
    same("state.py", "é", "\udcff", env=dict(variable.split("=", 1) for variable in variables.split()))


@pytest.mark.usefixtures("programs")
def test_ignored_environment_variables_are_ignored_by_both(same: Pair) -> None:
    env = {"PYTHONOPTIMIZE": "2", "PYTHONUTF8": "0", "PYTHONWARNINGS": "error", "PYTHONPATH": "one", "LC_ALL": "C"}
    same("-E", "-m", "package", env=env)
    same("-I", "state.py", env=env)


@pytest.mark.contract
def test_a_program_from_standard_input_sees_the_same_interpreter(same: Pair) -> None:
    assert '"argv"' in same("-", "one", "--two", stdin=STATE).stdout


def test_pythonhome_moves_the_library_for_both(same: Pair, stock: str, run: Runner) -> None:
    prefix = run([stock, "-c", "import sys; print(sys.base_prefix)"]).stdout.strip()
    same("-c", STATE, env={"PYTHONHOME": prefix})


def test_hash_seed_gives_the_same_order(same: Pair) -> None:
    same("-c", "print({*'abcdefghijkl'}, hash('gilscope'))", env={"PYTHONHASHSEED": "42"})


def test_the_safe_path_flag_leaves_the_folder_out(same: Pair, programs: Path) -> None:
    state = json.loads(same("-P", "-c", STATE).stdout.rpartition("\nmodules:")[0])
    assert str(programs) not in state["path"]
