"""`gilscope run` takes on the virtual environment that is active, as that environment's own `python` would.

Only here a real environment is made and used; which one fits, and what is said of others, has unit tests.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.hosts import only_binary

if TYPE_CHECKING:
    from tests.integration.conftest import Pair, Runner

# The package is of the environment that it is installed in.
pytestmark = only_binary

STATE = """
import json, os, sys, sysconfig
print(json.dumps({"executable": sys.executable, "base": sys._base_executable, "path": sys.path,
    "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix], "argv": sys.orig_argv,
    "paths": sysconfig.get_paths(), "marks": [sys.modules[n].mark for n in ("placed", "pth_made") if n in sys.modules],
    "environment": sorted(os.environ.items())}))
"""


def make_environment(run: Runner, stock: str, folder: Path) -> Path:
    """A virtual environment that holds a module, and a .pth file that imports another."""
    assert run([stock, "-m", "venv", "--without-pip", str(folder)]).returncode == 0
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "placed.py").write_text("mark = 'a module'\n")
    (packages / "pth_made.py").write_text("mark = 'of a .pth'\n")
    (packages / "more").mkdir()
    (packages / "own.pth").write_text("import pth_made\nmore\n")
    return folder


@pytest.fixture(params=["venv", "an odd 'name' of é letters"])
def environment(request: pytest.FixtureRequest, run: Runner, stock: str, tmp_path: Path) -> Path:
    """Where it is."""
    name: str = request.param
    return make_environment(run, stock, tmp_path / name)


@pytest.mark.parametrize("flags", [[], ["-I"], ["-E"], ["-S"], ["-s"]], ids=" ".join)
def test_a_virtual_environment_is_what_its_own_python_sees(same: Pair, environment: Path, flags: list[str]) -> None:
    code = "import sys\nif not sys.flags.no_site: import placed\n" + STATE
    result = same(*flags, "-c", code, env={"VIRTUAL_ENV": str(environment)}, python=str(environment / "bin" / "python"))
    state = json.loads(result.stdout)
    assert state["executable"] == str(environment / "bin" / "python")
    assert state["marks"] == ([] if flags == ["-S"] else ["a module", "of a .pth"])


def test_its_scripts_modules_and_subprocesses_are_in_it_too(same: Pair, environment: Path, tmp_path: Path) -> None:
    python = str(environment / "bin" / "python")
    (tmp_path / "script.py").write_text(
        "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import placed, sys; print(sys.prefix)'],"
        " capture_output=True, text=True))"
    )
    same("script.py", env={"VIRTUAL_ENV": str(environment)}, python=python)
    same("-m", "placed", env={"VIRTUAL_ENV": str(environment)}, python=python)


def test_pythonhome_means_the_same_in_it(same: Pair, environment: Path, stock: str, run: Runner) -> None:
    home = run([stock, "-c", "import sys; print(sys.base_prefix)"]).stdout.strip()
    env = {"VIRTUAL_ENV": str(environment), "PYTHONHOME": home}
    same("-c", STATE, env=env, python=str(environment / "bin" / "python"))


def test_a_relative_path_survives_a_change_of_folder(host: str, stock: str, run: Runner, tmp_path: Path) -> None:
    make_environment(run, stock, tmp_path / "venv")
    code = (
        "import os, subprocess, sys; os.chdir('/')\n"
        "print(sys.prefix, subprocess.run([sys.executable, '-c', 'pass']).returncode)"
    )
    for path in ("venv", "./venv/"):
        result = run([host, "run", "--no-probe", "-c", code], cwd=tmp_path, env={"VIRTUAL_ENV": path})
        assert result.stderr == ""
        prefix, code_of_child = result.stdout.rsplit(maxsplit=1)
        assert Path(prefix).samefile(tmp_path / "venv")
        assert code_of_child == "0"


def test_an_environment_made_by_others_is_known_by_their_word_for_the_version(
    host: str, stock: str, run: Runner, tmp_path: Path
) -> None:
    folder = make_environment(run, stock, tmp_path / "venv")
    config = folder / "pyvenv.cfg"
    config.write_text(re.sub(r"(?m)^version\s*=\s*(\S+)$", r"version_info = \1.final.0", config.read_text()))
    result = run(
        [host, "run", "--no-probe", "-c", "import placed, sys; print(sys.prefix)"], env={"VIRTUAL_ENV": str(folder)}
    )
    assert (result.stdout, result.stderr) == (f"{folder}\n", "")


def test_an_environment_that_does_not_fit_is_named_and_not_used(
    host: str, stock: str, run: Runner, tmp_path: Path
) -> None:
    folder = make_environment(run, stock, tmp_path / "venv")
    config = folder / "pyvenv.cfg"
    config.write_text(re.sub(r"(?m)^version\s*=.*$", "version = 3.8.10", config.read_text()))
    code = "import sys; print(sys.executable, sys.prefix == sys.base_prefix)"
    result = run([host, "run", "--no-probe", "-c", code], env={"VIRTUAL_ENV": str(folder)})
    (warning,) = result.stderr.splitlines()
    assert warning.startswith(f"gilscope: warning: the virtual environment {folder} is of Python 3.8")
    assert warning.endswith("not used")
    assert (result.returncode, result.stdout) == (0, f"{stock} True\n")
    quiet = run([host, "run", "-q", "-c", code], env={"VIRTUAL_ENV": str(folder)})
    assert (quiet.stdout, quiet.stderr) == (result.stdout, "")
