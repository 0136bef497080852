"""The counting programs, for every Python there is: flavours.py starts this one in each of them.

Written for Python 2.7 as well as 3, since that is what Jython and IronPython speak: no annotation, no f-string. Says
first which Python it runs in. Then it takes "sequential N" or "threads N" a line, counts, and answers how long that
took and what the sums were; it ends where its input does, so that it never outlives who asked.
"""

import platform
import sys
import threading
import time

# Other lines may be the interpreter's own: Jython tells on its output that it reads new jars.
PREFIX = "gilscope-flavour "
# A range of Python 2 is a list; time.perf_counter is not there at all.
numbers = range if sys.version_info >= (3,) else xrange  # type: ignore[name-defined]  # noqa: F821
clock = getattr(time, "perf_counter", time.time)


def count_up(iterations):
    """Return the sum of range(iterations)."""
    count = 0
    for i in numbers(iterations):
        count += i
    return count


def count_down(iterations):
    """Return the sum of range(iterations) too: the article's name misleads."""
    count = 0
    for i in numbers(iterations):
        count += i
    return count


def run_sequential(iterations):
    """Return the seconds that one count after the other took, and the sums."""
    start = clock()
    sums = [count_up(iterations), count_down(iterations)]
    return clock() - start, sums


def run_threads(iterations):
    """Return the seconds that two threads took, each with one count, and the sums."""
    sums = [None, None]

    def run(place, function):
        sums[place] = function(iterations)

    threads = [threading.Thread(target=run, args=task) for task in enumerate((count_up, count_down))]
    start = clock()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clock() - start, sums


def say(text):
    """Write one line of JSON; importing json would take Jython longer than all the rest."""
    sys.stdout.write("%s{%s}\n" % (PREFIX, text))
    sys.stdout.flush()


def main():
    """Say who this is, then do what the input says."""
    version = platform.python_version()
    if hasattr(sys, "pypy_version_info"):
        version += ", PyPy " + ".".join(str(part) for part in sys.pypy_version_info[:3])
    say(
        '"implementation": "%s", "version": "%s", "free_threaded": %s'
        % (platform.python_implementation(), version, str("free-threading build" in sys.version).lower())
    )
    modes = {"sequential": run_sequential, "threads": run_threads}
    while True:
        words = sys.stdin.readline().split()
        if not words:
            return
        seconds, sums = modes[words[0]](int(words[1]))
        say('"seconds": %.9f, "sums": [%s]' % (seconds, ", ".join(str(value) for value in sums)))


if __name__ == "__main__":
    main()
