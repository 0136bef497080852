"""What an installed gilscope must do in an environment that has nothing else: `make wheel` and cibuildwheel run this.

Needs the wheel alone. Prints one line, or ends with the assertion that failed.
"""

import importlib.metadata
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


def require_true_figures() -> None:
    assert gilscope.count(1000) == gilscope.count(1000, release_gil=True) == 499_500
    with gilscope.trace() as trace:
        worker = threading.Thread(target=gilscope.count, args=(1000,), name="worker")
        worker.start()
        worker.join()
        gilscope.release(0)
        gilscope.hold(HOLD_NS)
    assert str(trace.summary).startswith("gilscope: ")
    (process,) = trace.summary.processes
    threads = {thread.name: thread for thread in process.threads}
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        assert set(threads) == {"MainThread", "worker"}
        hold = threads["MainThread"].hold
        assert hold is not None
        assert hold.max_ns >= HOLD_NS
    else:
        assert not any(thread.holds for thread in process.threads)


require_the_installed_package()
require_true_figures()
print(f"gilscope {gilscope.__version__} works in Python {sys.version.split()[0]} of {sys.prefix}")
