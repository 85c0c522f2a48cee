"""Calls under way, each in a thread of its own."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from spanduck._transport.retry import retrying
from spanduck._wire import WireError
from spanduck._write_back.answer import Result, read_answer
from spanduck.exceptions import OutcomeUnknownError, ServiceError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from spanduck._wire import WriteCommand
    from spanduck._write_back.kinds import Kind
    from spanduck._write_back.wire_calls import Call

_BUSY_ATTEMPTS: Final = 8
"""How often a call is made to a service that says it is too busy: for half a minute at most."""
_COME_BACK: Final = (429, 503)


class Putter(Protocol):
    """What sends one write-back; `FlightTransport` does."""

    def put(
        self, command: WriteCommand, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
    ) -> bytes:
        """Send one write-back and return the payload of its one result."""


@dataclass(frozen=True)
class Answer:
    """How a call ended: one of the last two is there.

    Attributes:
        number: Of the call.
        call: It.
        entries: What the state keeps of its values.
        result: What the service answered.
        error: What went wrong.
    """

    number: int
    call: Call
    entries: pa.Table
    result: Result | None = None
    error: ServiceError | None = None


class Caller:
    """Makes the calls of one write-back.

    It knows neither the ledger nor the state: a thread that is left behind in a call must not keep
    their connections, which would outlive the interpreter.

    Args:
        flight: What sends a call.
        command: What is written, and where.
        kind: Of the values.
        cancelled: Ends the repetitions of a call.
    """

    def __init__(
        self, flight: Putter, command: WriteCommand, kind: Kind, cancelled: threading.Event
    ) -> None:
        self._flight = flight
        self._command = command
        self._kind = kind
        self._cancelled = cancelled
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

    def start(self, number: int, call: Call, entries: pa.Table) -> None:
        """Make a call, and come back before it has ended."""
        # A daemon: a call cannot be cancelled, and must not keep the process.
        threading.Thread(
            target=lambda: self._answers.put(self._made(number, call, entries)),
            name="spanduck-write",
            daemon=True,
        ).start()

    def next_answer(self, timeout_s: float) -> Answer | None:
        """Return how a call ended, None when none does in that time."""
        try:
            return self._answers.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def _made(self, number: int, call: Call, entries: pa.Table) -> Answer:
        policy = retrying(attempts=_BUSY_ATTEMPTS, cancel=self._cancelled, when=_is_busy)
        try:
            return Answer(number, call, entries, result=policy(self._put, call))
        except ServiceError as exc:
            return Answer(number, call, entries, error=exc)
        except BaseException as exc:  # noqa: BLE001 - told by the thread that waits
            return Answer(number, call, entries, error=_unknown(exc))

    def _put(self, call: Call) -> Result:
        batches = (piece.batch for piece in call.pieces)
        payload = self._flight.put(self._command, call.schema, batches)
        try:
            return read_answer(self._kind, payload)
        except WireError as exc:
            raise OutcomeUnknownError(
                f"the service's answer cannot be read: {exc.message}"
            ) from exc


def _is_busy(exc: BaseException) -> bool:
    # The transport repeats what it may by itself, but has no second look at what was sent.
    return isinstance(exc, UnavailableError) and exc.status in _COME_BACK


def _unknown(exc: BaseException) -> OutcomeUnknownError:
    return OutcomeUnknownError(f"the call ended without an answer: {exc}")
