"""trace() in a process that has little left, or may do little: it works, or says why it does not.

Only here, processes of the tests' own have no descriptor or no mapping to spare.
"""

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.contract

has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
with_gil = pytest.mark.skipif(not has_gil, reason="this Python has no GIL")


def run_python(code: str) -> list[str]:
    """What it prints, by words."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.split()


@with_gil
def test_without_a_free_descriptor_at_the_stop_the_hooks_are_gone_all_the_same() -> None:
    printed = run_python("""
        import os, resource, gilscope
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        with gilscope.trace():
            pass
        trace = gilscope.trace()
        trace.start()
        taken = []
        try:
            while True: taken.append(os.open("/dev/null", os.O_RDONLY))
        except OSError as error:
            print(error.strerror.replace(" ", "_"))
        trace.stop()
        for file in taken: os.close(file)
        print(trace.summary.probe.overwritten)
        with gilscope.trace() as again:
            os.sched_yield()
        print(again.summary.processes[0].gils[0].holds >= 2)
    """)
    assert printed == ["Too_many_open_files", "False", "True"]


# As many as the system grants a process by default (vm.max_map_count); where it grants more, there is room left.
@with_gil
def test_without_room_for_a_mapping_at_the_stop_the_hooks_are_gone_all_the_same() -> None:
    printed = run_python("""
        import ctypes, mmap, gilscope
        mprotect = ctypes.CDLL(None).mprotect
        mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        with gilscope.trace():
            pass
        trace = gilscope.trace()
        trace.start()
        pages = mmap.mmap(-1, 80_000 * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        held = ctypes.c_char.from_buffer(pages)
        begin = ctypes.addressof(held)
        parts = 0
        while parts < 40_000 and mprotect(begin + 2 * parts * mmap.PAGESIZE, mmap.PAGESIZE, mmap.PROT_READ) == 0:
            parts += 1
        trace.stop()
        del held
        pages.close()
        with gilscope.trace() as again:
            pass
        print(again.summary.probe.overwritten)
    """)
    assert printed == ["False"]


# What is left to it, in MiB, is the argument.
FEW_ADDRESSES = """
import re, resource, sys
import gilscope
used = int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1]) >> 10
resource.setrlimit(resource.RLIMIT_AS, ((used + int(sys.argv[1])) << 20, resource.RLIM_INFINITY))
with gilscope.trace() as trace:
    print("worked")
probe = trace.summary.probe
print(len(trace.summary.processes), probe.unrecorded_processes, probe.cost_share is not None)
sys.exit(7)
"""


def trace_with_few_addresses(mib: int) -> tuple[str, list[str]]:
    """What the program says to standard output, and to standard error."""
    command = [sys.executable, "-c", FEW_ADDRESSES, str(mib)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 7, ran.stderr
    return ran.stdout, ran.stderr.splitlines()


@with_gil
@pytest.mark.parametrize("mib", [60, 300])
def test_with_few_addresses_nothing_is_traced_and_a_line_says_so(mib: int) -> None:
    """The summary says that a process is missing."""
    output, (line,) = trace_with_few_addresses(mib)
    assert output == "worked\n0 1 False\n"
    assert line.startswith("gilscope: warning: this process is not traced: ")
    assert "ulimit -v" in line


@with_gil
def test_with_some_addresses_the_tables_are_smaller_and_all_is_traced() -> None:
    """Those of a process without a limit take more than these."""
    assert trace_with_few_addresses(400) == ("worked\n1 0 True\n", [])
