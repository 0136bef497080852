"""`gilscope run` is `python`: each case runs under both, and says and returns the same.

Only here whole programs are started and ended in every way: exit codes, uncaught exceptions, threads and hooks at the
end, scripts, code and modules, and each mistake in naming them.
"""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.hosts import is_package, only_binary

if TYPE_CHECKING:
    from tests.integration.conftest import Pair, Runner

HELP = Path(__file__).resolve().parents[1] / "golden" / "help"

HELLO = "print('hello', __name__)"

ENDS = {
    "the end": "x = 1",
    "exit None": "import sys; sys.exit(None)",
    "exit 3": "import sys; sys.exit(3)",
    "exit 259": "import sys; sys.exit(259)",
    "exit -1": "import sys; sys.exit(-1)",
    "exit 2**80": "import sys; sys.exit(2**80)",
    "exit with a text": "import sys; sys.exit('a text: é')",
    "exit with a tuple": "import sys; sys.exit((1, 2))",
    "SystemExit subclass": "class E(SystemExit): code = 9\nraise E",
    "os._exit": "import os; print('lost'); os._exit(5)",
    "quit": "quit(4)",
    "exit in atexit": "import atexit, sys; atexit.register(sys.exit, 6); print('x')",
    "exit in a thread": "import sys, threading; threading.Thread(target=sys.exit, args=(3,)).start()",
    "abort": "import os; os.abort()",
    "killed by itself": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "segmentation fault": "import faulthandler, os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "exec": "import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'print(3); exit(8)'])",
    "exception": "def f(n):\n    return 1 / n\n\nf(0)",
    "exception with a cause": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('é\\n') from e",
    "exception group": "raise ExceptionGroup('several', [ValueError(1), TypeError(2)])",
    "exception in a thread": "import threading\nthreading.Thread(target=lambda: 1 / 0, name='worker').start()",
    "exception in __del__": "class D:\n    def __del__(self):\n        raise ValueError(1)\ndel D\nd = 5",
    "exception in atexit": "import atexit\natexit.register(lambda: 1 / 0)\nprint(1)",
    "exception in a library": "import json\njson.loads('{')",
    "excepthook": "import sys\nsys.excepthook = lambda *a: print('hooked', a[0], file=sys.stderr)\n1 / 0",
    "name with a suggestion": "import sys\nsys.exti(3)",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "recursion in C": "x = []\nfor _ in range(100000):\n    x = [x]\ntry:\n    repr(x)\nexcept RecursionError as e:\n"
    "    print(str(e)[:20])",
    "syntax error": "print(1)\nif x\n    y\n",
    "syntax warning": "print(1 is 1, '\\d')",
    "bad encoding": "# coding: nonsense\nprint(1)",
    "latin-1 source": "# coding: latin-1\nprint(ascii('\u00e9'))",
    "null byte": "print(1)\0",
    "warnings": "import warnings\nwarnings.warn('careful')\nwarnings.warn('old', DeprecationWarning)",
    "atexit order": "import atexit\nfor n in range(3): atexit.register(print, n)\nprint('end')",
    "threads are joined": "import threading\nstart = threading.Event()\n"
    "threading.Thread(target=lambda: (start.wait(), print('joined'))).start()\nprint('end')\nstart.set()",
    "daemon threads are not": "import threading\nready = threading.Event()\ndef f():\n    ready.set()\n"
    "    threading.Event().wait()\n    print('never')\nthreading.Thread(target=f, daemon=True).start()\nready.wait()",
    "standard input": "import sys\nprint(sys.stdin.read(), sys.stdin.isatty())",
    "input()": "print(input('? '))",
    "unraisable at the end": "import sys\nsys.stdout.close()\n",
    "breakpoint": "breakpoint()",
    "forked child": "import os, sys\nprint('before', flush=True)\nif os.fork() == 0:\n    sys.exit(7)\n"
    "print(os.waitstatus_to_exitcode(os.wait()[1]))",
    "subprocess": "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import os, sys\\n"
    "print(sys.executable, sys.prefix, sys.flags)'], stdout=-1).stdout)",
    "asyncio": "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 3\nprint(asyncio.run(f()))",
    "audit hook": "import sys\nsys.addaudithook(lambda name, a: name == 'cpython.run_file' and print(name))",
    "imports itself": "import importlib, sys\nif __name__ == '__main__':\n    import script\nprint(__name__)",
}

