"""Servers on this machine that take what listeners send: they keep it, refuse it, or never answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Sent:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What a server got, where it is, and the status with which it answers."""

    url: str = ""
    status: int = 200
    got: list[Sent] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiver(*, status: int = 200, hangs: bool = False, body: bytes = b"") -> Iterator[Receiver]:
    """Gives a server that answers with `status`, which may change, or not before the block ends."""
    found = Receiver(status=status)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.got.append(Sent(self.command, self.path, headers, self.rfile.read(length)))
            if hangs:
                found.gate.wait(30)
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

        def handle(self) -> None:
            with suppress(OSError):  # whoever asked has gone
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        found.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
