"""What the service answers to a call of a write-back, and which values it concerns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._wire import MetadataResult, UpdateResult
from spanduck._write.arrays import texts
from spanduck._write_back.kinds import METADATA_KIND, Kind

if TYPE_CHECKING:
    from spanduck._write_back.wire_calls import Call

_UNKNOWN_SPAN: Final = "segment_not_found"
"""What the service's documentation calls a span that metadata cannot be written to."""


@dataclass(frozen=True)
class Result:
    """What the service answered to a call.

    Attributes:
        unmatched: Ids of spans that it does not hold.
        refused: The ids of other spans whose values it did not take, by the reason it gave.
    """

    unmatched: tuple[str, ...] = ()
    refused: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_answer(kind: Kind, payload: bytes) -> Result:
    """Read the payload of the one result of a call.

    Raises:
        WireError: It is no such message.
    """
    if kind is not METADATA_KIND:
        return Result(unmatched=UpdateResult.from_bytes(payload).unmatched_ids)
    unmatched = []
    refused: dict[str, list[str]] = {}
    # A span that is told twice has one outcome, the first.
    for span_id, said in _first_of_each(MetadataResult.from_bytes(payload).errors):
        if said.startswith(_UNKNOWN_SPAN):
            unmatched.append(span_id)
        else:
            refused.setdefault(said, []).append(span_id)
    return Result(tuple(unmatched), {said: tuple(ids) for said, ids in refused.items()})


def of_spans(call: Call, span_ids: tuple[str, ...]) -> pa.ChunkedArray:
    """Return the ids of a call's values of some spans; ids that it does not carry do no harm."""
    if not span_ids:
        return pa.chunked_array([], pa.int64())
    wanted = texts(span_ids)
    return pa.chunked_array(
        [
            piece.value_ids.filter(pc.is_in(piece.span_ids, value_set=wanted))
            for piece in call.pieces
        ],
        pa.int64(),
    )


def _first_of_each(errors: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    said_by_id: dict[str, str] = {}
    for span_id, said in errors:
        said_by_id.setdefault(span_id, said)
    return list(said_by_id.items())
