"""Two threads that compute, one after the other: nobody ever waits for the GIL."""

import threading


def work(mine, others):
    for _ in range(10):
        mine.acquire()
        for _ in range(20):
            sum(range(50_000))
        others.release()


first, second = threading.Semaphore(1), threading.Semaphore(0)
workers = [threading.Thread(target=work, args=turns) for turns in ((first, second), (second, first))]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
