"""The ledger's values to the service, call by call, and what each call came to."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._wire import UpdateResult, WireError, WriteCommand, WriteKind
from spanduck._write.arrays import texts
from spanduck._write.pivot import WirePiece, wire_pieces, wire_schema
from spanduck._write.rules import CALL_BYTES, CALL_ROWS, ErrorCode
from spanduck.exceptions import (
    AuthenticationError,
    OutcomeUnknownError,
    ServiceError,
    UnavailableError,
    UnknownProjectError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from spanduck._write.ledger import Ledger


class Putter(Protocol):
    """What sends one write-back; `FlightTransport` does."""

    def put(
        self, command: WriteCommand, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
    ) -> bytes:
        """Send one write-back and return the payload of its one result."""


@dataclass
class Traffic:
    """What was sent.

    Attributes:
        calls: Calls made, those that failed among them.
        size_bytes: Bytes of their record batches.
    """

    calls: int = 0
    size_bytes: int = 0


# After these no later call would fare better, so none is made.
_FINAL_ERRORS = (AuthenticationError, UnknownProjectError, UnavailableError)


class Sender:
    """Sends one write-back. Used once.

    Args:
        ledger: Settled; outcomes are noted there.
        flight: What sends a call.
        space: Id of the space.
        project: Name of the project.
        batch_rows: Most rows of a record batch.
        on_sent: Called with the number of values after each call.
    """

    def __init__(
        self,
        ledger: Ledger,
        flight: Putter,
        *,
        space: str,
        project: str,
        batch_rows: int,
        on_sent: Callable[[int], None],
    ) -> None:
        self._ledger = ledger
        self._flight = flight
        self._command = WriteCommand(WriteKind.EVALUATIONS, space=space, project=project)
        self._batch_rows = batch_rows
        self._on_sent = on_sent
        self._lost: ServiceError | None = None
        self.traffic = Traffic()

    def run(self) -> None:
        """Send everything, a call after the other.

        A call that the service refuses is noted, and the next one is made. When it cannot be
        reached any more, the values that are left are noted as not sent.

        Raises:
            ServiceError: The very first call failed in a way that concerns all: the key, the
                project, or nobody is there. Nothing was sent then.
        """
        groups = self._ledger.groups()
        # One value a span needs no sorting, and many models give a span's values one after the
        # other.
        sort = any(len(group) > 1 for group in groups) and not self._ledger.is_by_span()
        for number, evaluations in enumerate(groups):
            schema = wire_schema(self._command.project, evaluations)
            values = self._ledger.to_send(number, sort=sort and len(evaluations) > 1)
            with contextlib.closing(values):
                pieces = wire_pieces(values, evaluations, schema, batch_rows=self._batch_rows)
                for call in calls_of(pieces):
                    self._send(schema, call)

    def _send(self, schema: pa.Schema, call: list[WirePiece]) -> None:
        if self._lost is not None:
            self._fail(call, ErrorCode.NOT_SENT, f"not sent: {self._lost.message}")
            return
        try:
            payload = self._flight.put(self._command, schema, (piece.batch for piece in call))
            result = UpdateResult.from_bytes(payload)
        except OutcomeUnknownError as exc:
            self._count(call)
            self._fail(call, ErrorCode.OUTCOME_UNKNOWN, exc.message)
        except WireError as exc:
            self._count(call)
            reason = f"the service's answer cannot be read: {exc.message}"
            self._fail(call, ErrorCode.OUTCOME_UNKNOWN, reason)
        except _FINAL_ERRORS as exc:
            if not self.traffic.calls:
                raise
            self._count(call)
            self._lost = exc
            is_sent = not isinstance(exc, UnavailableError)
            code = ErrorCode.REFUSED if is_sent else ErrorCode.NOT_SENT
            self._fail(call, code, exc.message)
        except ServiceError as exc:
            self._count(call)
            self._fail(call, ErrorCode.REFUSED, exc.message)
        else:
            self._count(call)
            self._unmatch(call, result.unmatched_ids)
        self._on_sent(sum(len(piece.value_ids) for piece in call))

    def _count(self, call: list[WirePiece]) -> None:
        self.traffic.calls += 1
        self.traffic.size_bytes += sum(piece.batch.nbytes for piece in call)

    def _fail(self, call: list[WirePiece], code: ErrorCode, reason: str) -> None:
        value_ids = [piece.value_ids for piece in call]
        self._ledger.reject(code, reason, pa.chunked_array(value_ids, pa.int64()))

    def _unmatch(self, call: list[WirePiece], span_ids: tuple[str, ...]) -> None:
        if not span_ids:
            return
        unmatched = texts(span_ids)
        value_ids = [
            piece.value_ids.filter(pc.is_in(piece.span_ids, value_set=unmatched)) for piece in call
        ]
        self._ledger.unmatch(pa.chunked_array(value_ids, pa.int64()))


def calls_of(pieces: Iterable[WirePiece]) -> Iterator[list[WirePiece]]:
    """Group pieces into calls of at most `CALL_ROWS` rows and about `CALL_BYTES`."""
    call: list[WirePiece] = []
    rows = size = 0
    for piece in pieces:
        length, nbytes = len(piece.batch), piece.batch.nbytes
        if call and (rows + length > CALL_ROWS or size + nbytes > CALL_BYTES):
            yield call
            call, rows, size = [], 0, 0
        call.append(piece)
        rows += length
        size += nbytes
    if call:
        yield call
