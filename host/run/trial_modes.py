"""Runs one trial in a mode that Python itself offers: sequential, threads, processes, asyncio.

Frozen into the host as `_gilscope_trial_modes`. Sub-interpreters are the C API's: host/run/subinterpreters.cpp.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from _gilscope_trial_tasks import (
    Failure,
    TrialSpec,
    Worker,
    WorkerReport,
    WorkWaits,
    begin_recording,
    describe_failure,
    end_recording,
    peak_rss_bytes,
    run_jobs,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    Native = Callable[[int, int, bytes], list[bytes]]


def run_sequential(spec: TrialSpec) -> list[WorkerReport]:
    """All jobs, one after the other, in the main thread."""
    worker = Worker(spec)
    begin_recording(spec)
    run_jobs(worker, range(len(spec["jobs"])))
    waits = end_recording(spec)
    return [{**worker.report(), "waits": waits}]


def run_threads(spec: TrialSpec) -> list[WorkerReport]:
    """Jobs in `threading` threads of this interpreter."""
    import threading

    loader = Worker(spec)
    if loader.failure is not None:
        return [loader.report()]
    barrier = threading.Barrier(spec["workers"], action=lambda: begin_recording(spec))
    jobs = iter(range(len(spec["jobs"])))  # a range iterator's next() is one step under the GIL…
    lock = threading.Lock()  # …but not on a free-threaded build

    def shared_jobs() -> Iterator[int]:
        while True:
            with lock:
                job = next(jobs, None)
            if job is None:
                return
            yield job

    def work(worker: Worker) -> None:
        worker.ready_ns = time.monotonic_ns()
        barrier.wait()
        run_jobs(worker, shared_jobs())

    workers = [Worker(spec, loader.callables) for _ in range(spec["workers"])]
    threads = [
        threading.Thread(target=work, args=(worker,), name=f"worker-{number}")
        for number, worker in enumerate(workers, 1)
    ]
    started = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
    except (RuntimeError, MemoryError) as error:  # the system has no more threads to give
        barrier.abort()
        for thread in started:
            thread.join()
        return [failed_worker(f"only {len(started)} of {len(threads)} threads could be started: {error}")]
    for thread in threads:
        thread.join()
    waits = end_recording(spec)
    reports = [worker.report() for worker in workers]
    return [{**reports[0], "waits": waits}, *reports[1:]]


def run_asyncio(spec: TrialSpec) -> list[WorkerReport]:
    """Jobs as asyncio tasks of one event loop, `workers` of them at a time."""
    import asyncio

    worker = Worker(spec)
    waits: WorkWaits | None = None

    async def work(jobs: Iterator[int]) -> None:
        for job in jobs:
            await worker.run_job_in_loop(job)

    async def gather() -> None:
        nonlocal waits
        jobs = iter(range(len(spec["jobs"])))
        begin_recording(spec)
        await asyncio.gather(*(work(jobs) for _ in range(spec["workers"])))
        waits = end_recording(spec)

    asyncio.run(gather())
    return [{**worker.report(), "waits": waits}]


def process_worker(
    spec: TrialSpec, started: Any, finished: Any, next_job: Any, sender: Connection, forked: Worker | None
) -> None:
    """The body of a worker process."""
    end_with_parent()
    worker = forked or Worker(spec)

    def shared_jobs() -> Iterator[int]:
        while True:
            with next_job.get_lock():
                job: int = next_job.value
                next_job.value += 1
            if job >= len(spec["jobs"]):
                return
            yield job

    worker.ready_ns = time.monotonic_ns()
    started.wait()
    begin_recording(spec)
    run_jobs(worker, shared_jobs())
    waits = end_recording(spec)
    finished.wait()
    sender.send({**worker.report(), "waits": waits})


def end_with_parent() -> None:
    """Has the kernel end this worker when its parent is gone, killed perhaps: nobody would come to its barriers."""
    import fcntl
    import multiprocessing
    import select

    parent = multiprocessing.parent_process()
    assert parent is not None
    descriptor: int = parent.sentinel  # the read end of a pipe whose write end the parent holds
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)  # SIGIO: terminate
    if select.select([descriptor], [], [], 0)[0]:
        os._exit(1)


def run_processes(spec: TrialSpec) -> list[WorkerReport]:
    """Jobs in `multiprocessing` processes. A worker that dies ends the trial, and the others with it."""
    import multiprocessing

    context = multiprocessing.get_context(spec["start_method"] or None)
    # A forked worker has what its parent had loaded; a spawned one loads for itself, as in life.
    forked = Worker(spec) if context.get_start_method() == "fork" else None
    count = spec["workers"]
    started, finished = context.Barrier(count), context.Barrier(count)
    next_job = context.Value("q", 0)
    workers: list[tuple[Any, Connection]] = []
    try:
        for number in range(1, count + 1):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(
                target=process_worker,
                args=(spec, started, finished, next_job, sender, forked),
                name=f"worker-{number}",
            )
            process.start()
            sender.close()
            workers.append((process, receiver))
    except OSError as error:
        stop([process for process, _ in workers])
        return [failed_worker(f"only {len(workers)} of {count} processes could be started: {error}")]
    return collect(workers)


def collect(workers: list[tuple[Any, Connection]]) -> list[WorkerReport]:
    """The reports of all workers, each a process and where it sends; or the failure of the first that died without."""
    from multiprocessing.connection import wait

    reports: list[WorkerReport] = []
    processes = [process for process, _ in workers]
    waiting: dict[Any, Any] = {receiver: process for process, receiver in workers}
    while waiting:
        ready: list[Any] = wait(list(waiting))
        for receiver in ready:
            process = waiting.pop(receiver)
            try:
                reports.append(receiver.recv())
            except EOFError:
                process.join()
                stop(processes)
                return [failed_worker(f"a worker process {how_it_ended(process.exitcode)}")]
    for process in processes:
        process.join()
        if process.exitcode != 0:
            return [failed_worker(f"a worker process {how_it_ended(process.exitcode)} after its work")]
    return reports


def stop(processes: list[Any]) -> None:
    """Ends worker processes that nobody waits for any more."""
    for process in processes:
        process.kill()
    for process in processes:
        process.join()


def how_it_ended(exit_code: int) -> str:
    """Words for a multiprocessing exit code, in which signals are negative."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    import signal

    return f"was ended by {signal.Signals(-exit_code).name}"


