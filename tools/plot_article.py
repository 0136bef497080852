"""Draws the plots of docs/article.md, as SVG, from what article_figures.py kept of a run of `gilscope article`.

Run by plots.sh. The same figures give the same bytes. A plot without data is left out, and said to be.
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from article_tables import duration, modes_of, relative_time, size

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "article"
WIDTH = 7.5  # inches, of which a page shows 72 points each
# Okabe and Ito's colours, which all eyes tell apart; the dark ones of them, on white.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, GREY = "#0072B2", "#D55E00", "#009E73", "#A8578B", "#B77700", "#595959"
STYLE = {
    # White also on a dark page: the text is dark. Text stays text: smaller, and found by a search.
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "gilscope",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 9,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "legend.frameon": False,
}
ARTICLE_SWITCH_NS = 1e6
BINS_A_DECADE = 24
# Lines' names at the right of the plot: at least so many decades apart.
LABEL_GAP = 0.42


def tick(nanoseconds: float, _: int) -> str:
    """Return a tick's time: 5 ms."""
    return re.sub(r"\.0+ ", " ", duration(nanoseconds / 1e9))


TIME = FuncFormatter(tick)


class NoDataError(Exception):
    """What is missing, in words for a person."""


def new_figure(kept: dict[str, Any], height: float, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels one below the other, and the line that says what was measured where."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)
    python, machine = kept["python"], kept["machine"]
    figure.supxlabel(
        f"gilscope article, {python['implementation']} {python['version']}, "
        f"{machine['cpus']} CPUs ({machine['model']}), {kept['rounds']} rounds",
        fontsize=7.5,
        color=GREY,
        x=0.01,
        ha="left",
    )
    return figure, [row[0] for row in axes]


def name_rows(axes: Axes, names: list[str]) -> None:
    """Put the names at the left, the first one on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def mark_value(axes: Axes, value: float, words: str, **style: Any) -> None:
    """Draw a line down from the top, with its words above it."""
    axes.axvline(value, color=GREY, linewidth=1, zorder=1, **style)
    axes.annotate(
        words,
        (value, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=8,
        color=GREY,
    )


def draw_counting(kept: dict[str, Any]) -> Figure:
    """Draw both counts' time in each mode, beside the article's."""
    modes = modes_of(kept, "counting")
    if not modes:
        raise NoDataError("the counts were not compared")
    figure, [axes] = new_figure(kept, 3.3)
    article = {row["mode"]: row["article_ratio"] for row in kept["seconds"]}
    mark_value(axes, 1, "no gain")
    mark_value(axes, 0.5, "two tasks at once: no less", linestyle="--")
    for row, mode in enumerate(modes):
        ratio = relative_time(mode)
        if ratio["low"] is not None:
            axes.hlines(row, ratio["low"], ratio["high"], color=BLUE, linewidth=2.5)
        axes.plot(ratio["median"], row, "o", color=BLUE, markersize=7, label="" if row else "here, with 95 % interval")
        if mode["mode"] in article:
            style: dict[str, Any] = {"markeredgecolor": VERMILION, "markeredgewidth": 1.8, "markersize": 9}
            axes.plot(
                article[mode["mode"]], row, "D", color="none", **style, label="" if row else "the article's figure"
            )
    name_rows(axes, [mode["mode"] for mode in modes])
    axes.set_xlim(left=0)
    axes.set_xlabel("time of both counts / time one after the other")
    axes.set_title("What two counts gain from running at once", pad=20)
    figure.legend(loc="outside lower right", ncols=2, fontsize=8)
    return figure


def draw_switches(kept: dict[str, Any]) -> Figure:
    """Draw how long threads kept the GIL until they were forced to release it, at each switch interval."""
    runs = [run for run in kept["forced_holds"] if run["forced_hold_ns"]]
    if not runs:
        raise NoDataError("no hold ended in a forced release")
    figure, panels = new_figure(kept, 1.2 + 1.7 * len(runs), len(runs))
    everything = [hold for run in runs for hold in run["forced_hold_ns"]]
    low, high = (math.log10(one) for one in (min(*everything, ARTICLE_SWITCH_NS) / 1.3, max(everything) * 1.3))
    count = math.ceil((high - low) * BINS_A_DECADE)
    bins = [10 ** (low + (high - low) * step / count) for step in range(count + 1)]
    for axes, run in zip(panels, runs, strict=True):
        holds, interval = run["forced_hold_ns"], run["switch_interval_ns"]
        axes.hist(holds, bins=bins, weights=[100 / len(holds)] * len(holds), histtype="stepfilled", color=BLUE)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(TIME)
        mark_value(axes, interval, f"switch interval: {duration(interval / 1e9)}")
        if abs(interval / ARTICLE_SWITCH_NS - 1) > 1e-3:
            mark_value(axes, ARTICLE_SWITCH_NS, "the article: 1 ms", linestyle="--")
        axes.set_ylabel(f"% of {len(holds):,} holds")
    panels[-1].set_xlabel("length of the hold (logarithmic)")
    panels[0].set_title("How long a thread that counts keeps the GIL while another one waits", pad=20)
    return figure


def spread(heights: list[float], gap: float) -> list[float]:
    """Return them moved as little as makes each at least a gap higher than the one below it; they ascend."""
    groups: list[list[float]] = []
    for height in heights:
        groups.append([height])
        while len(groups) > 1 and bottom(groups[-1], gap) < bottom(groups[-2], gap) + gap * len(groups[-2]):
            last = groups.pop()
            groups[-1] += last
    return [bottom(group, gap) + gap * step for group in groups for step in range(len(group))]


def bottom(group: list[float], gap: float) -> float:
    """Return where the lowest of a group stands whose middle is its mean."""
    return sum(group) / len(group) - gap * (len(group) - 1) / 2


def draw_exchange(kept: dict[str, Any]) -> Figure:
    """Draw what a message takes, by its size, for each way."""
    rows = [row for row in kept["exchange"] if row["latency_ns"]]
    if not rows:
        raise NoDataError("nothing was passed")
    figure, [axes] = new_figure(kept, 4.4)
    styles = {"processes": "-", "threads": ":", "sub-interpreters": "--"}
    looks = zip([BLUE, VERMILION, GREEN, PURPLE, ORANGE, GREY], "osD^vX", strict=True)
    ends = []
    for way, (color, marker) in zip(dict.fromkeys(row["way"] for row in rows), looks, strict=False):
        points = sorted((row["bytes"], row["latency_ns"]) for row in rows if row["way"] == way)
        between = next(row["between"] for row in rows if row["way"] == way)
        axes.plot(*zip(*points, strict=True), styles.get(between, "-"), marker=marker, color=color, markersize=5)
        ends.append((math.log10(points[-1][1]), points[-1], f"{way}\n({between})", color))
    ends.sort()
    for height, (_, point, words, color) in zip(spread([end[0] for end in ends], LABEL_GAP), ends, strict=True):
        axes.annotate(
            words,
            point,
            xycoords="data",
            xytext=(1.03, 10**height),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            color=color,
            fontsize=8,
            annotation_clip=False,
        )
    sizes = sorted({row["bytes"] for row in rows})
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [size(one) for one in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(TIME)
    axes.set_xlabel("size of the message (logarithmic)")
    axes.set_ylabel("time of a message, one way (logarithmic)")
    axes.set_title("What it costs to pass bytes")
    return figure


def draw_flavours(kept: dict[str, Any]) -> Figure:
    """Draw two threads' time beside that of one after the other, for each Python found."""
    rows = [row for row in kept["flavours"] if row["threads_by_sequential"]]
    if not rows:
        raise NoDataError("no interpreter was measured")
    figure, [axes] = new_figure(kept, 1.6 + 0.45 * len(rows))
    mark_value(axes, 1, "no gain")
    mark_value(axes, 0.5, "two threads at once", linestyle="--")
    looks = {
        True: ("o", BLUE, "has a GIL, by measurement"),
        False: ("D", VERMILION, "has none"),
        None: ("x", GREY, "cannot be told"),
    }
    for answer, (marker, color, words) in looks.items():
        points = [(row["threads_by_sequential"], place) for place, row in enumerate(rows) if row["has_gil"] is answer]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color=color, markersize=8, label=words)
    name_rows(axes, [f"{row['name']} {row['version'] or ''}".rstrip() for row in rows])
    axes.set_xlim(left=0)
    axes.set_xlabel("time of both counts in two threads / time one after the other")
    axes.set_title("What two threads gain in other interpreters", pad=20)
    figure.legend(loc="outside lower right", ncols=2, fontsize=8)
    return figure


