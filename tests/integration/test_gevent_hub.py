"""Greenlets that keep gevent's hub from all others: `loop_steps` of `gilscope run`, of real greenlets.

Only here the hub is a greenlet itself: switches that return late, in another order, or never. A long step spins for
longer than a long one takes: a busy machine only makes it longer.
"""

import sysconfig

import pytest
from tests.integration.summaries import steps_of

pytest.importorskip("gevent", reason="gevent is not installed: group integrations")

pytestmark = pytest.mark.usefixtures("only_with_a_gil")

BEGIN = f"""
import sys
sys.path.append({sysconfig.get_path("platlib")!r})
"""

# A step is told where it was when garbage was collected in its midst, as it may be at any time.
SPIN = """
import gc, time
gc.disable()
clock = time.perf_counter

def spin():
    end = clock() + 0.06
    while clock() < end: pass
"""

HUB = (
    BEGIN
    + "import gevent\n"
    + SPIN
    + """
def beat():
    while True: gevent.sleep(0.001)

beating = gevent.spawn(beat)
gevent.sleep(0.01)
"""
)


def line_of(code, words):
    return next(number for number, line in enumerate(code.splitlines(), 1) if words in line)


def test_a_greenlet_that_takes_long_is_told_where_it_waits_now(summarize):
    code = f"""{HUB}
def deep():
    spin()
    gevent.sleep(0)  # here it waits

def handle():
    for _ in range(3): deep()

gevent.spawn(handle).join()
print("done")
"""
    ran, document = summarize(code)
    assert (ran.returncode, ran.stdout) == (0, "done\n")
    (process,) = document["processes"]
    (row,) = steps_of(process, "deep")
    assert row["place"]["file"].endswith("script.py")
    assert (row["place"]["line"], row["count"], row["work"]) == (line_of(code, "here it waits"), 3, None)
    assert row["thread"] == process["threads"][0]["id"]
    assert 3 * 60_000_000 <= row["total_ns"] <= process["wall_ns"]
    assert row["alone"] < 3, "a timer was due"
    assert f"deep (script.py:{row['place']['line']}) in MainThread: 3 × up to" in " ".join(ran.stderr.split())


def test_one_that_is_over_is_told_by_what_it_ran(summarize):
    code = f"""{HUB}
import functools

def handle(): spin()

class Mine(gevent.Greenlet):
    def _run(self): spin()

class Server:
    def answer(self): spin()

def late():
    gevent.sleep(0.01)
    spin()

def made():
    exec("def forgotten(): spin()", globals())
    return globals().pop("forgotten")

for _ in range(2): gevent.spawn(handle).join()
one = Mine()
one.start()
one.join()
gevent.spawn(Server().answer).join()
gevent.spawn(late).join()
gevent.spawn(made()).join()
"""
    ran, document = summarize(code)
    assert ran.returncode == 0
    (process,) = document["processes"]
    counts = {row["place"]["function"]: row["count"] for row in process["loop_steps"] if row["place"]}
    for function, count in {"handle": 2, "Mine._run": 1, "Server.answer": 1, "late": 1}.items():
        assert counts.get(function) == count
    (row,) = steps_of(process, "handle")
    assert row["place"]["line"] == line_of(code, "def handle")
    (row,) = steps_of(process, "late")
    assert row["place"]["line"] == line_of(code, "def late")


def test_one_that_is_killed_or_raises_is_told_and_all_comes_where_it_has_to(summarize):
    code = f"""{HUB}
def clean_up():
    try: gevent.sleep(10)
    finally: spin()

def fail():
    spin()
    raise KeyError("kept")

one = gevent.spawn(clean_up)
gevent.sleep(0.01)
one.kill()
other = gevent.spawn(fail)
try: other.get()
except KeyError as error: print(error.args)
print(type(one.value).__name__, one.dead, other.successful())
"""
    ran, document = summarize(code)
    assert (ran.returncode, ran.stdout) == (0, "('kept',)\nGreenletExit True False\n")
    (process,) = document["processes"]
    assert [row["count"] for name in ("clean_up", "fail") for row in steps_of(process, name)] == [1, 1]


def test_what_was_seen_in_the_middle_has_the_line_that_ran(summarize):
    code = f"""{HUB}
import gc
def parse():
    spin()
    gc.collect(0)  # here it was seen

def handle(): parse()

gevent.spawn(handle).join()
"""
    _, document = summarize(code)
    (row,) = steps_of(document["processes"][0], "parse")
    assert row["place"]["line"] == line_of(code, "here it was seen")


