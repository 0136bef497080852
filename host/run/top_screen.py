"""Draws the screen of `gilscope top` with curses, and hands the keys on; what is on it the host says.

Frozen into the host as `_gilscope_top_screen`. A Python may have no curses: then this cannot be imported.
"""

from __future__ import annotations

import contextlib
import curses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Frame = list[tuple[str, int]]  # lines, each with the number of its LineStyle

ESCAPE = 27
NAMES = {
    curses.KEY_UP: "up",
    curses.KEY_DOWN: "down",
    curses.KEY_BACKSPACE: "backspace",
    ord("\b"): "backspace",
    127: "backspace",
    ord("\t"): "tab",
    ESCAPE: "esc",
}


def is_possible() -> bool:
    """Return whether curses knows the terminal, and how to move about on it."""
    try:
        curses.setupterm()
    except curses.error:
        return False
    return bool(curses.tigetstr("cup"))


def show(draw: Callable[[int, int], Frame | None], press: Callable[[str], None], wait_ms: Callable[[], int]) -> None:
    """Show frames until there is none; `draw` is given columns and lines, `press` a key as top_text.h has them."""

    def run(window: curses.window) -> None:
        styles = make_styles()
        while (frame := draw(*reversed(window.getmaxyx()))) is not None:
            window.erase()
            for number, (text, style) in enumerate(frame):
                paint(window, number, text, styles[style])
            window.refresh()
            window.timeout(wait_ms())
            key = window.getch()
            if key >= 0:
                press(NAMES.get(key) or (chr(key) if key < 128 else ""))

    curses.set_escdelay(50)
    curses.wrapper(run)


def make_styles() -> list[int]:
    """Return the attributes of LineStyle, in order: plain, title, finding, picked."""
    finding = curses.A_NORMAL
    if curses.has_colors():
        curses.use_default_colors()
        curses.init_pair(1, curses.COLOR_YELLOW, -1)
        finding = curses.color_pair(1)
    with contextlib.suppress(curses.error):  # there are terminals whose cursor stays
        curses.curs_set(0)
    return [curses.A_NORMAL, curses.A_BOLD, finding, curses.A_REVERSE]


def paint(window: curses.window, number: int, text: str, style: int) -> None:
    """Put a line there, as far as the terminal's encoding has its characters."""
    known = text.encode(window.encoding, "replace").decode(window.encoding, "replace")
    with contextlib.suppress(curses.error):  # the terminal has become smaller
        window.insstr(number, 0, known, style)  # which never goes on in the next line
