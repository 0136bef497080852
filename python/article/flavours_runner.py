"""The counting programs, for every Python there is: flavours.py starts this one in each of them.

Written for Python 2.7 as well as 3, since that is what Jython and IronPython speak: no annotation, no f-string. Says
first which Python it runs in. Then it takes "sequential N" or "threads N" a line, counts, and answers how long that
took, what of it was CPU time, and the sums; it ends where its input does, so that it never outlives who asked.
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


def cpu_time():
    """Return the seconds for which a CPU has run this thread; fails where nothing here tells that."""
    if hasattr(time, "thread_time"):
        return time.thread_time()
    # To the kernel's last tick, some milliseconds ago at most.
    with open("/proc/thread-self/schedstat") as file:  # noqa: PTH123  (Jython has no thread_time, and no pathlib)
        return int(file.read().split()[0]) * 1e-9


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
    """Return the seconds that one count after the other took, those of CPU time, and the sums."""
    start, cpu = clock(), cpu_time()
    sums = [count_up(iterations), count_down(iterations)]
    cpu = cpu_time() - cpu
    return clock() - start, cpu, sums


def run_threads(iterations):
    """Return the seconds that two threads took, each with one count, the CPU time of both, and the sums."""
    sums, cpus = [None, None], [0.0, 0.0]

    def run(place, function):
        cpu = cpu_time()
        sums[place] = function(iterations)
        cpus[place] = cpu_time() - cpu

    threads = [threading.Thread(target=run, args=task) for task in enumerate((count_up, count_down))]
    start = clock()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clock() - start, sum(cpus), sums


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
        seconds, cpu, sums = modes[words[0]](int(words[1]))
        say('"seconds": %.9f, "cpu": %.9f, "sums": [%s]' % (seconds, cpu, ", ".join(str(value) for value in sums)))


if __name__ == "__main__":
    main()