def failed_worker(message: str) -> WorkerReport:
    """A report that carries nothing but a failure."""
    failure: Failure = {"kind": "worker", "message": message, "traceback": ""}
    return {
        "pid": 0,
        "ready_ns": 0,
        "spans": [],
        "digests": [],
        "failure": failure,
        "slow_modules": [],
        "peak_rss_bytes": None,
        "gil_enabled": True,
        "waits": None,
    }


def run_subinterpreters(spec: TrialSpec, native: Native) -> list[WorkerReport]:
    """Jobs in sub-interpreters, each in a thread of the host's; `native` is host/run/subinterpreters.cpp."""
    import marshal

    prime()
    reports = [marshal.loads(report) for report in native(spec["workers"], len(spec["jobs"]), marshal.dumps(spec))]
    return [{**reports[0], "waits": end_recording(spec)}, *reports[1:]]


def prime() -> None:
    """Imports in main what isolated interpreters must not be the first to import.

    3.12.1 corrupts its heap when an isolated interpreter is the first to import one of these (fixed in 3.12.4), and
    3.13.0 aborts at the second isolated import of datetime; both are cured by importing them in main first.
    tests/integration/test_compare_traps.py would fail.
    """
    if (3, 12) <= sys.version_info < (3, 14):
        import asyncio  # noqa: F401
        import datetime  # noqa: F401
        import decimal  # noqa: F401
        import hashlib  # noqa: F401
        import ssl  # noqa: F401


def run(spec: TrialSpec, native: Native) -> list[WorkerReport]:
    """Runs the trial in its mode; what breaks the mode itself is a report too."""
    modes = {
        "sequential": run_sequential,
        "threads": run_threads,
        "processes": run_processes,
        "asyncio": run_asyncio,
    }
    try:
        if spec["mode"] == "subinterpreters":
            return run_subinterpreters(spec, native)
        return modes[spec["mode"]](spec)
    except Exception as error:
        return [{**failed_worker(""), "failure": describe_failure("worker", error)}]


def add_waits(reports: list[WorkerReport]) -> WorkWaits | None:
    """What the processes of the trial waited for together; None where none was traced."""
    known = [report["waits"] for report in reports if report["waits"] is not None]
    if not known:
        return None
    return {
        "gils": [gil for waits in known for gil in waits["gils"]],
        "lock_wait_ns": sum(waits["lock_wait_ns"] for waits in known),
        "stopped_ns": sum(waits["stopped_ns"] for waits in known),
    }


def result(spec: TrialSpec, begin_ns: int, reports: list[WorkerReport]) -> dict[str, Any]:
    """The trial's record, as host/run/trial_record.h reads it."""
    spans = [
        {**span, "worker": number, "pid": report["pid"]}
        for number, report in enumerate(reports)
        for span in report["spans"]
    ]
    digests: list[str | None] = [None] * len(spec["jobs"])
    for report in reports:
        for job, value in report["digests"]:
            digests[job] = value
    peaks = {report["pid"]: report["peak_rss_bytes"] for report in reports} | {os.getpid(): peak_rss_bytes()}
    known_peaks = [peak for peak in peaks.values() if peak is not None]
    start_method = None
    if spec["mode"] == "processes":
        import multiprocessing

        start_method = spec["start_method"] or multiprocessing.get_start_method()
    return {
        "setup_ns": max(report["ready_ns"] for report in reports) - begin_ns,
        "jobs": spans,
        "digests": digests,
        "failure": next((report["failure"] for report in reports if report["failure"]), None),
        "slow_modules": sorted({name for report in reports for name in report["slow_modules"]}),
        "peak_rss_bytes": sum(known_peaks) if known_peaks else None,
        "gil_enabled": any(report["gil_enabled"] for report in reports),
        "waits": add_waits(reports),
        "start_method": start_method,
    }


def main(spec_json: str, native: Native) -> str:
    """Runs one trial. Takes and gives JSON: the whole of what C++ and Python say to each other here."""
    begin_ns = time.monotonic_ns()
    import json

    spec: TrialSpec = json.loads(spec_json)
    return json.dumps(result(spec, begin_ns, run(spec, native)))
