"""Public value types: what methods return, and what they take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UpdateResponse", "UploadResponse"]


@dataclass(frozen=True)
class UploadResponse:
    """What an upload of spans came to.

    Attributes:
        status_code: HTTP status of the last call.
        spans: Spans sent and acknowledged.
        evaluations: Evaluation values sent with them.
        calls: Calls made.
        size_bytes: Bytes sent as request bodies.
    """

    status_code: int
    spans: int = 0
    evaluations: int = 0
    calls: int = 0
    size_bytes: int = 0


@dataclass(frozen=True)
class UpdateResponse:
    """What a write-back of evaluations came to; every count is an int and always present.

    Attributes:
        status_code: 200, or the HTTP status of the last call when it went over HTTP.
        records_updated: Spans whose evaluations were written.
        unmatched_ids: Span ids the service does not hold, in the order it names them.
        calls: Calls made.
        size_bytes: Bytes of record batches sent.
    """

    status_code: int
    records_updated: int = 0
    unmatched_ids: tuple[str, ...] = ()
    calls: int = 0
    size_bytes: int = 0
