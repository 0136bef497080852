"""gilscope.count, hold and release: their values, their errors, and who has the GIL meanwhile.

Only here they are called alone; everywhere else they are the truth that others are measured by.
"""

import functools
import operator
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import gilscope

MAX_COUNT = 6_074_001_000
MILLISECOND = 1_000_000

gil_enabled: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
needs_gil = pytest.mark.skipif(not gil_enabled, reason="this Python runs without a GIL")
needs_own_gil = pytest.mark.skipif(sys.version_info < (3, 12), reason="no sub-interpreters with own GIL")

contract = pytest.mark.contract
held_and_released = pytest.mark.parametrize("release_gil", [False, True], ids=["held", "released"])


class Index:
    """An integer that is no int."""

    def __index__(self) -> int:
        return 1000


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


# Values


@contract
@held_and_released
@pytest.mark.parametrize("n", [0, 1, 2, 3, 1000, 2**18 - 1, 2**18, 2**18 + 1, 3 * 2**18])
def test_count_returns_the_sum_of_the_range(n: int, release_gil: bool) -> None:  # noqa: FBT001
    assert gilscope.count(n, release_gil=release_gil) == sum(range(n))


@held_and_released
def test_count_returns_the_sum_of_any_range(release_gil: bool) -> None:  # noqa: FBT001
    # No wheel of hypothesis for every Python: its absence must not cost the other tests.
    hypothesis = pytest.importorskip("hypothesis")

    def check(n: int) -> None:
        assert gilscope.count(n, release_gil) == sum(range(n))

    numbers = hypothesis.strategies.integers(0, 1_000_000)
    slow = [hypothesis.HealthCheck.too_slow]
    settings = hypothesis.settings(deadline=None, max_examples=30, suppress_health_check=slow)
    settings(hypothesis.given(numbers)(check))()


def test_count_takes_whatever_has_an_index() -> None:
    assert gilscope.count(Index()) == gilscope.count(n=1000) == 499_500
    assert gilscope.count(True) == 0


def test_the_largest_count_is_the_last_whose_sum_fits_in_64_bits() -> None:
    assert MAX_COUNT * (MAX_COUNT - 1) // 2 < 2**64 <= MAX_COUNT * (MAX_COUNT + 1) // 2


