"""Count twice, in two sub-interpreters, each run by a thread; from Python 3.12 each has a GIL of its own."""

import platform
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import options
import subinterpreters
from counting import count_down, count_up, print_time_since

# A sub-interpreter has neither the script's folder nor its options.
CODE = """
import sys
sys.path.insert(0, {folder!r})
sys.argv[:] = {argv!r}
import {module}
{module}.{function}()
"""


def run_in_subinterpreter(function: Callable[[], int], failures: list[str]) -> None:
    """Call the function in a new sub-interpreter; append what it raised to failures."""
    code = CODE.format(
        folder=str(Path(__file__).resolve().parent),
        argv=sys.argv,
        module=function.__module__,
        function=function.__name__,
    )
    try:
        subinterpreters.execute(code)
    except subinterpreters.ExecutionError as error:
        failures.append(str(error))


def main() -> int:
    """Run both functions at once, print how long that took (with the start), and return the exit code."""
    options.read(__doc__)
    failures: list[str] = []
    threads = [
        threading.Thread(target=run_in_subinterpreter, args=(function, failures)) for function in (count_up, count_down)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print_time_since(start)
    if not subinterpreters.HAVE_OWN_GIL:
        print(f"The sub-interpreters of Python {platform.python_version()} share one GIL.")
    for failure in failures:
        print(failure, file=sys.stderr)
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