# Below a script under the package are frames of the package: it may go that much less deep.
DEPTHS = {
    "recursion": "def f(n):\n    return f(n + 1)\nf(0)",
    "deep recursion that is caught": "def f(n):\n    try:\n        return f(n + 1)\n    except RecursionError:\n"
    "        return n\nprint(f(0))",
}


@only_binary
@pytest.mark.parametrize("code", DEPTHS.values(), ids=DEPTHS)
def test_a_script_may_go_as_deep(same: Pair, tmp_path: Path, code: str) -> None:
    (tmp_path / "script.py").write_text(code)
    same("script.py")


@pytest.mark.contract
@pytest.mark.parametrize("code", ENDS.values(), ids=ENDS)
def test_a_script_ends_in_the_same_way(same: Pair, tmp_path: Path, code: str) -> None:
    (tmp_path / "script.py").write_text(code, encoding="latin-1" if "latin-1" in code else "utf-8")
    same("script.py", stdin="a line\nanother")


@pytest.mark.contract
@pytest.mark.parametrize("name", ["exit 3", "exception in a library", "syntax error"])
def test_code_and_standard_input_end_in_the_same_way(same: Pair, name: str) -> None:
    same("-c", ENDS[name])
    same("-", stdin=ENDS[name])


MISTAKES = {
    "no such script": ["nothing.py"],
    "script with an empty name": [""],
    "folder without __main__": ["empty"],
    "binary junk": ["junk"],
    "archive without __main__": ["empty.zip"],
    "no such module": ["-m", "no_such_module"],
    "no such part": ["-m", "json.no_such"],
    "package without __main__": ["-m", "json"],
    "module name of a file": ["-m", "script.py"],
    "unknown flag": ["-Z"],
    "unknown long flag": ["--nonsense"],
    "flag without its value": ["-W"],
    "bad -X value": ["-X", "int_max_str_digits=x", "script.py"],
    "bad utf8 mode": ["-X", "utf8=3", "script.py"],
    "code without code": ["-c"],
    "no script, but flags": ["-u", "-"],
    "syntax error in code": ["-c", "if x"],
    "script that cannot be read": ["/proc/self/mem"],
}


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported_in_the_same_words(same: Pair, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "script.py").write_text(HELLO)
    (tmp_path / "junk").write_bytes(bytes(range(256)) * 4)
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    same(*arguments)


@pytest.mark.parametrize("flag", ["--version", "-VV", "-h", "--help-env", "--help-xoptions", "--help-all", "-?"])
def test_python_answers_for_itself_behind_two_dashes(same: Pair, flag: str) -> None:
    assert same(flag).stdout


@pytest.mark.contract
@pytest.mark.parametrize("arguments", [["-m", "json.tool", "--indent", "2"], ["-m", "timeit", "-h"], ["-mthis"]])
def test_modules_of_the_library_run(same: Pair, arguments: list[str]) -> None:
    same(*arguments, stdin='{"a": [1, 2]}')


def test_bytecode_is_written_where_python_would(host: str, stock: str, run: Runner, tmp_path: Path) -> None:
    found: list[list[str]] = []
    for command in ([stock], [host, "run"]):
        folder = tmp_path / str(len(found))
        folder.mkdir()
        (folder / "library.py").write_text("x = 1\n")
        (folder / "main.py").write_text("import library\n")
        assert run([*command, "main.py"], cwd=folder).returncode == 0
        found.append(sorted(str(file.relative_to(folder)) for file in folder.rglob("*")))
    assert found[0] == found[1]


# gilscope's own side.

