"""The figures of the perturbation suite: which runs make a round, what is compared with what, and the tables."""

import random
import statistics
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from figures import Row, row

# Shares of the bare rate, and of what hooks and clock reads alone leave: the project's.
STORMS = ("lock-storm", "log-storm", "json-storm", "dict-storm", "list-storm")
GOAL, GOALS = 0.90, {"read": 0.92, **dict.fromkeys(STORMS, 0.98)}
GOAL_OF_HOOKS = 0.97


class Sample(NamedTuple):
    """What came of one run."""

    rate: float  # steps a second
    said_cost: float | None = None  # the share of the time that tracing took, as the report says
    dropped: int = 0  # events, by the bound of a capture


# Of one program, by way and round; None where a peer failed.
Samples = Mapping[str, list[Sample | None]]


def choose(names: Iterable[str], wanted: Iterable[str] | None, missing: Iterable[str]) -> list[str]:
    """What can be run of those that are wanted, None for all, once each and in the order of `names`."""
    chosen = set(names if wanted is None else wanted) - set(missing)
    return [name for name in names if name in chosen]


def order_round(programs: list[str], ways: list[str], seed: int) -> Iterator[tuple[str, str]]:
    """All runs of a round: those of a program one after the other, the ways in an order of this round's own."""
    dice = random.Random(seed)
    for program in programs:
        for way in dice.sample(ways, len(ways)):
            yield program, way


def kept_shares(samples: Samples, way: str, base: str) -> list[float]:
    """Of the rate of `base` in the same round; rounds where one of the two failed are left out."""
    pairs = zip(samples[way], samples[base], strict=True)
    return [of_way.rate / of_base.rate for of_way, of_base in pairs if of_way and of_base]


def said_costs(samples: Samples, way: str) -> list[float]:
    return [sample.said_cost for sample in samples[way] if sample and sample.said_cost is not None]


def summarize(name: str, values: list[float], unit: str = "") -> Row | None:
    return row(name, values, unit) if values else None


def describe(program: str, samples: Samples, bases: Mapping[str, str], hooks: str) -> dict[str, dict[str, object]]:
    """For JSON: all that is known of each way; `bases` has what those are compared with that are compared."""
    return {
        way: {
            "rates": [sample.rate if sample else None for sample in of_way],
            "kept": summarize(f"{program}, {way} / {bases[way]}", kept_shares(samples, way, bases[way]))
            if way in bases
            else None,
            "kept_of_hooks": summarize(f"{program}, {way} / {hooks}", kept_shares(samples, way, hooks))
            if hooks in samples
            else None,
            "said_cost": summarize(f"{program}, {way}, cost said", said_costs(samples, way)),
            "dropped": sum(sample.dropped for sample in of_way if sample),
        }
        for way, of_way in samples.items()
    }


def format_share(share: Row | None) -> str:
    return f"{share['median']:.2f} {share['low']:.2f}-{share['high']:.2f}" if share else "-"


def format_costs(loss: Row | None, said: Row | None) -> str:
    return f"{loss['median']:.1f} / {said['median']:.1f}" if loss and said else "-"


def format_table(title: str, header: list[str], rows: list[list[str]]) -> str:
    """With a line of its own for each row; the first column to the left, the others to the right."""
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in [header, *rows]
    ]
    return "\n".join([title, *(line.rstrip() for line in lines)])


def format_rate(samples: list[Sample | None]) -> str:
    return f"{statistics.median(sample.rate for sample in samples if sample):,.0f}"


def format_kept(programs: Mapping[str, Samples], bases: Mapping[str, str]) -> str:
    ways = next(iter(programs.values()))
    untraced = [way for way in ways if way not in bases]
    rows = []
    for program, samples in programs.items():
        rates = (format_rate(samples[way]) for way in untraced)
        shares = (format_share(summarize("", kept_shares(samples, way, base))) for way, base in bases.items())
        rows.append([program, *rates, *shares, f">= {GOALS.get(program, GOAL):.2f}"])
    title = (
        "Share of the rate without tracing that is kept: median, lowest-highest of the rounds. The goal is gilscope's"
    )
    return format_table(title, ["", *(f"{way}/s" for way in untraced), *bases, "goal"], rows)


def format_kept_of_hooks(programs: Mapping[str, Samples], ours: list[str], hooks: str) -> str:
    rows = [
        [program, *(format_share(summarize("", kept_shares(samples, way, hooks))) for way in ours)]
        for program, samples in programs.items()
    ]
    title = f"Share that is kept of what hooks and clock reads alone leave. The goal: >= {GOAL_OF_HOOKS:.2f}"
    return format_table(title, ["", *ours], rows)


def format_said_costs(programs: Mapping[str, Samples], ours: list[str], bases: Mapping[str, str]) -> str:
    rows = []
    for program, samples in programs.items():
        cells = []
        for way in ours:
            losses = [100 * (1 - share) for share in kept_shares(samples, way, bases[way])]
            said = [100 * cost for cost in said_costs(samples, way)]
            cells.append(format_costs(summarize("", losses), summarize("", said)))
        rows.append([program, *cells])
    title = (
        "Cost in %: measured (the loss of rate) / what the report says. The goal: within a factor of 2 where contended"
    )
    return format_table(title, ["", *ours], rows)
