"""A server in a process of its own that takes whatever listeners send and forgets it: ``swallow.py``.

Its first line on stdout is its URL.
"""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Swallow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST  # noqa: N815 - http.server's name

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Swallow) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
