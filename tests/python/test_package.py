"""The installed package: what it says about itself, and that its stubs tell the truth."""

import ast
import importlib.metadata
import importlib.resources
import inspect
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
    allowed.write_text("gilscope\\._native\\.Tracer.*\n")
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