def test_greenlets_that_wait_for_long_keep_nobody(summarize):
    code = f"""{HUB}
def wait(): gevent.sleep(0.1)
gevent.joinall([gevent.spawn(wait) for _ in range(10)])
import greenlet
def aside():
    spin()
    back.switch()
back = greenlet.getcurrent()
greenlet.greenlet(aside).switch()  # not the hub's
"""
    _, document = summarize(code)
    (process,) = document["processes"]
    assert not steps_of(process, "wait")
    assert not steps_of(process, "aside")


def test_hubs_of_several_threads_and_of_a_forked_child_have_their_own(summarize):
    code = f"""{HUB}
import os, threading

def handle():
    spin()
    gevent.sleep(0)

def serve():
    for _ in range(2): gevent.spawn(handle).join()

thread = threading.Thread(target=serve, name="second hub")
thread.start()
thread.join()
serve()
child = gevent.os.fork_and_watch() if hasattr(gevent, "os") else os.fork()
if child == 0:
    serve()
    sys.exit(0)
os.waitpid(child, 0)
"""
    ran, document = summarize(code)
    assert ran.returncode == 0
    parent, child = document["processes"]
    names = {thread["id"]: thread["name"] for thread in parent["threads"]}
    assert sorted((names[row["thread"]], row["count"]) for row in steps_of(parent, "handle")) == [
        ("MainThread", 2),
        ("second hub", 2),
    ]
    assert [row["count"] for row in steps_of(child, "handle")] == [2]


PATCHED_SERVER = (
    BEGIN
    + """
from gevent import monkey
monkey.patch_all()
import gc, socket, threading, time, urllib.request
from gevent.pywsgi import WSGIServer
"""
    + SPIN
    + """
def application(environ, start_response):
    spin()
    gc.collect(0)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"answer"]

server = WSGIServer(("127.0.0.1", 0), application, log=None)
server.start()

def ask():
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}") as answer:
        answers.append(answer.read())

answers = []
askers = [threading.Thread(target=ask) for _ in range(3)]
for asker in askers: asker.start()
for asker in askers: asker.join()
server.stop()
print(answers)
"""
)


def test_a_server_of_a_patched_program_is_told_by_its_handler(summarize):
    ran, document = summarize(PATCHED_SERVER)
    assert (ran.returncode, ran.stdout) == (0, f"{[b'answer'] * 3}\n")
    (row,) = steps_of(document["processes"][0], "application")
    assert row["count"] == 3


# What gilscope's own module does in the middle of it: starts and stops while greenlets wait in a call of ours.
STORM = f"""{HUB}
import gilscope, random, greenlet
methods = [str(method) for method in (greenlet.greenlet.switch, greenlet.greenlet.throw)]
dice = random.Random(7)

def live(depth):
    for _ in range(dice.randrange(20)):
        if depth and dice.random() < 0.2:
            child = gevent.spawn(live, depth - 1)
            if dice.random() < 0.5: gevent.sleep(0)
            if dice.random() < 0.5: child.kill(block=dice.random() < 0.5)
            elif dice.random() < 0.5: child.join()
        gevent.sleep(0 if dice.random() < 0.9 else 0.0001)

def dropped():
    for _ in range(100):
        one = greenlet.greenlet(lambda: greenlet.getcurrent().parent.switch())
        one.switch()
        del one  # thrown GreenletExit as it is freed

for _ in range(20):
    with gilscope.trace():
        greenlets = [gevent.spawn(live, 3) for _ in range(20)] + [gevent.spawn(dropped)]
        gevent.sleep(0)
        with gilscope.trace(): gevent.sleep(0.0005)
    gevent.joinall(greenlets)
tracing = gilscope.trace()

def stop():
    tracing.__exit__(None, None, None)

tracing.__enter__()
gevent.spawn(stop).join()  # within the hub's own switch
assert methods == [str(method) for method in (greenlet.greenlet.switch, greenlet.greenlet.throw)]
beating.kill()
print("calm")
"""


@pytest.mark.any_host
def test_a_storm_of_switches_goes_on_whoever_starts_and_stops(run, host, script, stock):
    package = f"import sys; sys.path.append({sysconfig.get_path('purelib')!r})\n"
    for command in ([host, "run", "-q", script(package + STORM)], [stock, script(package + STORM)]):
        ran = run(command)
        assert (ran.returncode, ran.stdout) == (0, "calm\n"), ran.stderr
