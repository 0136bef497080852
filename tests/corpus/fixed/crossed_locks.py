"""Two threads that take two locks in one order, whoever they are."""

import threading


def transfer():
    with first, second:
        pass


def refund():
    with first, second:
        pass


first, second = threading.Lock(), threading.Lock()
threads = [threading.Thread(target=work, name=work.__name__) for work in (transfer, refund)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
