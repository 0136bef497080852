"""Which line made others wait: `gilscope run` reads it from the frames of every kind of code, in every kind of process.

Only here live frames become the lines of a report. Each line that is asked for keeps the GIL until another thread has
waited for it there and taken it: who waited, and for which line, is so by construction. Who is blamed first is asked of
recorded runs, in test_run_findings.py.
"""

import signal

import pytest
from tests.integration.summaries import assert_blame_sums

pytestmark = pytest.mark.contract

# `asked()` begins a turn of the asker, that `ON` ends: a loop of bytecode that gives the GIL up only where it is forced
# to. The asker makes sure that it was within this loop, and then waits for the GIL once more.
ASKER = """
import os, threading
turn, wanted, inside, over = threading.Lock(), threading.Lock(), set(), []
wanted.acquire()
def ask():
    zero = os.open("/dev/zero", os.O_RDONLY)
    while wanted.acquire() and not over:
        while not inside: os.read(zero, 1)
        os.read(zero, 1)
        turn.release()
def asked():
    inside.clear()
    turn.acquire()
    wanted.release()
    return iter(turn.locked, False)
asker = threading.Thread(target=ask, name="asker")
asker.start()
"""
END = """
over.append(1)
wanted.release()
asker.join()
"""
MOST_PLACES = 32  # of a stack
ON = "for _ in asked(): inside.add(1)"
BUSY = f"{ASKER}\ndef work():\n    {ON}\nfor _ in range(3): work()\n{END}"


@pytest.fixture(autouse=True)
def only_with_a_gil(free_threaded):
    if free_threaded:
        pytest.skip("free-threaded: there is no GIL, or its stacks are not read")


def holds_of(process):
    return [row for row in process["blame"] if row["thread"] is not None]


def held_in(process, file, line=None):
    """The rows of holds that were forced to end on a line of that file."""
    rows = [row for row in holds_of(process) if row["forced"] and row["to"] and row["to"]["file"] == file]
    return [row for row in rows if line in (None, row["to"]["line"])]


# Each of these lines has in its comment the functions of the script that are on the stack there, innermost first.
CODE = f"""
{ASKER}
{ON}  # <module>
def function():
    {ON}  # function, <module>
function()
def outer():
    def inner():
        {ON}  # outer.<locals>.inner, outer, <module>
    inner()
outer()
class Body:
    {ON}  # Body, <module>
def passed():
    {ON}  # passed, <lambda>, <module>
(lambda: passed())()
class Shape:
    def __init__(self, is_last):
        if is_last:
            {ON}  # Shape.__init__, construct, <module>
        self.is_last = is_last
    @property
    def size(self):
        if self.is_last:
            {ON}  # Shape.size, measure, <module>
# Often enough that CPython specializes the calls.
def construct():
    shapes = []
    for number in range(100): shapes.append(Shape(number == 99))
    return shapes
def measure(shapes):
    for shape in shapes: shape.size
measure(construct())
def key(number):
    {ON}  # key, <module>
max([1], key=key)
def generate():
    {ON}  # generate, delegate, <module>
    yield 1
def delegate():
    yield from generate()
list(delegate())
sum(1 for _ in asked() if not inside.add(1))  # <genexpr>, <module>
async def chunks():
    {ON}  # chunks, parse, handle, <module>
    yield 1
async def parse():
    {ON}  # parse, handle, <module>
    async for _ in chunks(): pass
async def handle():
    await parse()
async def main():
    await asyncio.create_task(handle())
import asyncio
asyncio.run(main())
def recurse(depth):
    if depth: recurse(depth - 1)
    else:
        {ON}  # {", ".join(["recurse"] * MOST_PLACES)}
recurse(50)
class Own(threading.Thread):
    def run(self):
        {ON}  # Own.run
own = Own(name="own")
own.start()
own.join()
def größe():
    {ON}  # größe, <module>
größe()
{END}"""


