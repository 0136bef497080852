"""A server that waits for connections of which none comes, beside a main thread that has a little to do."""

import socketserver
import threading
import time

with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
    serving = threading.Thread(target=server.serve_forever, args=(0.02,), name="server")
    serving.start()
    for _ in range(20):
        sum(range(20_000))
        time.sleep(0.02)
    server.shutdown()
    serving.join()
