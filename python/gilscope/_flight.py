"""gilscope.FlightRecorder: what the GIL did last, and a dump of it when something takes long."""

from __future__ import annotations

import atexit
import dataclasses
import os
import sys
import threading
import traceback
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from gilscope import _names, _native
from gilscope._trace import _describe_python, _encodable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self


@dataclasses.dataclass(frozen=True)
class Dump:
    """A capture that a flight recorder wrote: `gilscope report FOLDER` tells what is in it."""

    folder: Path | None  #: None: it could not be written
    error: str | None  #: why
    reason: str  #: what took long: "hold", "wait", "lock" or "loop"
    pid: int  #: whose it was
    thread: int  #: likewise: the system's id (threading.get_native_id())
    ns: int  #: how long it took; 0 where there is no dump


class FlightRecorder:
    """Keep what this process did last, and write a dump of it when something takes long.

        recorder = gilscope.FlightRecorder("30s", when=["hold>50ms"], folder="dumps")
        recorder.start()

    `keep` is a time ("30s", "5m"; in at most 16 MiB of memory) or how much
    memory may be taken ("64M"), of each process: children by os.fork() are
    recorded as well. `when` says what a dump is written for: "hold>50ms", a
    hold of a GIL for which another thread waits; "wait>100ms", a wait for a
    GIL; "lock>1s", for a lock that another thread has; "loop>100ms", a step of
    an event loop (50 ms at least). Dumps come a second later, in folders of
    their own within `folder`, at most `dumps_per_hour` of them; `on_dump` is
    called with each (a Dump), by the recorder's own thread, outside of
    whatever took long. What it raises is printed, and it is called again.

    That thread is a daemon. It looks ten times a second, and takes the GIL
    once a second. It costs what gilscope.trace() costs; `gilscope run --keep`
    does the same without a thread in the program.
    """

    def __init__(
        self,
        keep: str = "30s",
        *,
        when: Iterable[str] = (),
        folder: str | os.PathLike[str] = "gilscope-dumps",
        dumps_per_hour: int = 12,
        on_dump: Callable[[Dump], object] | None = None,
    ) -> None:
        """Nothing is recorded before start(). Raises Error where `keep` or `when` say nothing, or there is no space."""
        if dumps_per_hour < 1:
            raise ValueError(f"dumps_per_hour is 1 or more, not {dumps_per_hour}")
        command = [_encodable(argument) for argument in sys.orig_argv]
        self._flight = _native.Flight(
            keep,
            [when] if isinstance(when, str) else list(when),
            os.fspath(folder),
            dumps_per_hour,
            _describe_python(),
            command,
        )
        self._on_dump = on_dump
        self._unwatch: Callable[[], None] | None = None
        self._thread: threading.Thread | None = None
        self._dumps: list[Dump] = []
        self._process = 0  # that records

    def start(self) -> None:
        """Begin to record.

        Raises Error where it was started before, or where events are kept in this process already.
        """
        if self._process:
            raise _native.Error("this flight recorder was started before; try: another gilscope.FlightRecorder()")
        if (lack := self._flight.lack()) is not None and sys.stderr is not None:
            print(f"gilscope: warning: nothing is kept of this process: {lack}", file=sys.stderr)
        flight = self._flight
        is_recording = flight.start()
        self._process = os.getpid()
        if not is_recording:
            return
        thread = threading.Thread(target=self._watch, name="gilscope flight recorder", daemon=True)
        try:
            self._thread = thread
            thread.start()
        except RuntimeError:  # a sub-interpreter that may have none
            self._thread = None
            flight.stop()
            raise
        _, self._unwatch = _names.watch(threading, flight.name_thread, flight.name_process, flight.end_thread)
        atexit.register(_stop, weakref.ref(self))

    def dump(self, folder: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write what is kept now to a capture, and return its folder.

        Raises Error where it exists (unless `force` has it replaced), where it cannot be made, or nothing is recorded.
        """
        if self._thread is None:
            raise _native.Error("the flight recorder does not run; try: its start()")
        self._flight.dump(os.fspath(folder), force)
        return Path(folder)

    @property
    def dumps(self) -> list[Dump]:
        """Those that were written so far, by what took long."""
        return list(self._dumps)

    @property
    def passed_over(self) -> int:
        """How often there would have been one more dump than the hour may have."""
        return self._flight.passed_over()

    def stop(self) -> None:
        """End the recording: the dumps that were due are written, and what was kept is gone. Again: nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._flight.end_watch()
        if self._process == os.getpid() and thread is not threading.current_thread():
            thread.join()
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
        self._tell(self._flight.stop())

    def __enter__(self) -> Self:
        """Begin to record: see start()."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the recording."""
        self.stop()

    def _watch(self) -> None:
        while self._thread is not None:
            self._tell(self._flight.watch(1.0))

    def _tell(self, rows: list[tuple[str, str, str, int, int, int]]) -> None:
        for folder, error, reason, pid, thread, ns in rows:
            dump = Dump(Path(folder) if folder else None, error or None, reason, pid, thread, ns)
            self._dumps.append(dump)
            if self._on_dump is None:
                continue
            try:
                self._on_dump(dump)
            except BaseException:
                traceback.print_exc()


def _stop(recorder: weakref.ref[FlightRecorder]) -> None:
    if (running := recorder()) is not None:
        running.stop()