def test_every_shape_of_code_has_its_line_and_its_callers(summarize):
    _, document = summarize(CODE)
    (process,), path = document["processes"], document["command"][-1]
    names = {row["id"]: row["name"] for row in process["threads"]}
    shapes = [(number, line.partition("  # ")[2]) for number, line in enumerate(CODE.splitlines(), 1) if "  # " in line]
    for number, stack in shapes:
        rows = held_in(process, path, number)
        assert rows, stack
        assert {names[row["thread"]] for row in rows} == {"own" if stack == "Own.run" else "MainThread"}, stack
        assert "asker" in {names[waiter["thread"]] for row in rows for waiter in row["waiters"]}, stack
        for row in rows:
            functions = [place["function"] for place in row["stack"] if place["file"] == path]
            # Where a stack is full, what the line had called, as a waiter may see it, has the room of the outermost.
            places = len(row["stack"]) + (row["work"] is not None)
            others = places - len(functions) if places == MOST_PLACES else 0
            assert functions == stack.split(", ")[: len(stack.split(", ")) - others]
        assert {row["task"] for row in rows} == {"handle" if "handle" in stack else None}, stack

    caused = [row["caused_wait_ns"] for row in holds_of(process)]
    assert caused == sorted(caused, reverse=True)
    for row in holds_of(process):
        assert row["hold_ns"] >= row["max_hold_ns"] >= row["hold_ns"] / row["holds"] - 1
    asker = next(row for row in process["threads"] if row["name"] == "asker")
    assert asker["waits"] >= len(shapes) == 15
    assert asker["longest_waits"][0]["wait_ns"] == asker["wait"]["max_ns"]
    stacks = [wait["stack"] for wait in asker["longest_waits"]]
    assert sum({"ask"} <= {place["function"] for place in stack} for stack in stacks) >= len(stacks) - 1 == 3


def test_without_stacks_the_threads_are_blamed_and_no_line(summarize):
    ran, document = summarize(BUSY, flags=["--no-stacks"])
    (process,) = document["processes"]
    assert holds_of(process)
    assert all(row["from"] is row["to"] is None and row["stack"] == [] for row in process["blame"])
    assert "lines not known: held " in ran.stderr


def test_generated_and_deleted_code_keeps_its_own_lines_and_is_not_kept(summarize):
    """The next code has the address of the one before."""
    generate = f"""
import weakref
made = []
def generate(number):
    code = compile("\\n" * (number % 7) + "{ON}", f"made{{number}}", "exec")
    made.append(weakref.ref(code))
    exec(code)
for number in range(20): generate(number)
print("still there:", sum(ref() is not None for ref in made))
"""
    ran, document = summarize(ASKER + generate + END)
    assert "still there: 0\n" in ran.stdout
    (process,) = document["processes"]
    for number in range(20):
        rows = held_in(process, f"made{number}")
        # 0: its first instruction, RESUME, may have no line.
        assert {number % 7 + 1} <= {row["to"]["line"] for row in rows} <= {number % 7 + 1, 0, None}


# 3.11 has no interpreter with a GIL of its own, and no threads in isolated ones.
IN_AN_INTERPRETER = f"""
import sys
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
other = interpreters.create(isolated=False) if sys.version_info < (3, 12) else interpreters.create()
interpreters.run_string(other, '''{BUSY}''')
interpreters.destroy(other)
"""


def test_an_interpreter_that_has_ended_keeps_its_lines(summarize, host_version):
    (process,) = summarize(IN_AN_INTERPRETER)[1]["processes"]
    rows = [row for row in holds_of(process) if row["to"] and row["to"]["function"] == "work"]
    assert rows
    assert {place["file"] for row in rows for place in row["stack"]} & {"<string>", "<script>"}
    assert host_version < (3, 12) or all(row["gil"] > 0 for row in rows)


def test_children_by_fork_and_spawn_have_their_lines(summarize):
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
    _, *processes = summarize(code)[1]["processes"]
    children = {row["start_method"]: row for row in processes}
    assert children.keys() == {"fork", "spawn"}
    for child in children.values():
        assert held_in(child, "busy.py")


def test_lines_outlive_a_process_that_was_killed(run, host, capture, report_truth, script):
    path = script(BUSY + f"\nos.kill(os.getpid(), {int(signal.SIGKILL)})")
    assert run([host, "run", "-o", str(capture), path]).returncode == -signal.SIGKILL
    (process,) = report_truth(capture)["processes"]
    assert_blame_sums(process)
    assert held_in(process, path)


def test_names_that_no_terminal_shows_are_shown_safely(summarize):
    ran, document = summarize(BUSY, name="\x1b[31m größe.py")
    assert held_in(document["processes"][0], document["command"][-1])
    assert "\x1b" not in ran.stderr
