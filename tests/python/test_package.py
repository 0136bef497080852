"""The installed package: what it says about itself, and that its stubs tell the truth."""

import ast
import importlib.metadata
import importlib.resources
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gilscope
from gilscope import _native


def package_file(name: str) -> str:
    return importlib.resources.files("gilscope").joinpath(name).read_text()


def stub_functions() -> dict[str, ast.FunctionDef]:
    tree = ast.parse(package_file("_native.pyi"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_version_is_the_one_of_the_metadata() -> None:
    assert gilscope.__version__ == importlib.metadata.version("gilscope")


def test_older_pythons_are_refused_by_the_metadata() -> None:
    assert importlib.metadata.metadata("gilscope")["Requires-Python"] == ">=3.11"


def test_the_package_declares_its_types() -> None:
    assert package_file("py.typed") == ""


def test_everything_public_exists_and_is_documented() -> None:
    assert sorted(gilscope.__all__) == gilscope.__all__
    for name in gilscope.__all__:
        assert getattr(gilscope, name).__doc__


def test_the_stubs_have_the_functions_and_the_docstrings_of_the_extension() -> None:
    stubs = stub_functions()
    assert set(stubs) == {name for name, _ in inspect.getmembers(_native, inspect.isbuiltin)}
    for name, stub in stubs.items():
        assert ast.get_docstring(stub) == inspect.getdoc(getattr(_native, name))


def test_the_signatures_can_be_inspected() -> None:
    assert str(inspect.signature(gilscope.count)) == "(n, release_gil=False)"
    assert str(inspect.signature(gilscope.hold)) == "(ns)"
    assert str(inspect.signature(gilscope.release)) == "(ns)"


def test_stubtest_finds_nothing(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is in the dependency group lint")
    # A class of pybind11's has a metaclass of its own, which no stub can name, and methods without signatures.
    allowed = tmp_path / "allowed"
    allowed.write_text("gilscope\\._native\\.(Flight|Snapshot|Tracer).*\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "gilscope._native", "--allowlist", str(allowed)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys; before = set(sys.modules); import gilscope; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"gilscope", "gilscope._native"}


def test_importing_the_package_installs_nothing(tmp_path: Path) -> None:
    code = """
import atexit, gc, multiprocessing, os, signal, sys, threading
from pathlib import Path

def lines(file, *names):
    return [line for line in Path("/proc/self", file).read_text().splitlines() if line.startswith(names)]

def state():
    return {
        "functions": [{name: id(value) for name, value in vars(owner).items()} for owner in owners],
        "import system": (sys.meta_path[:], sys.path_hooks[:], sys.path[:]),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "signals and threads of the process": lines("status", "SigBlk", "SigIgn", "SigCgt", "Threads"),
        "tracing": (sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile()),
        "tools": [sys.monitoring.get_tool(tool) for tool in range(6)] if hasattr(sys, "monitoring") else None,
        "collector": (gc.callbacks[:], gc.get_threshold(), gc.isenabled()),
        "at exit": atexit._ncallbacks(),
        "limits": (sys.getswitchinterval(), sys.getrecursionlimit()),
        "threads": threading.enumerate(),
        "environment": dict(os.environ),
        "files": sorted(str(path) for path in Path().rglob("*")),
        "descriptors": sorted(os.listdir("/proc/self/fd")),
    }

modules = [module for module in sys.modules.values() if module is not sys.modules["__main__"]]
owners = modules + [value for module in modules for value in vars(module).values() if isinstance(value, type)]
first = state()
import gilscope
second = state()
assert second == first, [name for name in first if second[name] != first[name]]
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GILSCOPE_")}
    folders = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**environment, **folders},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


NO_CPYTHON = "gilscope measures CPython's GIL, and this is pypy; try: `gilscope compare --python"


def test_another_implementation_is_refused_at_once() -> None:
    pypy = "types.SimpleNamespace(**{**vars(sys.implementation), 'name': 'pypy'})"
    code = f"import sys, types; sys.implementation = {pypy}; import gilscope"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: {NO_CPYTHON} {sys.executable} TASK`")


@pytest.mark.skipif(not shutil.which("pypy3"), reason="no pypy3 here")
def test_pypy_is_refused_at_once(tmp_path: Path) -> None:
    package = importlib.resources.files("gilscope")
    tmp_path.joinpath("gilscope").symlink_to(str(package))
    done = subprocess.run(["pypy3", "-c", "import gilscope"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: {NO_CPYTHON} ")


def test_pytest_alone_loads_nothing_that_measures() -> None:
    code = "import sys, pytest; before = set(sys.modules); import gilscope._pytest_plugin as _;" + (
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"gilscope", "gilscope._native", "gilscope._pytest_plugin"}


def test_names_that_are_imported_later_can_be_completed() -> None:
    assert set(gilscope.__all__) <= set(dir(gilscope))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = gilscope.nothing  # type: ignore[attr-defined]
