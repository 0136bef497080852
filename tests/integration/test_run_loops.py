"""Event loops that stand still by themselves, with no second thread: `loop_steps` of `gilscope run`, by both recorders.

A long step spins for longer than a long one takes: a busy machine only makes it longer.
"""

import sysconfig

import pytest
from tests.integration.summaries import steps_of

pytestmark = pytest.mark.usefixtures("only_with_a_gil")

# A step is told where it was when garbage was collected in its midst, as it may be at any time.
LOOP = """
import asyncio, contextvars, gc, time
gc.disable()

def spin():
    end = time.perf_counter() + 0.06
    while time.perf_counter() < end: pass

async def beat():
    while True: await asyncio.sleep(0.001)

async def handle():
    spin()
    await asyncio.sleep(0)  # here it waits, once it has been long

async def main():
    beating = asyncio.create_task(beat())
    for _ in range(3):
        await asyncio.sleep(0)
        await asyncio.create_task(handle())
    beating.cancel()
"""


@pytest.mark.contract
def test_a_handler_that_takes_long_is_told_with_its_line_and_how_often(summarize):
    ran, document = summarize(LOOP + "asyncio.run(main())\nprint('done')")
    assert (ran.returncode, ran.stdout) == (0, "done\n")
    (process,) = document["processes"]
    (row,) = steps_of(process, "handle")
    line = next(number for number, line in enumerate(LOOP.splitlines(), 1) if "here it waits" in line)
    assert row["place"]["file"].endswith("script.py")
    assert (row["place"]["line"], row["count"], row["work"]) == (line, 3, None)
    assert row["thread"] == process["threads"][0]["id"]
    assert 3 * 60_000_000 <= row["total_ns"] <= process["wall_ns"]
    assert 60_000_000 <= row["max_ns"] <= row["total_ns"]
    assert 0 < row["max_begin_ns"] <= process["wall_ns"] - row["max_ns"]
    assert row["alone"] < 3, "a timer was due"
    said = " ".join(ran.stderr.split())
    assert f"handle (script.py:{line}) in MainThread: 3 × up to" in said.split("Steps of event loops")[1]


# As uvloop does, whose handles enter their context by the C API.
OWN_WAY = "asyncio.events.Handle._run = lambda self: self._callback(*self._args)\n"


@pytest.mark.contract
def test_of_a_loop_with_a_way_of_its_own_the_steps_of_tasks_are_told(summarize, run, stock):
    if run([stock, "-c", "import _asyncio; print(hasattr(_asyncio, '__file__'))"]).stdout != "True\n":
        pytest.skip("asyncio's C code is a part of this Python")
    ran, document = summarize(LOOP + OWN_WAY + "asyncio.run(main())\nprint('done')")
    assert (ran.returncode, ran.stdout) == (0, "done\n")
    (row,) = steps_of(document["processes"][0], "handle")
    line = next(number for number, line in enumerate(LOOP.splitlines(), 1) if "here it waits" in line)
    assert (row["place"]["line"], row["count"]) == (line, 3)
    assert 3 * 60_000_000 <= row["total_ns"] <= document["processes"][0]["wall_ns"]


def test_so_are_those_of_uvloop(summarize):
    """Which is imported by the program, as asyncio's C code is."""
    pytest.importorskip("uvloop", reason="uvloop is not installed: group integrations")
    code = f"import sys; sys.path.append({sysconfig.get_path('platlib')!r})\nimport uvloop\n"
    ran, document = summarize(f"{LOOP}{code}uvloop.run(main())")
    assert ran.returncode == 0
    (row,) = steps_of(document["processes"][0], "handle")
    assert row["count"] == 3