USAGE = {
    "nothing to run": ["run"],
    "nothing behind two dashes": ["run", "--"],
    "unknown option": ["run", "--nonsense", "script.py"],
    "a flag of Python's own": ["run", "-u", "script.py"],
    "quiet and verbose": ["run", "-q", "-v", "script.py"],
    "no subcommand": [],
    "unknown subcommand": ["fly"],
    "unknown option of gilscope": ["--nonsense"],
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_wrong_use_exits_with_2_and_says_what_to_do(host: str, run: Runner, arguments: list[str]) -> None:
    result = run([host, *arguments])
    assert result.returncode == 2
    assert result.stdout == ""
    what, hint = result.stderr.splitlines()
    assert what.startswith("gilscope")
    assert hint.startswith("  try: ")


def test_options_of_run_come_before_the_script(host: str, run: Runner, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import sys; print(sys.argv)")
    for options in (["-v"], ["--quiet", "--"]):
        result = run([host, "run", *options, "script.py", "-v", "--json"], cwd=tmp_path)
        assert result.stdout == "['script.py', '-v', '--json']\n"
        assert result.returncode == 0


def test_the_version_names_gilscope_its_python_and_the_clock(host: str, stock: str, run: Runner) -> None:
    python = run([stock, "--version"]).stdout.split()[1]
    result = run([host, "--version"])
    embedded = r"embeds CPython (\S+).* \((static|shared) libpython\)"
    engine = r"in CPython (\S+).* \(stock\)" if is_package(host) else embedded
    assert re.fullmatch(rf"gilscope \d+\.\d+\.\d+, {engine}, clock: (tsc|monotonic)\n", result.stdout)
    assert python in result.stdout
    assert result.returncode == 0


@pytest.mark.parametrize("subcommand", ["", "run", "compare", "article", "report", "top", "dump", "doctor"])
def test_help_is_as_it_was_with_an_example_first(host: str, run: Runner, subcommand: str) -> None:
    for flag in ("--help", "-h"):
        result = run([host, *subcommand.split(), flag])
        assert result.returncode == 0
        golden = HELP / f"{subcommand or 'gilscope'}.txt"
        if os.environ.get("GILSCOPE_UPDATE_GOLDEN") == "1":
            golden.write_text(result.stdout, encoding="utf-8")
        assert result.stdout == golden.read_text(encoding="utf-8")
        assert result.stdout.index("Example: gilscope") < result.stdout.index("Usage:")


def test_help_of_a_closed_reader_is_quiet(host: str, run: Runner) -> None:
    result = run(["sh", "-c", '"$0" run --help | head -1', host])
    assert result.stderr == ""


MODULES = {
    "a package": (["server/__init__", "server/__main__"], "server", 1),
    "a package that is none to run": (["server/__init__"], "server", 0),
    "a module": (["server"], "server", 1),
    "a part of a package": (["server/__init__", "server/part"], "server.part", 1),
    "nothing": ([], "server", 0),
    "nothing in C": ([], "sys", 0),
    "a file with a bad name": (["no-name"], "no-name", 0),
}


@pytest.mark.parametrize(("files", "name", "hints"), MODULES.values(), ids=MODULES)
def test_a_module_that_is_taken_for_a_file_is_pointed_to(
    host: str, run: Runner, tmp_path: Path, files: list[str], name: str, hints: int
) -> None:
    """And not imported for that."""
    for file in files:
        path = tmp_path / "lib" / f"{file}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("print('imported')")
    ran = run([host, "run", "-q", name], env={"PYTHONPATH": str(tmp_path / "lib")}, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.count(f"try: gilscope run -m {name}\n") == hints
    assert "can't open file" in ran.stderr


def test_what_is_there_is_no_mistake(host: str, run: Runner, tmp_path: Path) -> None:
    """Though there is a module of that name, too."""
    (tmp_path / "json").write_text("print('the file')")
    ran = run([host, "run", "-q", "json"], cwd=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "the file\n", "")
