"""A web handler that answers with a large JSON, beside health checks: sockets, a thread each."""

import json
import socket
import threading

ours, theirs = socket.socketpair()
rows = [{"id": i, "name": f"row {i}", "tags": ["a", "b", "c"]} for i in range(20_000)]


def answer():
    for _ in range(8):
        json.dumps(rows)  # culprit
    ours.shutdown(socket.SHUT_WR)


def check_health():
    while theirs.recv(1):
        theirs.send(b"k")


def ask_for_health():
    while handler.is_alive():
        try:
            ours.send(b"?")
        except OSError:  # the handler has ended
            return
        ours.recv(1)


handler = threading.Thread(target=answer, name="handler")
threads = [handler, threading.Thread(target=check_health, name="health"), threading.Thread(target=ask_for_health)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
