"""tools/choose_python.py: which CPython is taken, on machines made of interpreters that lie of themselves.

Each candidate is a process, as everywhere; the tool itself runs in the process of the tests, but for one test.
"""

import ast
import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

CHOOSE = Path(__file__).parents[2] / "tools" / "choose_python.py"
CANNOT = 125

# A real interpreter that answers the real probe, after it was told what to say of itself.
LIAR = """#!{python} -IS
import importlib.util, json, sys, sysconfig, types
lies = {lies!r}
variables = {{
    "LIBPL": lies["folder"], "LIBRARY": lies["static"],
    "LIBDIR": lies["folder"], "LDLIBRARY": lies["shared"],
    "Py_GIL_DISABLED": lies["free_threaded"],
}}
sys.version_info = lies["version"]
sys.implementation = types.SimpleNamespace(name=lies["implementation"])
sys.executable = lies["executable"]
sys._base_executable = lies["base"] or lies["executable"]
sysconfig.get_config_var = variables.get
sysconfig.get_path = lambda name: lies["folder"]
importlib.util.find_spec = lambda name: None if name in lies["without"] else name
exec(sys.argv[-1])
"""


class Answer(NamedTuple):
    """What choose_python.py said."""

    code: int
    output: str
    errors: str


class Machine:
    """A machine of its own: folders for PATH, and a home."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        self.first = root / "first"
        self.second = root / "second"
        self.pyenv = root / "home" / ".pyenv" / "versions"

    def add(self, path: Path, script: str) -> Path:
        """Puts a program there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)
        return path

    def add_python(self, path: Path, release: str, *, files: str = "Python.h libpython.a", **lies: Any) -> Path:
        """Puts a Python there that says it is of this release (`3.15.0rc1`), with these files around it."""
        numbers = [int(number) for number in re.findall(r"\d+", release)]
        level = ("candidate", numbers[3]) if "rc" in release else ("final", 0)
        folder = self.root / "lib" / str(len(list(self.root.rglob("*"))))
        folder.mkdir(parents=True)
        for name in files.split():
            (folder / name).touch()
        said = {
            "version": (*numbers[:3], *level),
            "implementation": "cpython",
            "free_threaded": 0,
            "executable": str(path),
            "base": "",
            "folder": str(folder),
            "static": "libpython.a",
            "shared": "libpython.so",
            "without": (),
        }
        return self.add(path, LIAR.format(python=sys.executable, lies=said | lies))

    def choose(self, *arguments: str, python: str = "", cwd: Path | None = None) -> Answer:
        """Runs choose_python.py on this machine; a candidate may think for long, as the machine may be busy."""
        with self.monkeypatch.context() as changed:
            changed.syspath_prepend(str(CHOOSE.parent))
            changed.setattr(sys, "argv", [str(CHOOSE), "--timeout", "120", *arguments])
            changed.setenv("PATH", os.pathsep.join([str(self.first), str(self.second), "/usr/bin/nonexistent"]))
            changed.setenv("HOME", str(self.root / "home"))
            changed.setenv("PYTHON", python)
            changed.chdir(cwd or self.root)
            code = importlib.import_module("choose_python").main()
        output, errors = self.capsys.readouterr()
        return Answer(code, output.strip(), errors.strip())

    def why(self) -> dict[str, str]:
        """What `--why` says of each candidate."""
        rows = [row.split(None, 2) for row in self.choose("--why").output.splitlines()]
        return {path: verdict for path, _, verdict in rows}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    """A machine with one usable Python, 3.11.2."""
    machine = Machine(tmp_path, monkeypatch, capsys)
    machine.add_python(machine.second / "python3", "3.11.2")
    return machine


def test_the_newest_of_path_and_pyenv_is_taken_and_named(machine: Machine) -> None:
    machine.add_python(machine.first / "python3.12", "3.12.10")
    newest = machine.add_python(machine.pyenv / "3.13.0" / "bin" / "python3", "3.13.0")
    machine.add_python(machine.pyenv / "3.12.9" / "bin" / "python3", "3.12.9")
    answer = machine.choose()
    assert answer == Answer(
        0,
        str(newest),
        f"gilscope: Python 3.13.0 of {newest} (newest of 4 usable: 3.13.0, 3.12.10, 3.12.9, 3.11.2)",
    )


