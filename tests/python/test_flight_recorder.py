"""gilscope.FlightRecorder: what this process did last, and dumps of it.

Only here a recorder's own thread runs beside the program. What takes long enough for a dump goes on until the dump is
there.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.schemas import validator_of

import gilscope

GILSCOPE = str(Path(sys.prefix, "bin", "gilscope"))

has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
pytestmark = [pytest.mark.alone, pytest.mark.skipif(not has_gil, reason="this Python has no GIL")]


def report(folder):
    asked = subprocess.run(
        [GILSCOPE, "report", "--check", "--json", "-", str(folder)], check=True, capture_output=True, text=True
    )
    document = json.loads(asked.stdout)
    validator_of("summary").validate(document)
    return document


class Turns:
    """Two threads that take turns at the GIL until the end of a `with` statement."""

    def __enter__(self):
        self.is_over = False
        self.threads = [threading.Thread(target=self.work, name=f"turn {i}") for i in range(2)]
        for thread in self.threads:
            thread.start()
        return self

    def work(self):
        while not self.is_over:
            sum(range(100_000))

    def __exit__(self, *_):
        self.is_over = True
        for thread in self.threads:
            thread.join()


def test_what_takes_long_is_dumped_and_told(tmp_path):
    told = threading.Event()
    dumps = []

    def tell(dump):
        dumps.append((dump, threading.current_thread().name))
        told.set()

    folder = tmp_path / "dumps"
    with gilscope.FlightRecorder("60s", when=["hold>1us"], folder=folder, on_dump=tell) as recorder:
        with Turns():
            told.wait()
        first = dumps[0][0]
        assert dumps[0][1] == "gilscope flight recorder"
        assert (first.reason, first.error, first.pid) == ("hold", None, os.getpid())
        assert first.ns >= 1000
        assert first.folder.parent == folder
    assert recorder.dumps == [dump for dump, _ in dumps]
    document = report(first.folder)
    assert document["kept"]["dump"]["reason"] == "hold"
    assert document["check"]["passed"]
    assert {"turn 0", "turn 1"} <= {thread["name"] for thread in document["processes"][0]["threads"]}


def test_a_dump_that_is_asked_for(tmp_path):
    with gilscope.FlightRecorder("64M") as recorder:
        for _ in range(100):
            time.sleep(0)
        assert recorder.dump(tmp_path / "one") == tmp_path / "one"
        document = report(tmp_path / "one")
        assert document["kept"]["dump"]["reason"] == "request"
        assert document["processes"][0]["cpu_ns"] > 0
        with pytest.raises(gilscope.Error, match="one exists already"):
            recorder.dump(tmp_path / "one")
        recorder.dump(tmp_path / "one", force=True)
    assert recorder.dumps == []
    with pytest.raises(gilscope.Error, match="does not run; try: its start"):
        recorder.dump(tmp_path / "two")
    recorder.stop()
    with pytest.raises(gilscope.Error, match="was started before"):
        recorder.start()


def test_what_a_callback_raises_is_printed_and_it_is_called_again(tmp_path, capfd):
    called = threading.Semaphore(0)

    def fail(_):
        called.release()
        raise ValueError("no place for this dump")

    when = ["hold>1us"]
    with gilscope.FlightRecorder("10ms", when=when, folder=tmp_path / "dumps", on_dump=fail), Turns():
        called.acquire()
        called.acquire()
    assert "ValueError: no place for this dump" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keep": "long"}, "^long: this is neither a time nor a size; try: 30s"),
        ({"when": ["sleep>1s"]}, "^sleep>1s: this is nothing to wait for; try: hold>50ms"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(gilscope.Error, match=message):
        gilscope.FlightRecorder(**arguments)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    told = threading.Event()
    with (
        gilscope.FlightRecorder(
            "10ms", when=["hold>1us"], folder=tmp_path / "file", on_dump=lambda _: told.set()
        ) as recorder,
        Turns(),
    ):
        told.wait()
    assert recorder.dumps[0].folder is None
    assert recorder.dumps[0].error


def test_a_callback_may_stop_the_recorder(tmp_path):
    stopped = threading.Event()

    def stop(_):
        recorder.stop()
        stopped.set()
        sys.exit()

    recorder = gilscope.FlightRecorder("10ms", when="hold>1us", folder=tmp_path / "dumps", on_dump=stop)
    recorder.start()
    with Turns():
        stopped.wait()
    recorder.stop()
    with gilscope.FlightRecorder("10ms"):
        pass


def test_a_bound_of_dumps_that_is_none_is_refused():
    with pytest.raises(ValueError, match="dumps_per_hour is 1 or more, not 0"):
        gilscope.FlightRecorder(dumps_per_hour=0)


# It ends as it likes: the child first, which had the recorder, too, and its parent without a stop().
FORKS = """
import gilscope, os, sys, threading
recorder = gilscope.FlightRecorder("60s")
recorder.start()
with open("/proc/self/maps") as maps:
    ring, = {line.split(maxsplit=5)[5].strip().rpartition("/")[0] for line in maps if ".events" in line}
child = os.fork()
if child == 0:
    for _ in range(1000): threading.Lock().acquire(); sum(range(10))
    sys.exit(3)
_, status = os.waitpid(child, 0)
recorder.dump(sys.argv[1])
print(os.waitstatus_to_exitcode(status), ring)
"""


@pytest.mark.filterwarnings("ignore")
def test_forks_are_in_it_and_nothing_is_left_at_the_end(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, str(tmp_path / "dump")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    status, ring = ran.stdout.split()
    assert status == "3"
    assert not Path(ring).parent.exists()
    assert len(report(tmp_path / "dump")["processes"]) >= 1
