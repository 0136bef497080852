"""Runs CPython's own tests of threads, processes and the GIL under the host and under the same Python without it.

Usage: cpython_tests.py [MODULE…]. Prints each test whose result differs, and exits with 1 if there is one. The tests
are those of the Python that GILSCOPE_HOST embeds; what is not installed with it is left out.
"""

import os
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HOST = os.environ["GILSCOPE_HOST"]
MODULES = [
    "test_thread",
    "test_threading",
    "test_threading_local",
    "test_concurrent_futures",
    "test_asyncio",
    "test_multiprocessing_main_handling",
    "test_queue",
    "test_subprocess",
    "test_fork1",
    "test_interpreters",
    "test__interpreters",  # from 3.13 on; its name before is
    "test__xxsubinterpreters",
    "test_capi",
]
# What deadlocks in the stock python, always or now and then, with and without us.
DEADLOCKS = {
    "3.11": {module: ["*in_thread*", "*other_thread*"] for module in ("test_interpreters", "test__xxsubinterpreters")},
    "3.13": {"test_threading": ["test_print_exception_gh_102056"]},
}
TIMEOUT_S = 1800
OUT_OF_TIME = "ran out of time"


def stock_python() -> str:
    """The `python` of the build that the host embeds."""
    command = [HOST, "run", "-q", "-c", "import sys; print(sys.executable)"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def version_of(python: str) -> str:
    """As DEADLOCKS has it."""
    code = "import sys; print(*sys.version_info[:2], sep='.', end='')"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout


def run_module(command: list[str], module: str, folder: Path, left_out: list[str]) -> dict[str, str]:
    """The outcome of each test of the module (passed, failed, error, skipped), by its name; and its exit code."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    arguments = [
        "-m",
        "test",
        "--junit-xml",
        str(report),
        "-u",
        "all,-gui,-network,-urlfetch,-audio,-largefile",
        *(argument for pattern in left_out for argument in ("-i", pattern)),
        module,
    ]
    with subprocess.Popen(
        [*command, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            outcomes = {"(exit code)": str(process.wait(TIMEOUT_S))}
        except subprocess.TimeoutExpired:
            # With its children: test_concurrent_futures of 3.13.0 now and then waits for its own for ever.
            os.killpg(process.pid, signal.SIGKILL)
            return {"(exit code)": OUT_OF_TIME}
    if not report.exists():
        return outcomes
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314  (regrtest wrote it)
        tags = {child.tag for child in case}
        outcome = next((tag for tag in ("failure", "error", "skipped") if tag in tags), case.get("status", "run"))
        outcomes[case.get("name", "")] = outcome
    return outcomes


def main() -> None:
    """Compares module by module; a difference is looked at twice, as some of these tests fail now and then."""
    python = stock_python()
    deadlocks = DEADLOCKS.get(version_of(python), {})
    differences = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for module in sys.argv[1:] or MODULES:
            if subprocess.run([python, "-c", f"import test.{module}"], capture_output=True).returncode != 0:
                print(f"{module:40} not installed", flush=True)
                continue
            left_out = deadlocks.get(module, [])
            differing: dict[str, tuple[str, str]] = {}
            for attempt in range(2):
                expected = run_module([python], module, folder, left_out)
                found = run_module([HOST, "run", "-q"], module, folder, left_out)
                seen = {
                    test: (expected.get(test, "not run"), found.get(test, "not run"))
                    for test in sorted({*expected, *found})
                    if expected.get(test) != found.get(test)
                }
                differing = seen if attempt == 0 else {test: seen[test] for test in differing if test in seen}
                if not differing:
                    break
            if OUT_OF_TIME in expected.values() and OUT_OF_TIME in found.values():
                # Alike, but not one test was compared: that is no success.
                print(f"{module:40} hangs under both; choose others, or another version", flush=True)
                differences += 1
                continue
            print(f"{module:40} {len(found) - 1} tests, {len(differing)} differ", flush=True)
            for test, (before, after) in differing.items():
                print(f"    {test}: {before} under python, {after} under the host")
            differences += len(differing)
    sys.exit(1 if differences else 0)


main()
