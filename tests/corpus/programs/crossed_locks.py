"""Two threads that take two locks crosswise, and never stop: an alarm ends them."""

import signal
import threading


def transfer():
    with first:
        both.wait()
        with second:  # culprit
            pass


def refund():
    with second:
        both.wait()
        with first:  # culprit
            pass


signal.setitimer(signal.ITIMER_REAL, 1.8)
first, second = threading.Lock(), threading.Lock()
both = threading.Barrier(2)
threads = [threading.Thread(target=work, name=work.__name__) for work in (transfer, refund)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
