"""Servers that record calls and answer them rightly."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - a server that records
from arize._generated.protocol.flight import flight_pb2

SPACE = "U3BhY2U6MTphYmNk"
PROJECT = "TW9kZWw6MTphYmNk"
SPACE_NAME = "my space/é"
PROJECT_NAME = "my-llm-app & co"


@dataclass(frozen=True)
class Call:
    """A call as it came.

    Attributes:
        line: What is called: method and target with its query, or the Flight method.
        headers: Names in lower case.
        body: The bytes of a body, a Flight command or a ticket.
        schema: Of the rows that came with it.
        batches: Those rows.
    """

    line: str
    headers: dict[str, str]
    body: bytes
    schema: pa.Schema | None = None
    batches: tuple[pa.RecordBatch, ...] = ()

    # `Any`: whatever JSON holds.
    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def surface(self) -> str:
        if " " not in self.line:
            return "flight"
        return "upload" if "pandas_arrow" in self.line else "rest"

    @property
    def target(self) -> tuple[str, str, str, list[tuple[str, str]]]:
        """Method, path, version, and the query decoded and sorted."""
        method, target, version = self.line.split()
        query = sorted(parse_qsl(urlsplit(target).query, strict_parsing="?" in target))
        return method, urlsplit(target).path, version, query

    @property
    def rows(self) -> Call:
        """The call with the rows of an upload's body."""
        with pa.ipc.open_stream(self.body) as reader:
            return replace(self, schema=reader.schema, batches=tuple(reader))

    @property
    def table(self) -> pa.Table:
        return pa.Table.from_batches(self.batches, self.schema)


@dataclass
class Log:
    """The calls so far, of whatever surface."""

    calls: list[Call] = field(default_factory=list)

    def take(self) -> list[Call]:
        """Return the calls since the last time."""
        taken, self.calls = self.calls, []
        return taken


class RestRecorder:
    """The REST half: spaces and projects come in two pages, of which the second has the one."""

    def __init__(self, log: Log) -> None:
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(*recorder.page(self.path))

            def do_POST(self) -> None:
                if self.path == "/v2/spans/annotate":
                    self._answer(202, None)
                elif self.path == "/v1/pandas_arrow":
                    self._answer(200, {})
                else:
                    self._answer(200, {"spans": [], "pagination": {"has_more": False}})

            def do_DELETE(self) -> None:
                self._answer(200, {"completed": True, "deleted_span_ids": []})

            def _answer(self, status: int, answer: Any) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                log.calls.append(Call(self.requestline, headers, body))
                content = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    def page(self, target: str) -> tuple[int, dict[str, Any]]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        is_first = "cursor" not in query
        pagination = {"has_more": True, "next_cursor": "c/2="} if is_first else {"has_more": False}
        if path == "/v2/spaces":
            name = f"not {SPACE_NAME}" if is_first else SPACE_NAME
            return 200, {"spaces": [{"id": SPACE, "name": name}], "pagination": pagination}
        name = PROJECT_NAME.upper() if is_first else PROJECT_NAME
        item = {"id": PROJECT, "name": name, "space_id": SPACE}
        return 200, {"projects": [item], "pagination": pagination}

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


class _Headers(fl.ServerMiddlewareFactory):  # type: ignore[misc]  # pyarrow is untyped
    def start_call(self, info: Any, headers: dict[str, list[Any]]) -> Any:
        return _CallHeaders(headers)


class _CallHeaders(fl.ServerMiddleware):  # type: ignore[misc]
    def __init__(self, headers: dict[str, list[Any]]) -> None:
        self.headers = {name: "|".join(map(_text, values)) for name, values in headers.items()}


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


class FlightRecorder(fl.FlightServerBase):  # type: ignore[misc]
    """The Flight half: an export of one span, and every put succeeds."""

    def __init__(self, log: Log) -> None:
        super().__init__("grpc+tcp://127.0.0.1:0", middleware={"headers": _Headers()})
        self._log = log
        moment = pa.array([datetime(2026, 1, 2, tzinfo=UTC)], pa.timestamp("ms", tz="UTC"))
        start = pa.array([1_767_312_000_000_000_000], pa.int64())
        self._spans = pa.table({"time": moment, "start_time": start, "name": ["step"]})

    def get_flight_info(self, context: Any, descriptor: Any) -> Any:
        self._record("GetFlightInfo", context, descriptor.command)
        endpoint = fl.FlightEndpoint(b"ticket", [])
        return fl.FlightInfo(self._spans.schema, descriptor, [endpoint], 1, -1)

    def do_get(self, context: Any, ticket: Any) -> Any:
        self._record("DoGet", context, ticket.ticket)
        return fl.RecordBatchStream(self._spans)

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        batches = tuple(chunk.data for chunk in reader)
        self._record("DoPut", context, descriptor.command, reader.schema, batches)
        (kind,) = json.loads(descriptor.command)
        rows = sum(batch.num_rows for batch in batches)
        answers: dict[str, Any] = {
            "writeSpanEvaluationRequest": flight_pb2.WriteSpanEvaluationResponse,
            "writeSpanAnnotationRequest": flight_pb2.WriteSpanAnnotationResponse,
        }
        if kind in answers:
            answer = answers[kind](records_updated=rows)
        else:
            answer = flight_pb2.WriteSpanAttributesMetadataResponse(
                spans_processed=rows, spans_updated=rows
            )
        writer.write(answer.SerializeToString())

    def _record(
        self,
        line: str,
        context: Any,
        body: bytes,
        schema: pa.Schema | None = None,
        batches: tuple[pa.RecordBatch, ...] = (),
    ) -> None:
        headers = context.get_middleware("headers").headers
        self._log.calls.append(Call(line, headers, bytes(body), schema, batches))
