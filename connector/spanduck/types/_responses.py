"""What writing methods return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


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
class DeleteResponse:
    """What a delete came to; both lists are always present, in the order of the call.

    Attributes:
        completed: Every id was dealt with. If not, delete the same ids again.
        deleted_span_ids: Ids of spans that are gone. From an older service, which tells no more
            than that it is done, all ids.
        not_deleted_span_ids: Ids that no span in the window has; unless completed, also those
            that the service did not come to.
        calls: Calls made, repetitions among them.
    """

    completed: bool
    deleted_span_ids: tuple[str, ...] = ()
    not_deleted_span_ids: tuple[str, ...] = ()
    calls: int = 0


@dataclass(frozen=True)
class MetadataResponse(Mapping[str, Any]):
    """What a write-back of metadata came to.

    Also a mapping of its fields, as the vendor's client returns one; but every count is an int, and
    nothing is ever absent: `response["spans_failed"]` is 0 when all went well.

    Attributes:
        spans_processed: Rows of the call.
        spans_updated: Rows that were applied.
        spans_failed: Rows that were not.
        errors: A dictionary with `span_id` and `error_message` for each of them.
        calls: Calls made.
        size_bytes: Bytes of record batches sent.
    """

    spans_processed: int = 0
    spans_updated: int = 0
    spans_failed: int = 0
    errors: Sequence[Mapping[str, str]] = ()
    calls: int = 1
    size_bytes: int = 0

    # `Any`: the values of the fields.
    def __getitem__(self, name: str) -> Any:
        if name not in self.__dataclass_fields__:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dataclass_fields__)

    def __len__(self) -> int:
        return len(self.__dataclass_fields__)


@dataclass(frozen=True)
class UpdateResponse:
    """What a write-back came to; every count is an int and always present.

    Attributes:
        status_code: 200, or the HTTP status of the last call when it went over HTTP.
        records_updated: Spans of which something was written.
        unmatched_ids: Span ids the service does not hold, in the order it names them.
        calls: Calls made.
        size_bytes: Bytes of record batches sent.
    """

    status_code: int
    records_updated: int = 0
    unmatched_ids: tuple[str, ...] = ()
    calls: int = 0
    size_bytes: int = 0
