"""Results as small HTML tables, for notebooks. Names are whatever somebody called a thread: all text is escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from gilscope._native import format_duration, format_share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gilscope._compare import Comparison, Mode, Ratio
    from gilscope._process import Process, Thread
    from gilscope._summary import Summary

_MODE_TITLES = ["mode", "GIL", "work", "speed-up", "concurrency", "parallelism", "GIL held", "GIL waited", "results"]
_THREAD_TITLES = ["thread", "GIL", "holds", "held", "longest hold", "waits", "waited", "longest wait", "forced"]
MOST_THREADS = 20  # as the text has it; to_dict() has all


def of_summary(summary: Summary, picture: str = "") -> str:
    """The verdict, the picture, then a table a process, the busiest threads first."""
    tables = "".join(_table_of_threads(process) for process in summary.processes)
    return _verdict(summary.verdict.text) + picture + tables


def of_comparison(comparison: Comparison) -> str:
    """The verdict, then a row a mode."""
    caption = f"{', '.join(comparison.tasks)}: {comparison.workers} workers, {comparison.rounds_done} rounds"
    return _verdict(comparison.verdict.text) + _table(caption, _MODE_TITLES, map(_cells_of_mode, comparison.modes))


def _verdict(text: str) -> str:
    return f"<p>gilscope: {html.escape(text)}</p>"


def _table_of_threads(process: Process) -> str:
    busiest = sorted(process.threads, key=lambda thread: thread.hold_ns + thread.wait_ns, reverse=True)
    more = len(busiest) - MOST_THREADS
    further = f"; {more} less busy threads are left out" if more > 0 else ""
    name = f" ({process.name})" if process.name else ""
    caption = f"process {process.pid}{name}: {format_duration(process.wall_ns)}{further}"
    return _table(caption, _THREAD_TITLES, map(_cells_of_thread, busiest[:MOST_THREADS]))


def _table(caption: str, titles: list[str], rows: Iterable[list[str]]) -> str:
    head, body = _row("th", titles), "".join(_row("td", row) for row in rows)
    return f"<table><caption>{html.escape(caption)}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"


def _cells_of_mode(mode: Mode) -> list[str]:
    if mode.work_ns is None:
        return [mode.mode, mode.gil, f"{mode.status}: {mode.reason}", *[""] * 6]
    figures = mode.gil_figures
    return [
        mode.mode,
        mode.gil,
        format_duration(mode.work_ns.median),
        _ratio(mode.speedup),
        _number(mode.concurrency),
        _number(mode.parallelism),
        _share(figures.hold_share if figures else None),
        _share(figures.wait_share if figures else None),
        {True: "equal", False: "differ", None: "-"}[mode.results_equal],
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    interval = "" if ratio.low is None or ratio.high is None else f" ({ratio.low:.2f}–{ratio.high:.2f})"
    return f"{ratio.median:.2f}{interval}"


def _cells_of_thread(thread: Thread) -> list[str]:
    return [
        _name(thread),
        str(thread.gil),
        str(thread.holds),
        _share(thread.hold_share),
        "-" if thread.hold is None else format_duration(thread.hold.max_ns),
        str(thread.waits),
        _share(thread.wait_share),
        "-" if thread.wait is None else format_duration(thread.wait.max_ns),
        str(thread.forced),
    ]


def _name(thread: Thread) -> str:
    if thread.id is None:
        return "(further threads)"
    return thread.name or f"thread {thread.id}"


def _share(share: float | None) -> str:
    return "-" if share is None else format_share(share)


def _row(tag: str, cells: list[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