def test_of_one_version_the_first_on_path_is_taken(machine: Machine) -> None:
    first = machine.add_python(machine.first / "python3", "3.13.0")
    machine.add_python(machine.second / "python3.13", "3.13.0")
    machine.add_python(machine.pyenv / "3.13.0" / "bin" / "python3", "3.13.0")
    assert machine.choose().output == str(first)


UNUSABLE: list[tuple[str, dict[str, Any], str]] = [
    ("3.10.13", {}, "is 3.10.13; gilscope knows 3.11 to 3.15"),
    ("3.16.0", {}, "is 3.16.0; gilscope knows 3.11 to 3.15"),
    ("3.13.0", {"implementation": "pypy"}, "is pypy"),
    ("3.13.0", {"files": "libpython.a"}, "has no headers (no Python.h in "),
    ("3.13.0", {"files": "Python.h"}, "has no libpython, static or shared"),
    ("3.13.0", {"files": "Python.h libpython.so", "shared": "libpython.a"}, "has no libpython"),
    ("3.13.0", {"without": ("ensurepip",)}, "has no venv or no ensurepip"),
    ("3.13.0", {"without": ("venv",)}, "has no venv or no ensurepip"),
]


def test_unusable_ones_are_passed_over_and_refused_when_named(machine: Machine) -> None:
    reasons = {}
    for number, (release, lies, reason) in enumerate(UNUSABLE):
        path = machine.add_python(machine.pyenv / str(number) / "bin" / "python3", release, **lies)
        reasons[str(path)] = reason
    assert machine.choose().output == str(machine.second / "python3")
    why = machine.why()
    for unusable, reason in reasons.items():
        assert why[unusable].startswith("no: " + reason)
        named = machine.choose(python=unusable)
        assert (named.code, named.output) == (CANNOT, "")
        assert f"PYTHON={unusable} cannot be used: it {reason}" in named.errors


@pytest.mark.parametrize("library", ["libpython.a", "libpython.so"])
def test_one_libpython_is_enough(machine: Machine, library: str) -> None:
    usable = machine.add_python(machine.first / "python3.13", "3.13.0", files=f"Python.h {library}")
    assert machine.choose().output == str(usable)


@pytest.mark.parametrize(
    ("release", "lies", "kind", "name"),
    [
        ("3.15.0rc1", {}, "is a pre-release", "3.15.0rc1"),
        ("3.13.5", {"free_threaded": 1}, "is free-threaded", "3.13.5t"),
    ],
)
def test_pre_releases_and_free_threaded_builds_are_taken_only_when_named(
    machine: Machine, release: str, lies: dict[str, Any], kind: str, name: str
) -> None:
    special = machine.add_python(machine.first / "python3.15", release, **lies)
    assert machine.choose().output == str(machine.second / "python3")
    assert machine.why()[str(special)] == f"no: {kind}: only taken when PYTHON= names it"
    assert str(special) not in machine.choose("--list").output
    named = machine.choose(python=str(special))
    assert named == Answer(0, str(special), f"gilscope: Python {name} of {special} (PYTHON= says so)")


def test_python_names_a_path_a_command_or_a_path_from_home(machine: Machine) -> None:
    machine.add_python(machine.first / "python3.13", "3.13.0")
    older = machine.add_python(machine.pyenv / "3.12.1" / "bin" / "python3", "3.12.1")
    on_path = machine.add_python(machine.second / "mypython", "3.12.2")
    assert machine.choose(python=str(older)).output == str(older)
    assert machine.choose(python="~/.pyenv/versions/3.12.1/bin/python3").output == str(older)
    assert machine.choose(python="mypython").output == str(on_path)
    assert machine.choose(python="./mypython", cwd=machine.second).output == str(on_path)


def test_a_named_one_that_does_not_exist_is_a_clear_error(machine: Machine) -> None:
    for name in ("/nowhere/python3", "python3.99", "/", "3.12"):
        answer = machine.choose(python=name)
        assert answer.code == CANNOT
        assert answer.errors.startswith(f"gilscope: PYTHON={name}: there is no such program.")


BROKEN = [
    ("#!/bin/sh\necho 'pyenv: python3: not found' >&2\nexit 127\n", "(exit code 127): pyenv: python3: not"),
    ("#!/bin/sh\necho Hello\n", "is not a Python"),
    ("#!/bin/sh\necho 'gilscope-facts:{\"version\": [3]}'\n", "is not a Python"),
    ("#!/bin/sh\nprintf '\\377\\376\\000'\nkill -9 $$\n", "does not run (exit code -9): nothing"),
    ("#!/nowhere/python\n", "cannot be started: No such file or directory"),
    ("junk", "cannot be started: Exec format error"),
]


