"""A web server as the checks of other people watch it: it answers with its process id, until it
is told to do something wrong. After a restart it is well again.

    web.py PORT     USR1: accept and never answer again; USR2: close the port and go on;
                    HUP: take 80 MB of memory
"""

import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GROWTH_BYTES = 80 * 1024 * 1024

silent = threading.Event()
held = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        while silent.is_set():
            time.sleep(3600)
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        sys.stderr.write(f"asked by {self.headers['User-Agent']}\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def main():
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    signal.signal(signal.SIGUSR1, lambda *_: silent.set())
    signal.signal(signal.SIGHUP, lambda *_: held.append(b"x" * GROWTH_BYTES))
    signal.signal(signal.SIGUSR2, lambda *_: (server.shutdown(), server.server_close()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        signal.pause()


main()
