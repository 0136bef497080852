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
