"""Threads that import something each, as requests do that import late: Python code, and locks of Python's own."""

import importlib
import threading


def handle(module):
    importlib.import_module(module)  # culprit


MODULES = ["email.mime.text", "http.server", "xml.dom.minidom", "unittest.mock", "asyncio", "decimal", "pydoc"]
threads = [threading.Thread(target=handle, args=(module,), name=f"request-{module}") for module in MODULES]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
