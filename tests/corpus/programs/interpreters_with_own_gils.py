"""Sub-interpreters that compute, each under a GIL of its own, in a thread each."""

import threading

import _interpreters  # type: ignore[import-not-found]


def compute():
    interpreter = _interpreters.create("isolated")
    _interpreters.run_string(interpreter, "total = 0\nfor number in range(2_500_000):\n    total += number\n")
    _interpreters.destroy(interpreter)


threads = [threading.Thread(target=compute, name=f"interpreter {number}") for number in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