def test_the_largest_count_is_exact_and_a_worker_does_not_ask_for_the_gil_before_its_end(
    request: pytest.FixtureRequest,
) -> None:
    # No release is forced, however long the starting thread waits for the GIL.
    request.addfinalizer(functools.partial(sys.setswitchinterval, sys.getswitchinterval()))
    sys.setswitchinterval(1000)
    sums, releases = [], []
    with gilscope.trace() as trace:

        def voluntary() -> int:
            threads = [row for process in trace.snapshot().processes for row in process.threads]
            return sum(row.voluntary for row in threads if row.id == threading.get_native_id())

        def work(n: int) -> None:
            before = voluntary()
            sums.append(gilscope.count(n, release_gil=True))
            releases.append(voluntary() - before)

        for n in (1000, MAX_COUNT):
            worker = threading.Thread(target=work, args=(n,))
            worker.start()
            worker.join()
    assert sums == [n * (n - 1) // 2 for n in (1000, MAX_COUNT)]
    assert releases[0] == releases[1]
    assert (releases[0] > 0) == gil_enabled


@contract
def test_hold_and_release_return_nothing_and_are_never_short() -> None:
    functions: tuple[Callable[[int], None], ...] = (gilscope.hold, gilscope.release)
    for function in functions:
        for ns in (0, 1, 1000, MILLISECOND, 3 * MILLISECOND):
            start = time.monotonic_ns()
            result: object = function(ns)
            assert time.monotonic_ns() - start >= ns
            assert result is None


# Errors

functions_of_a_number = pytest.mark.parametrize(
    "function",
    [gilscope.count, lambda n: gilscope.count(n, release_gil=True), gilscope.hold, gilscope.release],
    ids=["count", "count released", "hold", "release"],
)


@functions_of_a_number
@pytest.mark.parametrize("value", [1.0, "1", None, 1j, [1]], ids=repr)
def test_what_is_no_integer_is_a_type_error(function: Callable[[Any], object], value: object) -> None:
    with pytest.raises(TypeError) as expected:
        operator.index(value)  # type: ignore[arg-type]
    with pytest.raises(TypeError) as raised:
        function(value)
    assert str(raised.value) == str(expected.value)


@functions_of_a_number
@pytest.mark.parametrize("value", [-1, -(2**63), -(2**63) - 1, -(10**30)])
def test_a_negative_number_is_a_value_error(function: Callable[[int], object], value: int) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        function(value)


@functions_of_a_number
@pytest.mark.parametrize("value", [2**63, 2**64, 10**30])
def test_a_number_beyond_63_bits_is_an_overflow_error(function: Callable[[int], object], value: int) -> None:
    with pytest.raises(OverflowError, match="must be at most"):
        function(value)


@held_and_released
def test_a_count_whose_sum_would_overflow_is_an_overflow_error(release_gil: bool) -> None:  # noqa: FBT001
    with pytest.raises(OverflowError, match=f"n must be at most {MAX_COUNT}"):
        gilscope.count(MAX_COUNT + 1, release_gil=release_gil)


@functions_of_a_number
def test_an_error_inside_index_comes_through(function: Callable[[Any], object]) -> None:
    class Broken:
        def __index__(self) -> int:
            raise LookupError("no index today")

    with pytest.raises(LookupError, match="no index today"):
        function(Broken())


# An honest loop


@held_and_released
def test_counting_a_hundred_times_as_far_takes_at_least_ten_times_as_long(release_gil: bool) -> None:  # noqa: FBT001
    def cpu_time(n: int) -> int:
        samples = []
        for _ in range(5):
            start = time.thread_time_ns()
            gilscope.count(n, release_gil)
            samples.append(time.thread_time_ns() - start)
        return min(samples)

    assert cpu_time(50_000_000) >= 10 * cpu_time(500_000) > 0


# Who has the GIL


@pytest.fixture
def no_forced_switches() -> Iterator[None]:
    """While this is in use, a thread runs only when another gives the GIL up by itself."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    yield
    sys.setswitchinterval(interval)


class Waiter:
    """A thread that does one thing as soon as it gets the GIL."""

    def __init__(self) -> None:
        self.ran = False
        self._gate = threading.Lock()
        self._gate.acquire()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def open_the_gate(self) -> None:
        """From now on the thread wants the GIL, and nothing else."""
        self._gate.release()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        with self._gate:
            self.ran = True


gil_keepers = pytest.mark.parametrize(
    "keep",
    [lambda: gilscope.hold(30 * MILLISECOND), lambda: gilscope.count(100_000_000)],
    ids=["hold", "count held"],
)
gil_givers = pytest.mark.parametrize(
    "give_up",
    [lambda: gilscope.release(MILLISECOND), lambda: gilscope.count(1_000_000, release_gil=True)],
    ids=["release", "count released"],
)


@contract
@needs_gil
@gil_keepers
@pytest.mark.usefixtures("no_forced_switches")
def test_no_other_thread_runs_while_the_gil_is_kept(keep: Callable[[], object]) -> None:
    waiter = Waiter()
    waiter.open_the_gate()
    keep()
    assert not waiter.ran
    waiter.join()
    assert waiter.ran


@contract
@needs_gil
@gil_givers
@pytest.mark.usefixtures("no_forced_switches")
def test_another_thread_runs_while_the_gil_is_given_up(give_up: Callable[[], object]) -> None:
    waiter = Waiter()
    waiter.open_the_gate()
    # The only chances that the other thread gets; how many it needs is up to the kernel.
    while not waiter.ran:
        give_up()
    waiter.join()


# Ctrl-C


@contract
@pytest.mark.parametrize(
    "call",
    [
        # Endless, and between two counts nothing looks for signals: deque and map call in C.
        "deque(map(gilscope.count, repeat(6_074_001_000)), maxlen=0)",
        "deque(map(gilscope.count, repeat(6_074_001_000), repeat(True)), maxlen=0)",
        "gilscope.hold(10**18)",
        "gilscope.release(10**18)",
    ],
    ids=["count held", "count released", "hold", "release"],
)
def test_ctrl_c_ends_a_long_call(call: str) -> None:
    code = f"""
import gilscope
from collections import deque
from itertools import repeat
print("ready", flush=True)
{call}
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            child.send_signal(signal.SIGINT)
            output, errors = child.communicate(timeout=60)
        finally:
            child.kill()
    assert errors.endswith("KeyboardInterrupt\n")
    assert output == ""
    assert child.returncode == -signal.SIGINT


def test_a_signal_just_before_a_release_ends_it_too() -> None:
    code = """
import gilscope, signal
class AlarmError(Exception): pass
def ring(*_): raise AlarmError
signal.signal(signal.SIGALRM, ring)
for i in range(1000):  # before, at and after the begin of the release
    try:
        signal.setitimer(signal.ITIMER_REAL, (i % 60 + 1) * 5e-7)
        gilscope.release(20_000_000_000)
    except AlarmError:
        continue
    raise AssertionError(i)
"""
    done = run_python(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_signal_whose_handler_returns_does_not_shorten_a_call() -> None:
    code = """
import gilscope, signal, time
handled = []
signal.signal(signal.SIGALRM, lambda *_: handled.append(1))
for function in (gilscope.hold, gilscope.release):
    handled.clear()
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    start = time.monotonic_ns()
    function(5_000_000)
    took = time.monotonic_ns() - start
    assert handled
    assert took >= 5_000_000, took
for release_gil in (False, True):
    assert gilscope.count(100_000_000, release_gil) == 4_999_999_950_000_000
signal.setitimer(signal.ITIMER_REAL, 0)
"""
    done = run_python(code)
    assert (done.returncode, done.stderr) == (0, "")


# Other interpreters, other builds, and the end

IN_A_SUBINTERPRETER = """
import sys
code = '''
import gilscope
assert gilscope.count(1000) == gilscope.count(1000, release_gil=True) == 499_500
gilscope.hold(1000)
gilscope.release(1000)
'''
if sys.version_info >= (3, 14):
    from concurrent import interpreters
    for _ in range(2):
        interpreter = interpreters.create()
        interpreter.exec(code)
        interpreter.close()
else:
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    interpreters = __import__(name)
    for _ in range(2):
        interpreter = interpreters.create()
        failure = interpreters.run_string(interpreter, code)
        assert failure is None, failure
        interpreters.destroy(interpreter)
"""


@contract
@needs_own_gil
@pytest.mark.parametrize("first", ["", "import gilscope\n"], ids=["only there", "after the main one"])
def test_subinterpreters_with_a_gil_of_their_own_can_import_it(first: str) -> None:
    done = run_python(first + IN_A_SUBINTERPRETER)
    assert (done.returncode, done.stderr) == (0, "")


@contract
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="its sub-interpreters can have their own GIL")
@pytest.mark.parametrize("first", ["", "import gilscope\n"], ids=["only there", "after the main one"])
def test_subinterpreters_of_311_refuse_it_and_do_not_hang(first: str) -> None:
    done = run_python(first + IN_A_SUBINTERPRETER)
    assert done.returncode == 1
    assert "gilscope does not import in a sub-interpreter of Python 3.11" in done.stderr


@contract
@pytest.mark.skipif(gil_enabled, reason="this Python has a GIL")
def test_importing_it_does_not_turn_the_gil_on() -> None:
    done = run_python("import sys, gilscope; gilscope.count(10); print(sys._is_gil_enabled())")
    assert (done.stdout, done.stderr) == ("False\n", "")


@contract
@pytest.mark.parametrize("call", ["release(1_000_000)", "count(1_000_000, True)"])
def test_python_ends_cleanly_while_a_daemon_thread_is_in_a_call(call: str) -> None:
    # Up to 3.13 a thread that then asks for the GIL is unwound: from within a destructor, that is an abort.
    code = f"""
import gilscope, threading
def call_for_ever():
    while True:
        gilscope.{call}
class Last:
    def __del__(self, release=gilscope.release):
        release(50_000_000)
last = Last()  # Python's end stays here until the thread has asked
threading.Thread(target=call_for_ever, daemon=True).start()
"""
    done = run_python(code)
    assert (done.returncode, done.stderr) == (0, "")
