"""What our client sends otherwise than the vendor's, and why. All else is the same."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from arize._generated.protocol.flight import flight_pb2
from google.protobuf import json_format

if TYPE_CHECKING:
    from collections.abc import Sequence


class Header(NamedTuple):
    """A header that the two clients send otherwise; values are patterns, None for no header."""

    surface: str
    header: str
    vendor: str | None
    ours: str | None
    reason: str


HEADERS = (
    Header("any", "sdk-package-name", "arize", "spanduck", "it names the client"),
    Header("any", "sdk-version", r"8\.61\.0", r"\d+\.\d+\.\d+", "it names the client"),
    Header("rest", "user-agent", "OpenAPI-Generator/.*", "python-httpx/.*", "it names the library"),
    Header(
        "rest", "accept-encoding", "identity", "gzip, .*", "answers of many spans may be compressed"
    ),
    Header("rest", "connection", None, "keep-alive", "the default of HTTP/1.1, said"),
    Header("upload", "user-agent", "python-requests/.*", "python-httpx/.*", "it names the library"),
    Header("upload", "accept", r"\*/\*", "application/json", "the answer is JSON"),
    Header(
        "upload",
        "connection",
        "keep-alive",
        "close",
        "the vendor's closes the connection too, after the answer",
    ),
    Header("flight", "origin", "arize-logging-client", "spanduck-client", "it names the client"),
)
"""Every other header is the same, but for the length of a body."""

METADATA_OF_PANDAS = b"pandas"
"""Only the vendor's rows are made by pandas; the service has no use for how."""
NULL_TYPES = (pa.null(), pa.list_(pa.null()))
"""A column without a value has no type at the vendor's; at ours it has that of its name."""
SCORE = ".score"
"""Scores that are written back are doubles at ours, so that a column is the same in every call; the
vendor's, and those that go with spans, are what was given or what pandas made of it."""
SCORE_TYPES = (pa.float64(), pa.int64(), pa.bool_())
TIMES = ("start_time", "end_time")
"""The vendor's times of spans went through floats, and are off by less than a microsecond."""
TIME_ERROR_NS = 1_000
PATCH = "patch_document"


def our_body(theirs: bytes) -> bytes:
    """Return the body for the vendor's: a time without a zone is said to be in UTC.

    The vendor's leaves it to the service to find out.
    """
    body = json.loads(theirs)
    for name in TIMES:
        text = body.get(name)
        if text is not None and datetime.fromisoformat(text).tzinfo is None:
            body[name] = f"{text}+00:00"
    return json.dumps(body).encode()


# `Any`: a message of the vendor's, whose classes are made at run time.
def our_export(theirs: bytes, end: datetime, columns: Sequence[str] | None) -> Any:
    """Return the export that ours asks for.

    The vendor's cuts the fraction of the end off, and with it the last spans: ours takes the whole
    second. It asks for the starts too, to cut off what that, and a service whose end is inclusive,
    let in.
    """
    command = message(theirs)
    if end.microsecond:
        command.end_time.seconds += 1
    if columns is not None and "start_time" not in columns:
        command.projected_columns.append("start_time")
    return command


def message(command: bytes) -> Any:
    return json_format.Parse(command, flight_pb2.RecordQueryDescriptor())


def our_patch(theirs: str) -> str:
    """Return the patch for the vendor's: a missing number is null, for NaN is no JSON."""
    return json.dumps(json.loads(theirs, parse_constant=lambda _: None))
