"""A summary as a small HTML table, for notebooks. Names are whatever somebody called a thread: all text is escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from gilscope._native import format_duration, format_share

if TYPE_CHECKING:
    from gilscope._summary import Process, Summary, Thread

_TITLES = ["thread", "GIL", "holds", "held", "longest hold", "waits", "waited", "longest wait", "forced"]
_MOST_THREADS = 20  # as the text has it; to_dict() has all


def of(summary: Summary) -> str:
    """The verdict, then a table a process, the busiest threads first."""
    tables = "".join(_table(process) for process in summary.processes)
    return f"<p>gilscope: {html.escape(summary.verdict.text)}</p>{tables}"


def _table(process: Process) -> str:
    busiest = sorted(process.threads, key=lambda thread: thread.hold_ns + thread.wait_ns, reverse=True)
    rows = "".join(_row("td", _cells(thread)) for thread in busiest[:_MOST_THREADS])
    more = len(busiest) - _MOST_THREADS
    further = f"; {more} less busy threads are left out" if more > 0 else ""
    caption = f"process {process.pid}: {format_duration(process.wall_ns)}{further}"
    head = _row("th", _TITLES)
    return f"<table><caption>{html.escape(caption)}</caption><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _cells(thread: Thread) -> list[str]:
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
