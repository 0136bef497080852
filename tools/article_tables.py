"""The figures of docs/article.md as Markdown: one function a table, from what article_figures.py keeps of a run."""

from collections.abc import Callable, Iterable
from typing import Any

UNKNOWN = "–"
# Fewer CPUs than these, for two tasks that need one each: other programs are in the figures.
QUIET = 1.8
EXCHANGE_UNITS = ((1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))

# Of each claim: the figures that decide it, what they are called here, and how they are written.
KEY_FIGURES: dict[int, list[tuple[str, str, str]]] = {
    1: [("holds", "holds", "count"), ("overlaps", "that overlap", "count"), ("handoffs", "hand-offs", "count")],
    2: [("speedup", "speed-up", "factor"), ("parallelism", "parallelism", "number")],
    3: [("speedup", "speed-up", "factor"), ("bound", "two tasks at once gain at most", "factor")],
    4: [
        ("switch_interval", "switch interval", "seconds"),
        ("median_forced_hold", "median hold until a forced release", "seconds"),
        ("other_switch_interval", "at an interval of", "seconds"),
        ("other_median_forced_hold", "median hold", "seconds"),
    ],
    5: [("queries_speedup", "queries", "factor"), ("waits_speedup", "sleeps", "factor")],
    6: [
        ("fork_processes", "fork", "count"),
        ("spawn_processes", "spawn", "count"),
        ("forkserver_processes", "forkserver", "count"),
    ],
    7: [
        ("least_message_bytes", "message of", "bytes"),
        ("least_between_processes", "between processes", "seconds"),
        ("least_between_threads", "between threads", "seconds"),
        ("greatest_message_bytes", "of", "bytes"),
        ("greatest_between_processes", "between processes", "seconds"),
        ("greatest_between_threads", "between threads", "seconds"),
    ],
    8: [("lines", "lines", "count"), ("turns", "turns", "count"), ("threads", "threads", "count")],
    9: [("speedup", "speed-up", "factor"), ("parallelism", "parallelism", "number")],
    10: [
        ("held_hold_share", "GIL held by the loop that keeps it", "share"),
        ("released_hold_share", "by the one that releases it", "share"),
        ("held_speedup", "speed-up", "factor"),
        ("released_speedup", "and", "factor"),
    ],
    11: [
        ("pypy_threads_by_sequential", "threads / sequential: PyPy", "number"),
        ("jython_threads_by_sequential", "Jython", "number"),
        ("ironpython_threads_by_sequential", "IronPython", "number"),
        ("cpython_free_threaded_threads_by_sequential", "free-threaded CPython", "number"),
    ],
    12: [
        ("counting_threads_concurrency", "threads that count: concurrency", "number"),
        ("counting_threads_parallelism", "parallelism", "number"),
        ("counting_processes_concurrency", "processes: concurrency", "number"),
        ("counting_processes_parallelism", "parallelism", "number"),
    ],
    13: [("threads", "threads", "count")],
}


def duration(seconds: float) -> str:
    """Return it with three digits: 5.04 ms."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{three_digits(seconds / size)} {unit}"
    return f"{three_digits(seconds * 1e9)} ns"


def three_digits(value: float) -> str:
    """Return 5.04, 50.4, 504."""
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{decimals}f}"


def size(count: float) -> str:
    """Return 64 MiB."""
    unit, name = next(one for one in EXCHANGE_UNITS if count >= one[0])
    return f"{count / unit:g} {name}"


def share(value: float) -> str:
    """Return 49 %, and 0.31 % where whole ones would hide it."""
    percent = 100 * value
    if percent == 0 or percent >= 9.95:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.995 else f"{percent:.2g} %"


def estimate(value: dict[str, Any] | None, unit: str = "") -> str:
    """Return a median with its 95 % interval, where it has one."""
    if value is None:
        return UNKNOWN
    text = f"{value['median']:.2f}{unit}"
    if value["low"] is None or value["low"] == value["high"]:
        return text
    return f"{text} ({value['low']:.2f} to {value['high']:.2f})"


def figure(value: Any, kind: str) -> str:
    """Return a claim's figure, written as its kind is."""
    if isinstance(value, dict):
        return estimate(value, " ×")
    write: dict[str, Callable[[Any], str]] = {
        "count": lambda count: f"{count:,}",
        "factor": lambda factor: f"{factor:.2f} ×",
        "number": lambda number: f"{number:.2f}",
        "share": share,
        "seconds": duration,
        "bytes": size,
    }
    return write[kind](value)