CALLBACKS = """
class Answer(asyncio.Protocol):
    def data_received(self, data):
        nested.run(spin)
        asyncio.get_running_loop().call_later(0, later, closed)

def soon(): spin()
def later(closed): spin(); closed.set_result(None)
def fail(): spin(); raise KeyError("kept")

async def serve():
    global closed
    loop = asyncio.get_running_loop()
    closed = loop.create_future()
    heard = []
    loop.set_exception_handler(lambda loop, context: heard.append(context["exception"].args))
    loop.call_soon(soon)
    loop.call_soon(sum, range(10))
    server = await loop.create_server(Answer, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"ask")
    await closed
    loop.call_soon(fail)
    await asyncio.sleep(0.001)
    writer.close()
    server.close()
    print(heard)

nested = contextvars.copy_context()
"""


def test_so_are_callbacks_of_uvloop_that_are_no_tasks(summarize, run, stock):
    """By what they called, which CPython forgets since 3.14."""
    pytest.importorskip("uvloop", reason="uvloop is not installed: group integrations")
    forgets = run([stock, "-c", "import sys; print(sys.version_info >= (3, 14))"]).stdout == "True\n"
    code = f"import sys; sys.path.append({sysconfig.get_path('platlib')!r})\nimport uvloop\n"
    ran, document = summarize(f"{LOOP}{CALLBACKS}{code}uvloop.run(serve())\nuvloop.run(main())")
    assert (ran.returncode, ran.stdout) == (0, "[('kept',)]\n")
    (process,) = document["processes"]
    if not forgets:
        for function in ("soon", "Answer.data_received", "later"):
            assert [row["count"] for row in steps_of(process, function)] == [1], function
    assert sum(row["count"] for row in process["loop_steps"]) >= 4 + 3, "of callbacks, and of tasks once each"
    assert [row["count"] for row in steps_of(process, "handle")] == [3]


def test_without_lines_no_step_is_watched(summarize):
    _, document = summarize(LOOP + "asyncio.run(main())", flags=["--no-stacks"])
    assert document["processes"][0]["loop_steps"] == []


def test_the_child_of_a_fork_has_its_own_steps(summarize):
    children = "\n".join(
        [
            "import multiprocessing",
            "asyncio.run(main())",
            "child = multiprocessing.get_context('fork').Process(target=lambda: asyncio.run(main()))",
            "child.start()",
            "child.join()",
        ]
    )
    _, document = summarize(LOOP + children)
    assert [sum(row["count"] for row in steps_of(process, "handle")) for process in document["processes"]] == [3, 3]


SAME = """
import contextvars, inspect
context = contextvars.copy_context()
run = contextvars.Context.run
variable = contextvars.ContextVar("variable", default=1)
def change(to, *, by=0): variable.set(to + by); return variable.get()
print(run, context.run(change, 2, by=3), variable.get(), context[variable], inspect.signature(change))
for wrong in (lambda: context.run(), lambda: context.run(context.run, change, 1), lambda: run(1, change)):
    try: print(wrong())
    except Exception as error: print(type(error), str(error).split("0x")[0])
"""


AUDITED = f"""
import sys
heard = []
sys.addaudithook(lambda event, arguments: heard.append(arguments[1:]) if event == "object.__getattr__" else None)
{LOOP}
async def handle_thrice():
    for _ in range(3): await asyncio.create_task(handle())

asyncio.run(asyncio.sleep(0))  # what this loads, the host may have loaded
heard.clear()
asyncio.run(handle_thrice())
print(heard)
"""


@pytest.mark.contract
def test_audit_hooks_of_the_program_hear_of_nothing(run, script, stock, summarize):
    """But for what asyncio itself asks for, as some versions do."""
    bare = run([stock, script(AUDITED)])
    ran, document = summarize(AUDITED)
    assert ran.stdout == bare.stdout
    assert steps_of(document["processes"][0], "handle")


@pytest.mark.contract
def test_the_program_does_not_notice(run, host, script, stock):
    traced = run([host, "run", "-q", script(SAME)])
    bare = run([stock, script(SAME)])
    assert (traced.returncode, traced.stdout, traced.stderr) == (0, bare.stdout, bare.stderr)
