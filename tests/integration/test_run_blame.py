"""Which line made others wait: `gilscope run`, with a capture and without one, of programs whose culprit is known."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parents[1] / "programs" / "blame"

BUSY = """
import threading
def work():
    for i in range(600_000): i * i
threads = [threading.Thread(target=work, name=f"worker {i}") for i in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.fixture(autouse=True)
def only_with_a_gil(free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL, or its stacks are not read")


@pytest.fixture(params=["captured", "counted"])
def record(request, run, host, capture, report_truth, tmp_path):
    """Runs a script; its summary's JSON, and what the run said."""

    def record(*arguments: str) -> tuple[dict[str, Any], str]:
        file = tmp_path / "run.json"
        kept = ["-o", str(capture)] if request.param == "captured" else ["--json", str(file)]
        ran = run([host, "run", *kept, *arguments])
        assert ran.returncode == 0, ran.stderr
        return report_truth(capture) if request.param == "captured" else json.loads(file.read_text()), ran.stderr

    return record


def holds_of(process: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in process["blame"] if row["thread"] is not None]


def lines_of(rows: list[dict[str, Any]], file: str) -> list[int]:
    """Of each row the innermost line in that file."""
    inner = [[place["line"] for place in row["stack"] if place["file"] == file] for row in rows]
    return [lines[0] for lines in inner if lines]


def assert_sums(process: dict[str, Any]) -> None:
    """Thread by thread, what was caused is what was waited; each figure is rounded to a nanosecond."""
    caused: dict[int, int] = {}
    for row in process["blame"]:
        waits = [waiter["wait_ns"] for waiter in row["waiters"]]
        assert abs(sum(waits) - row["caused_wait_ns"]) <= len(waits) + 1
        for waiter in row["waiters"]:
            caused[waiter["thread"]] = caused.get(waiter["thread"], 0) + waiter["wait_ns"]
    waited: dict[int, int] = {}
    for thread in process["threads"]:
        waited[thread["id"]] = waited.get(thread["id"], 0) + thread["wait_ns"]
    for thread, wait in waited.items():
        assert abs(caused.pop(thread, 0) - wait) <= len(process["blame"]) + 1
    assert not caused


@pytest.mark.alone  # who lost its CPU makes others wait, too
@pytest.mark.parametrize(
    ("program", "thread", "waiter"),
    [
        ("loop_beside_io.py", "computer", "MainThread"),
        ("long_regex.py", "MainThread", "server"),
        ("kept_by_c.py", "MainThread", "reader"),
        ("large_json.py", "handler", None),
        ("loop_beside_asyncio.py", "computer", "MainThread"),
        ("lock_convoy.py", None, None),
    ],
)
def test_the_culprit_is_named_first(record, program, thread, waiter):
    path = PROGRAMS / program
    culprits = [i for i, line in enumerate(path.read_text().splitlines(), 1) if line.endswith("# culprit")]
    document, said = record(str(path))
    process = document["processes"][0]
    assert_sums(process)
    first = holds_of(process)[0]
    names = {row["id"]: row["name"] for row in process["threads"]}
    assert lines_of([first], str(path))[0] in culprits
    assert thread is None or names[first["thread"]] == thread
    worst = max(first["waiters"], key=lambda row: row["wait_ns"])
    assert waiter is None or names[worst["thread"]] == waiter
    sentence = " ".join(said.split("Who made others wait, ")[1].split("\n", 1)[1].split(";")[0].split())
    assert any(f"{program}:{line} " in sentence or f"{program}:{line}:" in sentence for line in culprits)
    assert thread is None or f"by {thread}" in sentence


def test_holds_are_ranked_by_what_they_caused(record, script):
    document, _ = record(script(BUSY.replace("600_000", "3_000_000")))
    caused = [row["caused_wait_ns"] for row in holds_of(document["processes"][0])]
    assert caused == sorted(caused, reverse=True)
    # From its second hold on, a thread goes on where it was forced to stop.
    inside = [row for row in holds_of(document["processes"][0]) if row["from"] and row["from"] == row["to"]]
    assert inside[0]["to"]["function"] == "work"
    assert inside[0]["forced"] > 0
    assert inside[0]["hold_ns"] >= inside[0]["max_hold_ns"] >= inside[0]["hold_ns"] / inside[0]["holds"] - 1


def test_without_stacks_the_threads_are_blamed_and_no_line(record, script):
    document, said = record("--no-stacks", script(BUSY))
    process = document["processes"][0]
    assert_sums(process)
    assert holds_of(process)
    assert all(row["from"] is row["to"] is None and row["stack"] == [] for row in process["blame"])
    assert "lines not known: held " in said
    assert document["probe"]["stacks_unreadable"] is False


# Each piece of code is compiled, run while others wait, and deleted: the next one may have its address.
GENERATED = """
import os, threading
over = False
def ask():
    zero = os.open("/dev/zero", os.O_RDONLY)
    while not over: os.read(zero, 1)
thread = threading.Thread(target=ask)
thread.start()
for i in range(60):
    code = compile("\\n" * (i % 7) + "for _ in range(150_000): pass", f"made{i}", "exec")
    exec(code)
    del code
over = True
thread.join()
"""


def test_generated_and_deleted_code_keeps_its_own_lines(record, script):
    document, _ = record(script(GENERATED))
    places = [row["to"] for row in holds_of(document["processes"][0]) if row["to"]]
    made = [place for place in places if place["file"].startswith("made")]
    for place in made:
        # None: its first instruction, RESUME, may have no line.
        assert place["line"] in (None, int(place["file"].removeprefix("made")) % 7 + 1)
    assert len({place["file"] for place in made if place["line"]}) >= 10


TASKS = """
import asyncio, threading
def ask():
    while not over.is_set(): sum(range(1000))
def chunks():
    for i in range(20): yield sum(range(i * 50_000))
async def parse():
    return [chunk for chunk in chunks()]
async def handle():
    await parse()
async def main():
    await asyncio.gather(handle(), asyncio.create_task(handle(), name="second"))
over = threading.Event()
thread = threading.Thread(target=ask)
thread.start()
asyncio.run(main())
over.set()
thread.join()
"""


def test_a_generator_in_a_coroutine_has_the_stack_up_to_its_task(record, script):
    path = script(TASKS)
    document, said = record(path)
    rows = [row for row in holds_of(document["processes"][0]) if row["task"] == "handle"]
    stacks = [[place["function"] for place in row["stack"] if place["file"] == path] for row in rows]
    assert any("chunks" in stack[0] for stack in stacks)
    for stack in stacks:
        assert "handle" in stack
        assert stack[-1] == "<module>"
    assert ", in the task of handle" in " ".join(said.split())
    (main,) = [row for row in document["processes"][0]["threads"] if row["name"] == "MainThread"]
    waits = main["longest_waits"]
    assert 1 <= len(waits) <= 4
    assert waits[0]["wait_ns"] == main["wait"]["max_ns"]
    assert all(wait["stack"] for wait in waits)


# 3.11 has no interpreter with a GIL of its own, and no threads in isolated ones.
IN_AN_INTERPRETER = f"""
import sys
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
other = interpreters.create(isolated=False) if sys.version_info < (3, 12) else interpreters.create()
interpreters.run_string(other, '''{BUSY}''')
interpreters.destroy(other)
"""


def test_an_interpreter_that_has_ended_keeps_its_lines(record, script):
    document, _ = record(script(IN_AN_INTERPRETER))
    process = document["processes"][0]
    assert_sums(process)
    rows = [row for row in holds_of(process) if row["to"] and row["to"]["function"] == "work"]
    assert rows
    assert {place["file"] for row in rows for place in row["stack"]} & {"<string>", "<script>"}
    if document["python"]["version"] >= "3.12":
        assert all(row["gil"] > 0 for row in rows)


def test_children_by_fork_and_spawn_have_their_lines(record, script):
    code = f"""
import multiprocessing, threading
def busy():
    exec(compile('''{BUSY}''', "busy.py", "exec"), dict(__name__="busy"))
if __name__ == "__main__":
    for method in ("fork", "spawn"):
        child = multiprocessing.get_context(method).Process(target=busy)
        child.start()
        child.join()
        assert child.exitcode == 0
"""
    document, _ = record(script(code))
    for method in ("fork", "spawn"):
        child = next(row for row in document["processes"] if row["start_method"] == method)
        assert_sums(child)
        assert any(row["to"]["file"] == "busy.py" for row in holds_of(child) if row["to"]), method


def test_lines_outlive_a_process_that_was_killed(run, host, capture, report_truth, script):
    code = BUSY + f"\nimport os; os.kill(os.getpid(), {int(signal.SIGKILL)})"
    assert run([host, "run", "-o", str(capture), script(code)]).returncode == -signal.SIGKILL
    process = report_truth(capture)["processes"][0]
    assert_sums(process)
    assert any(row["to"]["function"] == "work" for row in holds_of(process) if row["to"])


def test_daemon_threads_that_still_wait_at_the_end_break_nothing(record, script):
    document, _ = record(script(BUSY.replace("name=", "daemon=True, name=").replace("thread.join()", "pass")))
    assert_sums(document["processes"][0])


def test_names_that_no_terminal_shows_are_shown_safely(record, tmp_path):
    file = tmp_path / "\x1b[31m größe.py"
    file.write_text(BUSY)
    document, said = record(str(file))
    row = next(row for row in holds_of(document["processes"][0]) if row["to"] and row["to"]["function"] == "work")
    assert row["to"]["file"] == str(file)
    assert re.search(r"\?\[31m größe\.py:\d+ work", said)
