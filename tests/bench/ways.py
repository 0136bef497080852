"""The programs of the perturbation suite (perturbed/), and the ways in which it runs each of them."""

import importlib.util
import sys
from pathlib import Path

from host import HOST, has_gil
from perturbation import STORMS

FOLDER = Path(__file__).parent / "perturbed"

# The words after the file are its own, after the time in seconds.
PROGRAMS = {
    "sha256-4k-2": ["hashing.py", "2", "4096"],
    "sha256-4k-4": ["hashing.py", "4", "4096"],
    "sha256-64k-2": ["hashing.py", "2", "65536"],
    "sha256-64k-4": ["hashing.py", "4", "65536"],
    "read": ["reading.py"],
    "bytecode": ["bytecode.py"],
    "ping": ["ping.py"],
    "queue": ["handover.py"],
    "sqlite": ["sqlite_rows.py"],
    "numpy": ["additions.py"],
    "to_thread": ["to_thread.py"],
    "pool": ["pool.py"],
    "zlib": ["compressing.py"],
    **{storm: ["storms.py", storm.removesuffix("-storm")] for storm in STORMS},
}

# What the others are compared with: the same Python without tracing. The host's may be another build of it than the
# stock one, with a static libpython, and half as fast again.
BARE = "bare"
STOCK = "stock"
AGAIN = "again"
HOOKS = "hooks"
# Whose reports say what tracing cost.
OURS = ("counters", "events", "no-stacks")

RUN_SCRIPT = "sys.argv = sys.argv[1:]; sys.path[0] = os.path.dirname(sys.argv[0])\n"
TRACE = (
    "import gilscope, os, runpy, sys; "
    + RUN_SCRIPT
    + "with gilscope.trace(): runpy.run_path(sys.argv[0], {}, '__main__')"
)
KNOCK = (
    "import gilknocker, os, runpy, sys; " + RUN_SCRIPT + "knocker = gilknocker.KnockKnock(1000); knocker.start()\n"
    "runpy.run_path(sys.argv[0], {}, '__main__'); knocker.stop()"
)


def base_of(way: str) -> str:
    return BARE if way in (BARE, AGAIN, HOOKS, *OURS) else STOCK


def hooks_host() -> Path:
    """tests/bench/hooks_host.cpp, of the same build as the host."""
    return Path(HOST).resolve().parents[1] / "tests" / "bench" / "hooks_host"


def summary_file(folder: Path) -> Path:
    """Where the ways of OURS leave their reports."""
    return folder / "summary.json"


def make_ways(folder: Path) -> dict[str, list[str]]:
    """What comes before a program and its words, in each way; `folder` takes what is written.

    All run in the environment of the Python that runs this.
    """
    python = sys.executable
    traced = [HOST, "run", "-q", "--force", "--json", str(summary_file(folder))]
    spy = [str(Path(python).parent / "py-spy"), "record", "-o", str(folder / "spy.svg")]
    return {
        BARE: [HOST, "run", "-q", "--no-probe"],
        STOCK: [python],
        AGAIN: [HOST, "run", "-q", "--no-probe"],
        HOOKS: [str(hooks_host())],
        "counters": traced,
        "no-stacks": [*traced, "--no-stacks"],
        "events": [*traced, "-o", str(folder / "capture"), "--max-size", "1T"],
        "trace": [python, "-c", TRACE],
        "py-spy-100": [*spy, "-r", "100", "--", python],
        "py-spy-1k": [*spy, "-r", "1000", "--", python],
        "viztracer": [python, "-m", "viztracer", "--quiet", "--ignore_multiprocess", "-o", str(folder / "viz.json")],
        "gilknocker": [python, "-c", KNOCK],
    }


def find_missing() -> dict[str, str]:
    """The programs and ways that cannot be run here, each with the reason."""
    missing = {}
    if importlib.util.find_spec("numpy") is None:
        missing["numpy"] = "numpy is not installed"
    if not has_gil():
        missing |= dict.fromkeys((HOOKS, "gilknocker"), "this Python has no GIL")
    elif not hooks_host().exists():
        missing[HOOKS] = f"no {hooks_host()}: cmake -DGILSCOPE_BENCHMARKS=ON"
    if not (Path(sys.executable).parent / "py-spy").exists():
        missing |= dict.fromkeys(("py-spy-100", "py-spy-1k"), "py-spy is not installed")
    for peer in ("viztracer", "gilknocker"):
        if importlib.util.find_spec(peer) is None:
            missing[peer] = f"{peer} is not installed"
    return missing
