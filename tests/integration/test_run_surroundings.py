"""What `gilscope run` asks of Python and of the machine: without a process, and without a trace in the script's own."""

import json
import os
import select

import pytest
from tests.integration.conftest import PATIENCE_S

ASKING = pytest.mark.parametrize("flags", [["--json", "run.json"], ["-o", "capture"], ["--html", "page.html"]])


def told(folder, flags):
    """What the run says of Python and of the machine."""
    file = "run.json" if "--json" in flags else "capture/capture.json"
    document = json.loads((folder / file).read_text(encoding="utf-8"))
    return {key: document[key] for key in ("python", "machine")}


@pytest.fixture
def doctor(run, host):
    """The same of `gilscope doctor`, whose figures are asked of a Python that does nothing else."""

    def doctor(**options):
        document = json.loads(run([host, "doctor", "--json", "-"], **options).stdout)
        keys = {
            "python": ("version", "implementation", "executable", "linkage", "free_threaded", "config_args"),
            "machine": ("cpus", "usable_cpus", "model"),
        }
        return {of: {key: document[of][key] for key in keys[of]} for of in keys}

    return doctor


@pytest.mark.parametrize("flags", [["--json", "run.json"], ["-o", "capture"]])
@pytest.mark.parametrize("is_environment", [False, True])
def test_it_is_what_doctor_says(run, host, doctor, environment, tmp_path, flags, is_environment):
    env = environment if is_environment else None
    assert run([host, "run", *flags, "-c", "1"], cwd=tmp_path, env=env).returncode == 0
    said = told(tmp_path, flags)
    assert said == doctor(env=env)
    assert said["python"]["config_args"]


def test_it_is_of_the_time_before_the_script(run, host, doctor, tmp_path):
    code = """
import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sys.executable, sys.path, sys.abiflags = "/bin/false", [], "x"
"""
    assert run([host, "run", "--json", "run.json", "-c", code], cwd=tmp_path).returncode == 0
    assert told(tmp_path, ["--json"]) == doctor()


@ASKING
def test_no_python_is_started_for_it(run, host, tmp_path, flags):
    (tmp_path / "site").mkdir()
    log = tmp_path / "log"
    note = f"with open({str(log)!r}, 'a') as log: print(sys.orig_argv, file=log)"
    (tmp_path / "site" / "sitecustomize.py").write_text(f"import sys\n{note}\n")
    ran = run([host, "run", *flags, "-c", "print('ran')"], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site")})
    assert (ran.returncode, ran.stdout) == (0, "ran\n")
    assert len(log.read_text().splitlines()) == 1


@ASKING
def test_the_script_is_given_no_strangers_child(run, host, tmp_path, flags):
    code = """
import ctypes, os, subprocess
subprocess.run(["sh", "-c", "true & exit 0"])
is_reaper = ctypes.c_int(-1)
ctypes.CDLL(None).prctl(37, ctypes.byref(is_reaper))  # PR_GET_CHILD_SUBREAPER
try: print(is_reaper.value, os.wait())
except ChildProcessError: print(is_reaper.value, "no child")
"""
    ran = run([host, "run", *flags, "-c", code], cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "0 no child\n")


@ASKING
def test_an_ignored_sigchld_stays_ignored(run, host, stock, tmp_path, flags):
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    code = """
import re, signal
ignored = re.search("SigIgn:\\s*(.*)", open("/proc/self/status").read())[1]
print(int(ignored, 16) >> signal.SIGCHLD - 1 & 1)
"""
    ran = run([stock, "-c", ignoring, host, "run", *flags, "-c", code], cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "1\n")


def test_what_the_scripts_shell_leaves_goes_on(run, host, tmp_path):
    # It is left as a Python starts that asks for the machine, where one does; else when the run is over.
    for fifo in ("gate", "left", "over", "told"):
        os.mkfifo(tmp_path / fifo)
    (tmp_path / "sitecustomize.py").write_text("""
if b"\\0doctor\\0" in open("/proc/self/cmdline", "rb").read():
    open("gate", "w").close()
    open("left").close()
""")
    (tmp_path / "shell.sh").write_text("""
read line <gate
(setsid sh -c ': >left; read line <over; echo goes on >told' &)
""")
    code = (
        "import subprocess; subprocess.Popen(['sh', 'shell.sh'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)"
    )
    env = {"PYTHONPATH": str(tmp_path)}
    assert run([host, "run", "--json", "run.json", "-c", code], cwd=tmp_path, env=env).returncode == 0
    ends = {fifo: os.open(tmp_path / fifo, os.O_RDWR) for fifo in ("gate", "left", "over", "told")}
    for fifo in ("gate", "over"):
        os.write(ends[fifo], b"\n")
    assert select.select([ends["told"]], [], [], PATIENCE_S)[0]
    assert os.read(ends["told"], 20) == b"goes on\n"
    for end in ends.values():
        os.close(end)


@ASKING
def test_the_script_sees_the_state_of_python_that_it_sees_without(run, host, tmp_path, flags):
    code = """
import sys
print(sorted(sys.modules), sorted(sys.path_importer_cache), sys.path, list(map(type, sys.meta_path)), sys.warnoptions)
import os, signal, threading
print(sorted(os.environ), [thread.name for thread in threading.enumerate()])
print([signal.getsignal(number) for number in signal.valid_signals()])
print(os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0), signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
    (tmp_path / "script.py").write_text(code)
    without = run([host, "run", "script.py"], cwd=tmp_path)
    asked = run([host, "run", *flags, "script.py"], cwd=tmp_path)
    assert without.stdout
    assert asked.stdout == without.stdout
