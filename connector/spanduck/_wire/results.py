"""What the service answers to a write-back: one binary message a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from spanduck._wire import codec
from spanduck._wire.descriptors import message_class
from spanduck._wire.errors import WireError

_UPDATE: Final = "update result"
_METADATA: Final = "metadata result"
PATCH_DOCUMENT: Final = "patch_document"
"""The column of patches in a write-back of metadata, beside `context.span_id`."""
_WriteSpanResponse: Final = message_class("WriteSpanResponse")
_WriteSpanAttributesMetadataResponse: Final = message_class("WriteSpanAttributesMetadataResponse")


@dataclass(frozen=True)
class UpdateResult:
    """The answer to a write-back of evaluations or annotations.

    Attributes:
        records_updated: Rows that changed a span.
        unmatched_ids: Span ids of the call that the project does not have.
    """

    records_updated: int = 0
    unmatched_ids: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Encode as the protobuf message; a result without content is empty bytes."""
        try:
            message = _WriteSpanResponse(
                records_updated=self.records_updated, unmatched_ids=self.unmatched_ids
            )
        except (ValueError, TypeError) as exc:
            raise WireError(f"the {_UPDATE} cannot be encoded: {exc}", what=_UPDATE) from exc
        encoded: bytes = message.SerializeToString()
        return encoded

    @classmethod
    def from_bytes(cls, data: bytes) -> UpdateResult:
        """Decode the payload of a PutResult; an empty payload is an empty result.

        Raises:
            WireError: Not such a message.
        """
        message = codec.from_bytes(data, _WriteSpanResponse(), what=_UPDATE)
        return cls(
            records_updated=message.records_updated, unmatched_ids=tuple(message.unmatched_ids)
        )


@dataclass(frozen=True)
class MetadataResult:
    """The answer to a write-back of metadata.

    Attributes:
        spans_processed: Rows that were looked at.
        spans_updated: Rows whose patch was applied to a span.
        spans_failed: Rows that were not; the reasons are in `errors`.
        errors: Pairs of span id and reason.
    """

    spans_processed: int = 0
    spans_updated: int = 0
    spans_failed: int = 0
    errors: tuple[tuple[str, str], ...] = ()

    def to_bytes(self) -> bytes:
        """Encode as the protobuf message; a result without content is empty bytes."""
        message = _WriteSpanAttributesMetadataResponse()
        try:
            message.spans_processed = self.spans_processed
            message.spans_updated = self.spans_updated
            message.spans_failed = self.spans_failed
            for span_id, reason in self.errors:
                message.errors.add(span_id=span_id, error_message=reason)
        except (ValueError, TypeError) as exc:
            raise WireError(f"the {_METADATA} cannot be encoded: {exc}", what=_METADATA) from exc
        encoded: bytes = message.SerializeToString()
        return encoded

    @classmethod
    def from_bytes(cls, data: bytes) -> MetadataResult:
        """Decode the payload of a PutResult; an empty payload is an empty result.

        Raises:
            WireError: Not such a message.
        """
        message = codec.from_bytes(data, _WriteSpanAttributesMetadataResponse(), what=_METADATA)
        return cls(
            spans_processed=message.spans_processed,
            spans_updated=message.spans_updated,
            spans_failed=message.spans_failed,
            errors=tuple((error.span_id, error.error_message) for error in message.errors),
        )
