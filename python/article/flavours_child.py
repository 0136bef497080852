"""The processes behind flavours.py: an interpreter that counts, and the control that tells how busy the machine is."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import flavours_runner
from interrupts import ENDINGS

RUNNER = str(Path(__file__).with_name("flavours_runner.py"))
# More than one answer, with all that an interpreter says beside it, has any reason to be.
MAX_ANSWER_BYTES = 1 << 20
# How long a child may take to end when it is told to: a JVM removes its files meanwhile.
GRACE_S = 1.0
CONTROL_S = 0.25
CONTROL = f"""
import time
start, cpu = time.perf_counter(), time.process_time()
while time.perf_counter() < start + {CONTROL_S}: pass
print((time.process_time() - cpu) / (time.perf_counter() - start))
"""


class FlavourError(Exception):
    """An interpreter that could not be measured; the status of its row, and the reason in one line."""

    def __init__(self, status: str, reason: str) -> None:
        """Keep both."""
        super().__init__(reason)
        self.status = status


def _environment() -> dict[str, str]:
    """Return ours without what is meant for one Python only: a PYTHONHOME of 3.13 ends every other one."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


@contextlib.contextmanager
def _late_signals() -> Iterator[None]:
    """Let the signals that end us wait for the end of the block: Popen forgets a child that it is interrupted with."""
    late: list[int] = []
    numbers = [number for number in ENDINGS if callable(signal.getsignal(number))]
    handlers = {number: signal.signal(number, lambda number, _: late.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for missed in late:
        signal.raise_signal(missed)


class Child:
    """The runner in an interpreter, in a process group of its own, which ends with the `with` statement.

    A group and no session: the kernel may grant its CPU time by session, and the control must get what this one gets.
    """

    def __init__(self, path: str, timeout_s: float) -> None:
        """Start it."""
        self._timeout_s = timeout_s
        self._said = b""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by __exit__)
        try:
            self._process = subprocess.Popen(
                [path, RUNNER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=_environment(),
                process_group=0,
                bufsize=0,
            )
        except OSError as error:
            self._errors.close()
            raise FlavourError("failed", f"cannot be started: {error.strerror}") from None
        # Tells its end without reaping it: until then the number of its group is nobody else's.
        self._ended = os.pidfd_open(self._process.pid)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the whole group: asked where all went well, told where not, and then killed, whatever is left of it."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        try:
            process.stdin.close()
            if kind is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
            select.select([self._ended], [], [], GRACE_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(self._ended)
            process.stdout.close()
            self._errors.close()

    def ask(self, question: str = "") -> dict[str, Any]:
        """Send a line and return the answer to it; the first answer comes without a question."""
        assert self._process.stdin is not None
        if question:
            with contextlib.suppress(BrokenPipeError):  # why will be told when the answer does not come
                self._process.stdin.write(f"{question}\n".encode())
        deadline, answer = time.monotonic() + self._timeout_s, None
        begin = flavours_runner.PREFIX.encode()
        for line in self._lines(deadline):
            if line.startswith(begin):
                with contextlib.suppress(ValueError):
                    answer = json.loads(line[len(begin) :])
                break
        if not isinstance(answer, dict):
            raise FlavourError("failed", "its answer makes no sense: is this a Python?")
        return answer

    def _lines(self, deadline: float) -> Iterator[bytes]:
        size = 0
        assert self._process.stdout is not None
        while size < MAX_ANSWER_BYTES:
            line, end, rest = self._said.partition(b"\n")
            if end:
                self._said = rest
                yield line
                continue
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise FlavourError("timeout", f"no answer within {self._timeout_s:g} s (--timeout)")
            part = self._process.stdout.read(65536)
            if not part:
                raise self._end()
            size += len(part)
            self._said += part

    def _end(self) -> FlavourError:
        """Return what to say of a child that has ended, or at least closed its output, without an answer."""
        if not select.select([self._ended], [], [], GRACE_S)[0]:
            return FlavourError("failed", "closed its output without an answer")
        end = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        assert end is not None
        code = end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
        self._errors.seek(0)
        lines = self._errors.read(MAX_ANSWER_BYTES).decode(errors="replace").split("\n")
        # A traceback ends with the reason; what a shell script says (a shim of pyenv's) begins with it.
        said = [line.strip() for line in lines if line.strip()]
        reason = f": {said[0 if code == 127 else -1]}"[:200] if said else ", and said nothing"
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        # The shells' code for a command that is not there.
        return FlavourError("missing" if code == 127 else "failed", how + reason)


@contextlib.contextmanager
def start(path: str, timeout_s: float) -> Iterator[Child]:
    """Start the runner in that interpreter; whenever a signal comes, the child ends with the block."""
    with contextlib.ExitStack() as stack:
        with _late_signals():
            child = stack.enter_context(Child(path, timeout_s))
        yield child


def control() -> float | None:
    """Return how long two processes that share nothing take for what takes one of them 1, on this machine now.

    None where that failed.
    """

    def cpus(count: int) -> float:
        command = [sys.executable, "-I", "-S", "-c", CONTROL]
        with contextlib.ExitStack() as stack:
            children = []
            for _ in range(count):
                with _late_signals():
                    child = stack.enter_context(
                        subprocess.Popen(
                            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0, text=True
                        )
                    )
                    stack.callback(child.kill)
                children.append(child)
            return sum(float(child.communicate(timeout=60)[0]) for child in children)

    try:
        return min(cpus(1) / cpus(2), 1.0)
    except (OSError, ValueError, ZeroDivisionError, subprocess.TimeoutExpired):
        return None
