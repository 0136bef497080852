"""What tracing costs a program: the share of its rate that is left, in each way to run it, beside peers.

The programs are the worst that a GIL knows, and some of those that people write. In each round all run in all ways,
in an order of the round's own. A share is of the rate that the same Python has without tracing in the same round:
`bare`, the host with --no-probe, or `stock`, for who runs in the stock python. `again` is bare once more: the noise.
Run it on a machine with two cores that does nothing else. The goals are the project's; the exit code is 0 either way.

    python tests/bench/bench_perturbation.py --programs sha256-4k-2 --ways counters hooks
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ways
from figures import add_json_option
from host import HOST, run
from perturbation import (
    Sample,
    choose,
    describe,
    format_kept,
    format_kept_of_hooks,
    format_said_costs,
    order_round,
)

START_SECONDS = 0.5  # and end, of one run: a guess, until some have told


def find_rate(output: str) -> float:
    """Of all that the program and a peer around it have printed."""
    return float(next(line.removeprefix("rate: ") for line in output.splitlines() if line.startswith("rate: ")))


def measure_once(program: str, way: str, seconds: float, folder: Path) -> Sample | None:
    file, *words = ways.PROGRAMS[program]
    command = [*ways.make_ways(folder)[way], str(ways.FOLDER / file), str(seconds), *words]
    try:
        rate = find_rate(run(command, environment=sys.prefix))
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip()
        if way in (ways.BARE, ways.AGAIN, ways.STOCK, ways.HOOKS, *ways.OURS, "trace"):
            sys.exit(f"{program}, {way}: exit code {error.returncode}\n{said}")
        print(f"{program}, {way}: exit code {error.returncode}: {said[-200:]}", file=sys.stderr)
        return None
    if way not in ways.OURS:
        return Sample(rate)
    probe = json.loads(ways.summary_file(folder).read_text(encoding="utf-8"))["probe"]
    return Sample(rate, probe["cost_share"], probe["dropped"])


class Progress:
    """Says now and then, on standard error, how long it will take yet."""

    def __init__(self, runs: int, guess: float) -> None:
        self._runs, self._guess, self._begin, self._next = runs, guess, time.monotonic(), 0.0

    def show(self, done: int) -> None:
        elapsed = time.monotonic() - self._begin
        if elapsed < self._next:
            return
        self._next = elapsed + 30
        minutes = (self._runs - done) * (elapsed / done if done else self._guess) / 60
        print(f"{done} of {self._runs} runs, about {minutes:.0f} minutes to go", file=sys.stderr, flush=True)


def measure(
    programs: list[str], chosen: list[str], rounds: int, seconds: float
) -> dict[str, dict[str, list[Sample | None]]]:
    samples: dict[str, dict[str, list[Sample | None]]] = {program: {way: [] for way in chosen} for program in programs}
    plan = [run for number in range(rounds) for run in order_round(programs, chosen, number)]
    progress = Progress(len(plan), seconds + START_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        for done, (program, way) in enumerate(plan):
            progress.show(done)
            samples[program][way].append(measure_once(program, way, seconds, Path(folder)))
    return samples


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = list(ways.make_ways(Path()))
    parser.add_argument("--rounds", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each run (default: %(default)s)")
    parser.add_argument(
        "--programs", nargs="+", choices=ways.PROGRAMS, metavar="PROGRAM", help=", ".join(ways.PROGRAMS)
    )
    parser.add_argument(
        "--ways", nargs="+", choices=names, metavar="WAY", help=", ".join(names) + ", and what these are compared with"
    )
    add_json_option(parser)
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    if options.seconds <= 0:
        parser.error("--seconds: more than 0")
    if options.ways is not None:
        options.ways += [ways.base_of(way) for way in options.ways]
    return options


def main() -> None:
    options = parse(sys.argv[1:])
    missing = ways.find_missing()
    for name, reason in missing.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)
    programs = choose(ways.PROGRAMS, options.programs, missing)
    chosen = choose(ways.make_ways(Path()), options.ways, missing)
    if not programs:
        sys.exit("nothing is left to be run")
    samples = measure(programs, chosen, options.rounds, options.seconds)
    version = run([HOST, "--version"])
    print(f"Python {sys.version.split()[0]}, {version}, {options.rounds} rounds of {options.seconds} s")
    bases = {way: ways.base_of(way) for way in chosen if ways.base_of(way) != way}
    print(format_kept(samples, bases))
    ours = [way for way in chosen if way in ways.OURS]
    if ours and ways.HOOKS in chosen:
        print("\n" + format_kept_of_hooks(samples, ours, ways.HOOKS))
    if ours:
        print("\n" + format_said_costs(samples, ours, bases))
    for program in programs:
        dropped = sum(sample.dropped for of_way in samples[program].values() for sample in of_way if sample)
        if dropped:
            print(f"{program}: gilscope dropped {dropped} events")
    if options.json is not None:
        document = {
            "python": sys.version,
            "gilscope": version,
            "rounds": options.rounds,
            "seconds": options.seconds,
            "left_out": missing,
            "programs": {program: describe(program, samples[program], bases, ways.HOOKS) for program in programs},
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