def draw_at_once(kept: dict[str, Any]) -> Figure:
    """Draw how many tasks were in progress, and how many CPUs they used, in each mode."""
    works = [("counting", "two counts"), ("queries", "two queries"), ("waits", "two sleeps")]
    rows = [
        (f"{mode['mode']}, {words}", mode["concurrency"], mode["parallelism"])
        for work, words in works
        for mode in modes_of(kept, work)
        if mode["concurrency"] is not None and mode["parallelism"] is not None
    ]
    if not rows:
        raise NoDataError("the counts were not compared")
    figure, [axes] = new_figure(kept, 1.7 + 0.33 * len(rows))
    places = range(len(rows))
    axes.hlines(places, [row[2] for row in rows], [row[1] for row in rows], color="#c4c4c4", linewidth=2, zorder=1)
    axes.plot(
        [row[1] for row in rows],
        places,
        "o",
        color="white",
        markeredgecolor=VERMILION,
        markeredgewidth=1.8,
        markersize=10,
        label="concurrency: tasks in progress",
    )
    axes.plot([row[2] for row in rows], places, "o", color=BLUE, markersize=5, label="parallelism: CPUs at work")
    name_rows(axes, [row[0] for row in rows])
    axes.set_xlim(-0.05, 2.1)
    axes.set_xlabel("mean number during the work")
    axes.set_title("Tasks in progress, and tasks that run", pad=24)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 0.99), ncols=2, borderaxespad=0, handletextpad=0.2)
    return figure


PLOTS: dict[str, Callable[[dict[str, Any]], Figure]] = {
    "counting": draw_counting,
    "switches": draw_switches,
    "exchange": draw_exchange,
    "flavours": draw_flavours,
    "at-once": draw_at_once,
}


def main() -> int:
    """Draw all that there is data for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", type=Path, default=FOLDER / "measured.json", metavar="FILE")
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="FOLDER")
    options = parser.parse_args()
    mpl.rcParams.update(STYLE)
    try:
        kept = json.loads(options.kept.read_text(encoding="utf-8"))
        options.output.mkdir(parents=True, exist_ok=True)
        for name, draw in PLOTS.items():
            file = options.output / f"{name}.svg"
            try:
                figure = draw(kept)
            except NoDataError as error:
                file.unlink(missing_ok=True)  # an old plot beside new figures would be wrong
                print(f"plot_article.py: no {file.name}: {error}", file=sys.stderr)
                continue
            figure.savefig(
                file, metadata={"Date": None, "Creator": None, "Title": figure.axes[0].get_title(loc="left")}
            )
    except (OSError, ValueError) as error:
        print(f"plot_article.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