def test_broken_candidates_are_passed_over(machine: Machine) -> None:
    reasons = {
        str(machine.add(machine.pyenv / str(number) / "bin" / "python3", script)): reason
        for number, (script, reason) in enumerate(BROKEN)
    }
    assert machine.choose().output == str(machine.second / "python3")
    why = machine.why()
    for broken, reason in reasons.items():
        assert reason in why[broken]
        assert reason in machine.choose(python=broken).errors


def test_a_candidate_that_hangs_is_given_up_with_all_it_started(machine: Machine) -> None:
    # `sleep` is a child of the candidate that keeps its output open: who waits for that waits for ever.
    hanging = machine.add(machine.first / "hanging", "#!/bin/sh\n/bin/sleep infinity | /bin/cat\n")
    answer = machine.choose("--timeout", "0.2", python=str(hanging))
    assert answer.code == CANNOT
    assert f"PYTHON={hanging} cannot be used: it did not answer within 0.2 s" in answer.errors


def test_an_answer_among_junk_is_heard(machine: Machine) -> None:
    real = machine.add_python(machine.root / "opt" / "python3", "3.13.0")
    junk = "printf 'welcome\\n\\377no newline'"
    machine.add(machine.first / "python3", f'#!/bin/sh\n{junk}\n{real} "$@"\n{junk}\n')
    assert machine.choose().output == str(real)


def test_several_ways_to_one_python_count_once(machine: Machine) -> None:
    real = machine.add_python(machine.pyenv / "3.13.0" / "bin" / "python3", "3.13.0")
    shim = machine.add(machine.first / "python3", f'#!/bin/sh\nexec {real} "$@"\n')
    machine.first.joinpath("python3.13").symlink_to(real)
    assert machine.choose("--list").output.count("3.13.0") == 2  # in its path and in its tag
    assert machine.choose().output == str(real)
    why = machine.why()
    assert (why[str(shim)], why[str(real)]) == ("TAKEN", f"no: is the same Python as {shim}")


def test_of_a_virtual_environment_the_python_below_is_taken(machine: Machine) -> None:
    base = machine.add_python(machine.root / "opt" / "python3.13", "3.13.0")
    link = machine.root / "opt" / "python3"
    link.symlink_to(base)
    environment = machine.add_python(machine.first / "python3", "3.13.0", base=str(link))
    assert machine.choose().output == str(base)
    assert machine.choose(python=str(environment)).output == str(base)


def test_two_installations_of_one_version_have_two_tags(machine: Machine) -> None:
    machine.add_python(machine.first / "python3", "3.11.2")
    tags = [line.split("\t")[1] for line in machine.choose("--list").output.splitlines()]
    assert len(set(tags)) == 2
    assert all(re.fullmatch("cpython-3\\.11\\.2-[0-9a-f]{6}", tag) for tag in tags)


def test_a_shell_can_evaluate_the_answer_whatever_the_path(machine: Machine) -> None:
    odd = machine.add_python(machine.root / "it's $HOME; ünïcode" / "python3", "3.13.0")
    lines = machine.choose("--shell", python=str(odd)).output.splitlines()
    assert shlex.split(lines[0]) == [f"PYTHON={odd}"]
    assert re.fullmatch("TAG=cpython-3.13.0-[0-9a-f]{6}", lines[1])


def test_a_machine_without_any_usable_python_is_told_what_was_looked_at(machine: Machine) -> None:
    machine.add_python(machine.second / "python3", "3.10.1")
    answer = machine.choose()
    assert answer.code == CANNOT
    assert "no usable CPython 3.11 to 3.15" in answer.errors
    assert "is 3.10.1" in answer.errors
    assert "Try: install python3-dev" in answer.errors


def test_the_python_that_runs_this_describes_itself_truly() -> None:
    done = subprocess.run(
        [sys.executable, CHOOSE],
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=True,
    )
    version = ".".join(map(str, sys.version_info[:3]))
    assert done.stderr.startswith(f"gilscope: Python {version}")
    assert Path(done.stdout.strip()) == Path(sys.executable).resolve()


def test_it_can_be_read_by_python_3_6() -> None:
    ast.parse(CHOOSE.read_text(), feature_version=(3, 6))
