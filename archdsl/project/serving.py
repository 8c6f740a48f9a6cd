"""The server of ``archdsl view``: one page on the loopback address, for whoever has its token, and for nobody else."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import compare_digest, token_urlsafe
from threading import Condition, Thread
from typing import Any

WAIT = 20.0
"""Seconds after which a page that asks for news is told that there are none."""
ADDRESS = "127.0.0.1"


class Served:
    """A page and its version; those who wait for the next one are woken. ``fault``: why there is none."""

    def __init__(self) -> None:
        self.page = b""
        self.version = 0
        self.fault = ""
        self._news = Condition()

    def show(self, page: str) -> None:
        """The next version."""
        with self._news:
            self.page, self.fault = page.encode(errors="replace"), ""
            self.version += 1
            self._news.notify_all()

    def tell(self, fault: str) -> None:
        """What is wrong with the text now; the last page stays."""
        with self._news:
            self.fault = fault
            self.version += 1
            self._news.notify_all()

    def after(self, version: int) -> dict[str, object]:
        """The state, as soon as it is not ``version`` any more, or after a while."""
        with self._news:
            self._news.wait_for(lambda: self.version != version, WAIT)
            return {"version": self.version, "fault": self.fault}


class _Loopback(ThreadingHTTPServer):
    """A server that says nothing of readers that have left."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """What is no fault of ours ends in silence."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Server:
    """Serves in the background until it is closed."""

    def __init__(self, served: Served) -> None:
        self.token = token_urlsafe(24)
        self.http = _Loopback((ADDRESS, 0), _handler(served, self.token))
        self._thread = Thread(target=self.http.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where the page is, token included."""
        return f"http://{ADDRESS}:{self.http.server_port}/{self.token}/"

    def close(self) -> None:
        """Serve nothing any more."""
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()


def _handler(served: Served, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers GET, on the names of this machine, to this page and to nobody else's."""

        server_version, sys_version = "archdsl", ""

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            parts = path.split("/")
            if not self._is_ours() or len(parts) != 3 or not compare_digest(parts[1].encode(), token.encode()):
                self._send(403, "text/plain", b"this page is for whoever has its address\n")
            elif parts[2] == "":
                self._send(200, "text/html; charset=utf-8", served.page)
            elif parts[2] == "version":
                seen = query.removeprefix("seen=")
                found = served.after(int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else -1)
                self._send(200, "application/json", json.dumps(found).encode())
            else:
                self._send(404, "text/plain", b"there is nothing here\n")

        def _is_ours(self) -> bool:
            """Asked by the name of this machine (another one may lead here), by this page or by a person."""
            assert isinstance(self.server, ThreadingHTTPServer)
            port = self.server.server_port
            asked = self.headers.get("Host", "") in (f"{ADDRESS}:{port}", f"localhost:{port}")
            return asked and self.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            for name, value in (
                ("Content-Type", kind), ("Content-Length", str(len(content))), ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY"),
                ("Cross-Origin-Resource-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
            ):  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what is asked for is of no interest to the person at the terminal."""

    return Handler
