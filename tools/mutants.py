"""Which faults a test suite finds.

`list` draws lines of the sources at random and changes each in one small way (mutations.py); of several checkouts, it
takes lines that all have. `run` puts one such fault after the other into a clone that nobody works in, builds, runs a
suite until the first test fails, and takes it out again. A faulty program may do anything: what runs is in a PID
namespace of its own (for root), but nothing protects files.

    mutants.py list OLD NEW >list.jsonl
    mutants.py run NEW --list list.jsonl --results new.jsonl --stage 'ctest …' --stage '.venv/bin/pytest -x …'
    mutants.py run OLD --list list.jsonl --results old.jsonl --only-survivors-of new.jsonl --stage …
    mutants.py compare old.jsonl new.jsonl
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mutations import Mutant, draw

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).resolve().parent
# All that tests run; sourced by a shell whose $0 is in tools/.
BUILD = '. tools/build.sh && ninja -C "$BUILD" --quiet'
# As pytest and ctest name a test that failed.
CULPRIT = re.compile(r"^(?:FAILED|ERROR) (\S+)|^\s*\d+ - (\S+) \((?!Skipped|Not Run)", re.MULTILINE)
FOUND = {"killed", "timed out"}
COUNTED = {*FOUND, "survived"}


def read(file: Path | None) -> list[dict[str, Any]]:
    """The lines of a file of JSON lines; none of no file."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file and file.exists() else []


def execute(command: str, checkout: Path, limit_s: float) -> tuple[str, str]:
    """How a command ended (passed, failed, timed out), and what it said. Of what it started, nothing is left."""
    contained = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, str(HERE / "stutter.py")]
    environment = os.environ | {"CCACHE_BASEDIR": str(checkout), "CCACHE_NOHASHDIR": "1"}
    with subprocess.Popen(
        [*contained, "--stopped", "0", "sh", "-c", command, "tools/mutants"],
        cwd=checkout, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return "timed out", process.communicate()[0]
        except BaseException:
            process.kill()
            raise
    return "failed" if process.returncode else "passed", said


def host_digest(checkout: Path) -> str:
    """Of the code that was built."""
    return hashlib.sha256((checkout / "build/gilscope").read_bytes()).hexdigest()


def judge(options: argparse.Namespace) -> dict[str, str]:
    """What the suite says of what is built."""
    for stage in options.stage:
        for _ in range(options.times):
            ended, said = execute(stage, options.checkout, options.limit)
            if ended == "passed":
                break
        else:
            found = CULPRIT.search(said)
            by = next(filter(None, found.groups())) if found else stage
            return {"result": "killed" if ended == "failed" else ended, "by": by, "said": said[-3000:]}
    return {"result": "survived"}


def try_mutant(mutant: Mutant, options: argparse.Namespace, unchanged: str) -> dict[str, str]:
    """Put it in, build, judge, take it out."""
    file = options.checkout / mutant.file
    text = file.read_text()
    lines = text.split("\n")
    index = mutant.index_in(lines)
    if index is None:
        return {"result": "no such line"}
    lines[index] = mutant.after
    try:
        file.write_text("\n".join(lines))
        ended, said = execute(BUILD, options.checkout, options.limit)
        if ended != "passed":
            return {"result": "did not build", "said": said[-3000:]}
        if not mutant.file.startswith("python/") and host_digest(options.checkout) == unchanged:
            return {"result": "same code"}
        return judge(options)
    finally:
        file.write_text(text)


def show(records: Iterable[dict[str, Any]]) -> None:
    """As a table, a line each."""
    for record in records:
        print(f"{record['result']:13} {record['seconds']:5} s  {record['name']}  {record.get('by', '')}", flush=True)


def run(options: argparse.Namespace) -> None:
    """As many mutants as are wanted; what the results have already is not done again."""
    checkout = options.checkout = options.checkout.resolve()
    changed = subprocess.check_output(["git", "-C", checkout, "status", "--porcelain"], text=True)
    if changed or checkout == HERE.parent:
        sys.exit(f"{checkout} is not a clean clone apart from this one: somebody may work there.\n{changed}")
    wanted = [Mutant(**mutant) for mutant in read(options.list)]
    if options.only_survivors_of:
        survivors = {record["name"] for record in read(options.only_survivors_of) if record["result"] == "survived"}
        wanted = [mutant for mutant in wanted if str(mutant) in survivors]
    done = {record["name"]: record for record in read(options.results)}

    def finish(called: str, result: dict[str, str], begin: float) -> None:
        done[called] = {"name": called, **result, "seconds": round(time.monotonic() - begin)}
        with options.results.open("a") as results:
            results.write(json.dumps(done[called]) + "\n")
        show([done[called]])

    begin = time.monotonic()
    ended, said = execute(BUILD, checkout, options.limit)
    if ended != "passed":
        sys.exit(f"without any mutant it does not build:\n{said[-3000:]}")
    unchanged = host_digest(checkout)
    if "unchanged" not in done:
        result = judge(options)
        if result["result"] != "survived":
            sys.exit(f"without any mutant the suite fails, by {result['by']}:\n{result['said']}")
        finish("unchanged", {"result": "green"}, begin)
    for mutant in wanted:
        if sum(record["result"] in COUNTED for record in done.values()) >= options.count:
            break
        if str(mutant) not in done:
            begin = time.monotonic()
            finish(str(mutant), try_mutant(mutant, options, unchanged), begin)
    print()
    show(done.values())


def compare(options: argparse.Namespace) -> None:
    """What one suite found and the other did not; of a mutant that one of them was not asked for, a dash."""
    one, other = ({record["name"]: record for record in read(file)} for file in (options.one, options.other))
    for name in dict.fromkeys([*one, *other]):
        both = [records.get(name, {"result": "-"}) for records in (one, other)]
        if any(record["result"] in COUNTED for record in both):
            print("{:10} {:10} ".format(*(record["result"] for record in both)), name)
    for file, records in ((options.one, one), (options.other, other)):
        results = [record["result"] for record in records.values() if record["result"] in COUNTED]
        print(f"{file}: found {sum(result in FOUND for result in results)} of {len(results)}")


def main() -> None:
    """One of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    lister = commands.add_parser("list")
    lister.add_argument("checkouts", nargs="+", type=Path)
    lister.add_argument("--seed", type=int, default=1)
    lister.add_argument("--count", type=int, default=100, help="more than wanted: some do not compile (100)")
    runner = commands.add_parser("run")
    runner.add_argument("checkout", type=Path)
    runner.add_argument("--list", type=Path, required=True)
    runner.add_argument("--results", type=Path, required=True, help="a file of JSON lines, which is gone on with")
    runner.add_argument("--stage", action="append", required=True, help="a command of the suite; the cheapest first")
    runner.add_argument("--count", type=int, default=30, help="of mutants that compile to other code (30)")
    runner.add_argument("--limit", type=float, default=1800, help="seconds for each stage (1800)")
    runner.add_argument("--times", type=int, default=1, help="that a stage must fail, where tests are flaky (1)")
    runner.add_argument("--only-survivors-of", type=Path, metavar="RESULTS")
    comparer = commands.add_parser("compare")
    comparer.add_argument("one", type=Path)
    comparer.add_argument("other", type=Path)
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if options.command == "list":
        for mutant in draw(options.checkouts, options.seed, options.count):
            print(json.dumps(mutant._asdict()))
    else:
        {"run": run, "compare": compare}[options.command](options)


if __name__ == "__main__":
    main()
