"""A thread that waits for answers through pipes, beside one that computes: after each it waits for a turn of the GIL.

Each answer takes 0.2 ms, as of a network. One that came at once would find the GIL taken or not as luck has it: the
thread that computes takes as long to wake up.
"""

import os
import subprocess
import sys
import threading

from rates import compute, measure_alone

ECHO = """
import os, time
while byte := os.read(0, 1):
    time.sleep(0.0002)
    os.write(1, byte)
"""

is_over = False


def keep_busy() -> None:
    while not is_over:
        compute()


# Not this process: another thread that answers would take turns of the GIL, too.
with subprocess.Popen([sys.executable, "-ISc", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as echo:
    assert echo.stdin
    assert echo.stdout
    to, back = echo.stdin.fileno(), echo.stdout.fileno()

    def ping() -> None:
        os.write(to, b"x")
        os.read(back, 1)

    ping()  # it has started
    busy = threading.Thread(target=keep_busy)
    busy.start()
    measure_alone(ping)
    is_over = True
    busy.join()
    echo.stdin.close()
