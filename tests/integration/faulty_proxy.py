"""A proxy before a server, in which single uploads go wrong."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self


class FaultyProxy(ThreadingHTTPServer):
    """Hands everything on to a server, but for the upload whose turn it is to fail.

    A context manager that serves in a thread of its own.

    Args:
        port: Of the server, on this machine.

    Attributes:
        is_reached: Set when the upload that is to fail has come.
        may_end: Set it to let go of an upload that hangs.
    """

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = ("127.0.0.1", port)
        self.uploads = 0
        self.fault_at: int | None = None
        self.fault = ""
        self.is_reached = threading.Event()
        self.may_end = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.may_end.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def fail(self, fault: str, *, at: int) -> None:
        """Let the upload with that number, counted from now, fail once.

        Args:
            fault: `refused`, `lost on the way`, `answer lost`, or `hangs`.
            at: The number.
        """
        self.uploads, self.fault_at, self.fault = 0, at, fault

    def takes(self) -> str:
        """Count an upload; returns how it fails."""
        self.uploads += 1
        if self.uploads - 1 != self.fault_at:
            return ""
        self.fault_at = None
        self.is_reached.set()
        return self.fault


class _Handler(BaseHTTPRequestHandler):
    server: FaultyProxy

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        fault = self.server.takes() if self.path == "/v1/pandas_arrow" else ""
        self.close_connection = True
        if fault == "refused":
            self.send_error(400, "not today")
            return
        if fault == "hangs":
            self.server.may_end.wait()
        if fault in ("lost on the way", "hangs"):
            return
        onward = http.client.HTTPConnection(*self.server.service, timeout=30)
        try:
            onward.request(self.command, self.path, body, dict(self.headers))
            answer = onward.getresponse()
            content = answer.read()
        finally:
            onward.close()
        if fault == "answer lost":
            return
        self.send_response(answer.status)
        self.send_header("content-type", answer.getheader("content-type") or "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = handle_any  # noqa: N815 - the names that the base class looks for

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
