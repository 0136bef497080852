"""A timeline as a small picture (SVG), for notebooks: when each thread held the GIL, and waited for it or a lock."""

from __future__ import annotations

import dataclasses
import html
from typing import TYPE_CHECKING, Any

from gilscope._html import MOST_THREADS
from gilscope._native import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABEL_WIDTH = 160
_LABEL_LENGTH = 20  # characters, of those that have room
_COLUMNS = 640  # a pixel each, where the picture has its full size
_ROW_HEIGHT = 24
_HOLD_HEIGHT, _WAIT_HEIGHT = 12, 6  # one below the other: without colour they are told by where they are
_AXIS_HEIGHT = 20
_TICKS = 4
# Seen on light and dark paper alike.
_HOLD_COLOUR, _WAIT_COLOUR, _LOCK_COLOUR = "#3b7dd8", "#d9731a", "#8a63d2"


@dataclasses.dataclass(frozen=True)
class _Cell:
    """Some ticks of a row; begin and end since the timeline's origin."""

    begin: int
    end: int
    held: int
    waited: int
    locked: int  # waited for a lock, or stood in a stopped world


def svg_of(timeline: dict[str, Any], pid: int) -> str:
    """Of one process of what timeline_json() made; "" where it has no rows.

    In each column, the heights are the shares of its time that a thread held it and waited for it.
    """
    process = next((process for process in timeline["processes"] if process["pid"] == pid), None)
    if process is None:
        return ""
    rows = [(row, list(_cells(row))) for row in process["rows"]]
    busiest_first = sorted(
        range(len(rows)), key=lambda i: -sum(cell.held + cell.waited + cell.locked for cell in rows[i][1])
    )
    shown = [rows[i] for i in sorted(busiest_first[:MOST_THREADS])]
    begin, end = process["begin"], max(process["end"], process["begin"] + 1)
    has_several_gils = len({row["gil"] for row, _ in rows}) > 1
    width, height = _LABEL_WIDTH + _COLUMNS + 1, len(shown) * _ROW_HEIGHT + _AXIS_HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Timeline of process {pid}" fill="currentColor" font-size="12" font-family="sans-serif" '
        f'style="width:100%;max-width:{width}px;display:block">'
    ]
    for number, (row, cells) in enumerate(shown):
        name = row["name"] or f"thread {row['thread']}"
        label = f"{name}, GIL {row['gil']}" if has_several_gils else name
        parts += _draw_row(number * _ROW_HEIGHT, label, cells, begin, end, timeline["tick_ns"])
    parts += _draw_axis(len(shown) * _ROW_HEIGHT, (end - begin) * timeline["tick_ns"])
    parts.append("</svg>")
    left_out = len(rows) - len(shown) + timeline["rows_left_out"]
    more = f"; {left_out} less busy threads are left out" if left_out else ""
    locks = "; those below them: for a lock" if any(cell.locked for _, cells in shown for cell in cells) else ""
    return "".join(parts) + (
        f"<p><small>high bars, from below: held the GIL; low ones, from above: waited for it{locks}{more}</small></p>"
    )


def _cells(row: dict[str, Any]) -> Iterator[_Cell]:
    """host/report/timeline_json.h has what the eight numbers of each are."""
    bins, numbers = 0, iter(row["cells"])
    for gap, length, held, waited, locked, *_ in zip(*[numbers] * 8, strict=True):
        begin = (bins + gap) << row["bin_bits"]
        bins += gap + length
        yield _Cell(begin, bins << row["bin_bits"], held, waited, locked)


def _draw_row(top: int, label: str, cells: list[_Cell], begin: int, end: int, tick_ns: float) -> list[str]:
    held, waited, locked = (
        sum(getattr(cell, kind) for cell in cells) * tick_ns for kind in ("held", "waited", "locked")
    )
    title = f"{label}: held {format_duration(held)}, waited {format_duration(waited)}"
    if locked:
        title += f", for locks {format_duration(locked)}"
    short = label if len(label) <= _LABEL_LENGTH else label[: _LABEL_LENGTH - 1] + "…"
    bottom = top + _HOLD_HEIGHT + _WAIT_HEIGHT
    holds, waits, locks = _columns(cells, begin, end)
    # Those of both kinds, of which the waits for the GIL are painted over: what is left lies below them.
    all_waits = [wait + lock for wait, lock in zip(waits, locks, strict=True)]
    below = [f'<path d="{_bars(all_waits, top, _WAIT_HEIGHT)}" fill="{_LOCK_COLOUR}"/>'] if locked else []
    return [
        f"<g><title>{html.escape(title)}</title>",
        f'<text x="{_LABEL_WIDTH - 8}" y="{bottom - 4}" text-anchor="end">{html.escape(short)}</text>',
        f'<path d="M{_LABEL_WIDTH} {bottom}.5h{_COLUMNS}" stroke="currentColor" stroke-opacity=".3"/>',
        f'<path d="{_bars(holds, bottom, -_HOLD_HEIGHT)}" fill="{_HOLD_COLOUR}"/>',
        *below,
        f'<path d="{_bars(waits, top, _WAIT_HEIGHT)}" fill="{_WAIT_COLOUR}"/></g>',
    ]


def _columns(cells: list[_Cell], begin: int, end: int) -> tuple[list[float], list[float], list[float]]:
    """Of each column the shares of its time that were held, waited, and waited for locks."""
    holds, waits, locks = ([0.0] * _COLUMNS for _ in range(3))
    width = (end - begin) / _COLUMNS
    for cell in cells:
        first = max(0, int((cell.begin - begin) / width))
        last = min(_COLUMNS - 1, int((cell.end - begin) / width))
        for column in range(first, last + 1):
            left = begin + column * width
            within = max(0.0, min(cell.end, left + width) - max(cell.begin, left))
            part = within / (cell.end - cell.begin) / width
            holds[column] += part * cell.held
            waits[column] += part * cell.waited
            locks[column] += part * cell.locked
    return holds, waits, locks


def _bars(shares: list[float], base: int, height: int) -> str:
    """The outlines of bars from `base`, equal neighbours as one; less than a pixel's worth of a share is one."""
    heights = [0 if share <= 0 else max(1, round(min(share, 1) * abs(height))) for share in shares]
    sign = 1 if height > 0 else -1
    path, first = [], 0
    for column in range(1, len(heights) + 1):
        if column < len(heights) and heights[column] == heights[first]:
            continue
        if heights[first]:
            width = column - first
            path.append(f"M{_LABEL_WIDTH + first} {base}h{width}v{sign * heights[first]}h{-width}z")
        first = column
    return "".join(path)


def _draw_axis(top: int, length_ns: float) -> Iterator[str]:
    for number in range(_TICKS + 1):
        x = _LABEL_WIDTH + number * _COLUMNS // _TICKS
        anchor = "start" if number == 0 else "end" if number == _TICKS else "middle"
        when = "0" if number == 0 else format_duration(length_ns * number / _TICKS)
        yield f'<text x="{x}" y="{top + 12}" text-anchor="{anchor}" fill-opacity=".75">{html.escape(when)}</text>'
