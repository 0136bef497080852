"""A VizTracer recording and the time line of the same run, combined: function calls and the GIL, on one clock."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

if importlib.util.find_spec("viztracer") is None:
    pytest.skip("no viztracer here", allow_module_level=True)

SLEEP_US = 30_000
# Two functions that sleep as long: one keeps the GIL, one gives it up.
PROGRAM = f"""
import ctypes, threading
keeping, giving = ctypes.PyDLL(None), ctypes.CDLL(None)
def keep(): keeping.usleep({SLEEP_US})
def give(): giving.usleep({SLEEP_US})
def work():
    keep()
    give()
thread = threading.Thread(target=work, name="worker")
thread.start()
thread.join()
"""
GIL_ROWS = 10_000_000


pytestmark = [pytest.mark.any_host, pytest.mark.usefixtures("only_with_a_gil")]


def overlap_us(one, other):
    return max(0, min(one["ts"] + one["dur"], other["ts"] + other["dur"]) - max(one["ts"], other["ts"]))


def test_functions_and_the_gil_are_on_one_clock_in_rows_of_their_own(run, host, environment, script, tmp_path):
    file = script(PROGRAM)
    calls, gil, both = (str(tmp_path / name) for name in ("calls.json", "gil.json", "both.json"))
    viztracer = ["-m", "viztracer", "--quiet"]
    recorded = run([host, "run", "-q", "--trace", gil, *viztracer, "-o", calls, file], env=environment)
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    combined = run([sys.executable, *viztracer, "--combine", calls, gil, "-o", both])
    assert combined.returncode == 0, combined.stdout + combined.stderr
    events = json.loads(Path(both).read_text(encoding="utf-8"))["traceEvents"]
    slices = [row for row in events if row["ph"] == "X"]
    functions = {row["name"].split(" ")[0]: row for row in slices if row["cat"] not in ("gil", "lock")}
    holds = [row for row in slices if row["cat"] == "gil" and row["name"] == "hold"]
    held = {}
    for name in ("keep", "give"):
        place = (functions[name]["pid"], GIL_ROWS + functions[name]["tid"])
        held[name] = sum(overlap_us(functions[name], row) for row in holds if (row["pid"], row["tid"]) == place)
    # However long the machine lets them wait besides: the one holds it while it sleeps, the other does not. On clocks
    # that are some milliseconds apart these sleeps lie outside of their functions.
    assert held["keep"] >= SLEEP_US * 0.999
    assert functions["give"]["dur"] - held["give"] >= SLEEP_US * 0.999
    # A viewer drops slices of one row that overlap without the one lying in the other: no row is of both.
    assert not {row["tid"] for row in holds} & {row["tid"] for row in functions.values()}