def markdown(titles: list[str], rows: Iterable[list[str]], words: tuple[int, ...] = (0,)) -> str:
    """Return a table: columns of words to the left, of figures to the right."""
    lines = [titles, ["---" if column in words else "---:" for column in range(len(titles))], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def modes_of(kept: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the rows of a comparison that have figures."""
    comparison = kept["comparisons"][name]
    return [mode for mode in comparison["modes"] if mode["speedup"]] if comparison else []


def relative_time(mode: dict[str, Any]) -> dict[str, Any]:
    """Return work / sequential work: one over the speed-up, its interval the other way round."""
    speedup = mode["speedup"]
    turned = {"low": "high", "high": "low"}
    return {
        "median": 1 / speedup["median"],
        **{end: None if speedup[other] is None else 1 / speedup[other] for end, other in turned.items()},
    }


def gil_share(mode: dict[str, Any], name: str) -> str:
    """Return what share of the time the GIL was held, or the workers waited for it."""
    return share(mode["gil_figures"][name]) if mode["gil_figures"] else UNKNOWN


def number(value: float | None) -> str:
    """Return it with two decimals."""
    return UNKNOWN if value is None else f"{value:.2f}"


def machine(kept: dict[str, Any]) -> str:
    """Say where this was measured, and how."""
    python, computer, got = kept["python"], kept["machine"], cpus_left(kept)
    article = "the article's own sizes" if kept["full"] else "the article: 100,000,000, and waits × 1"
    lines = [
        f"Measured with {python['implementation']} {python['version']} on a machine with {computer['cpus']} CPUs "
        f"({computer['model']}),",
        f"with {kept['iterations']:,} iterations a count and waits × {kept['scale']:g} ({article}); "
        f"{kept['rounds']} rounds of each comparison.",
    ]
    if got is not None:
        lines.append(f"Two counts at once need two CPUs all the time, and got {number(got)}.")
        if got < QUIET:
            lines.append("Other programs had the rest: what would gain from a second CPU gains less here, or nothing.")
    return "\n".join(lines)


def cpus_left(kept: dict[str, Any]) -> float | None:
    """Return how many CPUs the counts got in the mode that got most: near 2, unless other programs ran meanwhile."""
    return max((mode["parallelism"] for mode in modes_of(kept, "counting")), default=None)


def threads(kept: dict[str, Any]) -> str:
    """Show what the threads of count_threads did with the GIL."""
    programs = [one for one in kept["programs"] if one["program"] == "count_threads"]
    return markdown(
        ["thread", "holds", "GIL held", "waits", "waited for it", "forced releases"],
        [
            [
                thread["name"].split(" ")[0],
                f"{thread['holds']:,}",
                share(thread["hold_share"]),
                f"{thread['waits']:,}",
                share(thread["wait_share"]),
                f"{thread['forced']:,}",
            ]
            for program in programs
            for thread in program["threads"]
        ],
    )


def counting(kept: dict[str, Any]) -> str:
    """Show both counts in every mode, beside the article's ratios."""
    article = {row["mode"]: row["article_ratio"] for row in kept["seconds"]}
    return markdown(
        ["mode", "time", "time / sequential (95 %)", "the article's", "GIL held", "waited for it"],
        [
            [
                mode["mode"],
                duration(mode["work_ns"]["median"] / 1e9),
                estimate(relative_time(mode)),
                number(article.get(mode["mode"])),
                gil_share(mode, "hold_share"),
                gil_share(mode, "wait_share"),
            ]
            for mode in modes_of(kept, "counting")
        ],
    )


def setup(kept: dict[str, Any]) -> str:
    """Show what each mode costs before it works, and in memory."""
    return markdown(
        ["mode", "set-up", "memory"],
        [
            [mode["mode"], duration(mode["setup_ns"]["median"] / 1e9), f"{mode['max_rss_bytes'] / 2**20:.0f} MiB"]
            for mode in modes_of(kept, "counting")
        ],
    )


def at_once(kept: dict[str, Any]) -> str:
    """Show concurrency and parallelism of each mode and work."""
    works = {"counting": "two counts", "queries": "two queries", "waits": "two sleeps"}
    return markdown(
        ["work and mode", "concurrency", "parallelism"],
        [
            [f"{words}, {mode['mode']}", number(mode["concurrency"]), number(mode["parallelism"])]
            for work, words in works.items()
            for mode in modes_of(kept, work)
        ],
    )


def waiting(kept: dict[str, Any]) -> str:
    """Show work that waits, one after the other and in threads."""
    works = {"queries": "two queries", "waits": "two sleeps, the longer twice the other"}
    return markdown(
        ["work and mode", "time", "speed-up (95 %)", "GIL held"],
        [
            [
                f"{words}, {mode['mode']}",
                duration(mode["work_ns"]["median"] / 1e9),
                estimate(mode["speedup"], " ×"),
                gil_share(mode, "hold_share"),
            ]
            for work, words in works.items()
            for mode in modes_of(kept, work)
        ],
    )


def native(kept: dict[str, Any]) -> str:
    """Show the C++ loop in two threads."""
    works = {"native_held": "keeps the GIL", "native_released": "releases it"}
    return markdown(
        ["the loop", "speed-up of two threads (95 %)", "parallelism", "GIL held", "waited for it"],
        [
            [
                words,
                estimate(mode["speedup"], " ×"),
                number(mode["parallelism"]),
                gil_share(mode, "hold_share"),
                gil_share(mode, "wait_share"),
            ]
            for work, words in works.items()
            for mode in modes_of(kept, work)
            if mode["mode"] == "threads"
        ],
    )


def percentile(values: list[int], part: float) -> int:
    """Return the value that this part of them does not exceed; the values are sorted."""
    return values[min(len(values) - 1, int(part * len(values)))]


def switches(kept: dict[str, Any]) -> str:
    """Show how long the holds were that ended in a forced release."""
    rows = []
    for run in kept["forced_holds"]:
        holds = sorted(run["forced_hold_ns"])
        if holds:
            times = [duration(percentile(holds, part) / 1e9) for part in (0.1, 0.5, 0.9)]
            name = f"{duration(run['switch_interval_ns'] / 1e9)}{' (default)' if run['is_default'] else ''}"
            rows.append([name, f"{len(holds):,}", *times])
    return markdown(["switch interval", "forced holds", "10 % are shorter than", "half", "90 %"], rows)


def processes(kept: dict[str, Any]) -> str:
    """Show which Python processes two Process objects make."""
    return markdown(
        ["start method", "Python processes", "who they are"],
        [
            [
                f"`{row['method']}`{' (default here)' if row['is_default'] else ''}",
                str(len(row["roles"])),
                ", ".join(row["roles"]),
            ]
            for row in kept["process_counts"]
            if row["roles"]
        ],
        words=(0, 2),
    )


def exchange(kept: dict[str, Any]) -> str:
    """Show the latency of each way, by size."""
    rows = [row for row in kept["exchange"] if row["latency_ns"]]
    sizes = sorted({row["bytes"] for row in rows})
    latency = {(row["way"], row["bytes"]): row["latency_ns"] / 1e9 for row in rows}
    between = {row["way"]: row["between"] for row in rows}
    return markdown(
        ["way", *(size(one) for one in sizes)],
        [
            [
                f"`{way}`, {where}",
                *(duration(latency[way, one]) if (way, one) in latency else UNKNOWN for one in sizes),
            ]
            for way, where in between.items()
        ],
    )


def flavours(kept: dict[str, Any]) -> str:
    """Show two threads beside one, in each Python found."""
    answers = {True: "yes", False: "no", None: "cannot tell"}
    return markdown(
        ["Python", "sequential", "threads", "threads / sequential", "has a GIL"],
        [
            [f"{row['name']} {row['version'] or ''}".rstrip()]
            + (
                [duration(row["sequential_s"]), duration(row["threads_s"]), number(row["threads_by_sequential"])]
                if row["threads_by_sequential"]
                else [UNKNOWN, UNKNOWN, UNKNOWN]
            )
            + ["not found" if row["status"] == "missing" else answers[row["has_gil"]]]
            for row in kept["flavours"]
        ],
    )


def claims(kept: dict[str, Any]) -> str:
    """Show what the article says, what was measured, and the verdict."""
    rows = []
    for claim in kept["claims"]:
        measured = claim["measured"]
        figures = [
            f"{words} {figure(measured[key], kind)}" for key, words, kind in KEY_FIGURES[claim["id"]] if key in measured
        ]
        rows.append(
            f"| {claim['id']} | {claim['article_says']} | {', '.join(figures) or UNKNOWN} "
            f"| **{claim['verdict']}**: {claim['reason']} |"
        )
    return "\n".join(["| # | the article says | measured | verdict |", "| ---: | --- | --- | --- |", *rows])


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "machine": machine,
    "threads": threads,
    "counting": counting,
    "set-up": setup,
    "at-once": at_once,
    "waiting": waiting,
    "native": native,
    "switches": switches,
    "processes": processes,
    "exchange": exchange,
    "flavours": flavours,
    "claims": claims,
}
