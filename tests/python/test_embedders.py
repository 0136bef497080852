"""The package in Pythons that somebody changed, and in programs that have a CPython in them: exact counts.

Only here it meets a stripped Python, what PyInstaller makes, uWSGI, and a C program with interpreters of its own.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="this Python has no GIL")

COUNT = """
import os, threading
import gilscope

source = os.open("/dev/zero", os.O_RDONLY)

def count(times):
    with gilscope.trace() as trace:
        for _ in range(times): os.read(source, 1)
    (process,) = trace.summary.processes
    return sum(row.voluntary for row in process.threads if row.id == threading.get_native_id())
"""
PRINT = "print(count(1000) - count(0))\n"
SERVE = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(count(1000) - count(0)).encode()]
"""


def run(command, **environment: str) -> str:
    """What it printed: that is all that it says."""
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=240
    )
    assert (done.returncode, done.stderr) == (0, ""), (command, done.stdout, done.stderr)
    return done.stdout


def base_python() -> Path:
    """The installation's, not the environment's."""
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()


@pytest.fixture
def home() -> dict[str, str]:
    """Has a copy find the library and the packages."""
    return {"PYTHONHOME": f"{sys.base_prefix}:{sys.base_exec_prefix}", "PYTHONPATH": sysconfig.get_path("platlib")}


@pytest.fixture
def libpython() -> Path:
    """The shared library of this Python."""
    library = Path(sysconfig.get_config_var("LIBDIR") or "/", sysconfig.get_config_var("INSTSONAME") or "-")
    if ".so" not in library.name or not library.exists():
        pytest.skip("this Python has no shared library")
    return library


def strip(file: Path, to: Path) -> Path:
    """A copy without any symbol that is not needed to load it."""
    if shutil.which("strip") is None:
        pytest.skip("no `strip` here: it comes with a compiler")
    command = ["strip", "--strip-all", "-o", str(to), str(file)]
    said = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    if said:  # of what BOLT has made: it does not start any more. Such ones are given away stripped.
        pytest.skip(f"`strip` breaks this Python: {said}")
    assert to.stat().st_mode & 0o100
    return to


def test_a_stripped_python_is_measured(tmp_path, home) -> None:
    python = strip(base_python(), tmp_path / "python")
    maps = run([str(base_python()), "-c", "print(open('/proc/self/maps').read())"])
    shared = {line.split()[-1] for line in maps.splitlines() if "/libpython3" in line}
    for library in shared:
        home["LD_PRELOAD"] = str(strip(Path(library), tmp_path / Path(library).name))
    code = COUNT + PRINT + "print(open('/proc/self/maps').read())"
    counted, maps = run([str(python), "-c", code], **home).split("\n", 1)
    assert counted == "1000"
    assert str(tmp_path) in maps
    assert not any(library in maps for library in shared)


def test_what_pyinstaller_makes_is_measured(tmp_path) -> None:
    pytest.importorskip("PyInstaller", reason="PyInstaller is in the dependency group integrations")
    (tmp_path / "program.py").write_text(COUNT + PRINT)
    # What an import gets by a name that is computed, it has to be told of.
    command = [sys.executable, "-m", "PyInstaller", "--log-level", "ERROR", "--collect-submodules", "gilscope"]
    folders = [f"--{name}path={tmp_path / name}" for name in ("dist", "work", "spec")]
    made = subprocess.run(
        [*command, *folders, str(tmp_path / "program.py")],
        env={**os.environ, "PYINSTALLER_CONFIG_DIR": str(tmp_path / "config")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert run([str(tmp_path / "dist" / "program" / "program")]) == "1000\n"


def test_an_application_in_uwsgi_is_measured(tmp_path) -> None:
    pytest.importorskip("pyuwsgi", reason="pyuwsgi is in the dependency group integrations")
    (tmp_path / "application.py").write_text(COUNT + SERVE)
    options = ["--protocol", "http", "--master", "--workers", "1", "--enable-threads", "--die-on-term", "--need-app"]
    application = ["--virtualenv", sys.prefix, "--wsgi-file", "application.py"]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        command = [str(Path(sys.prefix, "bin", "uwsgi")), *options, *application]
        server = subprocess.Popen(command, cwd=tmp_path, stdin=listening.fileno(), stderr=subprocess.PIPE)
        port = listening.getsockname()[1]
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"1000"
        connection.close()
    finally:
        server.send_signal(signal.SIGTERM)
        said = server.communicate(timeout=60)[1].decode(errors="replace")
    assert server.returncode == 0, said


def test_interpreters_of_a_c_program_are_measured(tmp_path, home, libpython) -> None:
    program, source = tmp_path / "program", Path(__file__).parent / "interpreters.c"
    include = f"-I{sysconfig.get_path('include')}"
    command = ["cc", "-w", include, str(source), "-o", str(program), str(libpython), f"-Wl,-rpath,{libpython.parent}"]
    subprocess.run([*command, "-pthread"], check=True)
    counted = json.loads(run([str(program)], **home))
    few, many = sorted(counted["voluntary"])
    assert many == few + 1000
    has_own = sys.version_info >= (3, 12)
    assert sorted(counted["gils"]) == ([[0], [1], [2]] if has_own else [[0, 1, 2]])
