"""What an installed gilscope must do in an environment that has nothing else: `make wheel` and cibuildwheel run this.

Needs the wheel alone. Prints one line, or ends with the assertion that failed.
"""

import importlib.metadata
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import gilscope

HOLD_NS = 5_000_000


def require_the_installed_package() -> None:
    """From the wheel, which ships no libraries of others: what auditwheel adds would lie in gilscope.libs."""
    packages = Path(sysconfig.get_path("platlib"))
    found = Path(gilscope.__file__)
    assert found.is_relative_to(packages), f"{found} is not below {packages}"
    assert not (packages / "gilscope.libs").exists()
    assert gilscope.__version__ == importlib.metadata.version("gilscope")
    licences = {path.name for path in importlib.metadata.files("gilscope") or [] if path.parent.name == "licenses"}
    assert licences == {"LICENSE", "libspdlog-dev", "libfmt-dev", "nlohmann-json3-dev", "libcli11-dev", "pybind11-dev"}


def require_true_figures() -> None:
    assert gilscope.count(1000) == gilscope.count(1000, release_gil=True) == 499_500
    with gilscope.trace() as trace:
        worker = threading.Thread(target=gilscope.count, args=(1000,), name="worker")
        worker.start()
        worker.join()
        gilscope.release(0)
        gilscope.hold(HOLD_NS)
    assert str(trace.summary).startswith("gilscope: ")
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        assert trace.summary.verdict.kind == "no_gil"
        return
    (process,) = trace.summary.processes
    threads = {thread.name: thread for thread in process.threads}
    assert set(threads) == {"MainThread", "worker"}
    hold = threads["MainThread"].hold
    assert hold is not None
    assert hold.max_ns >= HOLD_NS


def require_the_command_line() -> None:
    """All of it: runs, comparisons in every mode, and the article's programs."""

    def gilscope_says(*arguments: str) -> str:
        command = [str(Path(sysconfig.get_path("scripts"), "gilscope")), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert gilscope_says("--version").startswith(f"gilscope {gilscope.__version__}, in CPython ")
    assert gilscope_says("run", "-c", "print('it ran')").startswith("it ran\n\ngilscope: ")
    assert "usage: " in gilscope_says("run", "-m", "http.server", "--help")
    assert " failed" not in gilscope_says("compare", "--rounds", "1", "platform:python_version")
    assert "verdict   " in gilscope_says("article", "--scale", "0", "interleave_asyncio")


require_the_installed_package()
require_true_figures()
require_the_command_line()
print(f"gilscope {gilscope.__version__} works in Python {sys.version.split()[0]} of {sys.prefix}")
