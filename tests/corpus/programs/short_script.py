"""A script that starts two threads and is over in a moment."""

import threading

threads = [threading.Thread(target=sum, args=(range(1_000),)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
