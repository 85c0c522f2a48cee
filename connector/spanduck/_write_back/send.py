"""The queued values to the service, some calls at a time, and what each call came to."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow.compute as pc

from spanduck._wire import WriteCommand, WriteKind
from spanduck._write.arrays import texts
from spanduck._write_back.answer import of_spans
from spanduck._write_back.caller import Caller
from spanduck._write_back.kinds import ANNOTATION, EVAL, METADATA_KIND
from spanduck._write_back.limits import is_over
from spanduck._write_back.options import Against
from spanduck._write_back.outcomes import ErrorCode
from spanduck._write_back.wire_calls import calls, without
from spanduck.exceptions import (
    AuthenticationError,
    CancelledError,
    OutcomeUnknownError,
    ServiceError,
    UnavailableError,
    UnknownProjectError,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Iterator

    import pyarrow as pa

    from spanduck._write_back.caller import Answer, Putter
    from spanduck._write_back.ledger import Ledger
    from spanduck._write_back.options import RunOptions
    from spanduck._write_back.state import State
    from spanduck._write_back.wire_calls import Call

_COMMAND_BY_KIND: Final = {
    EVAL.word: WriteKind.EVALUATIONS,
    ANNOTATION.word: WriteKind.ANNOTATIONS,
    METADATA_KIND.word: WriteKind.METADATA,
}
_MOST_CUTS: Final = 2_000
"""Calls made to find the rows for which a service refuses whole calls; 34 or so find one row."""
_MOST_IN_VAIN: Final = 100
"""Calls refused one after the other, after which no such row is looked for any more."""
_ROUNDS: Final = 3
"""How often what is doubtful is looked for, and sent again where it did not arrive."""
_POLL_S: Final = 0.1
# After these no later call would fare better, so none is made.
_FINAL_ERRORS = (AuthenticationError, UnknownProjectError, UnavailableError)


@dataclass
class Traffic:
    """What was sent.

    Attributes:
        calls: Calls made, those that failed among them.
        size_bytes: Bytes of their record batches.
    """

    calls: int = 0
    size_bytes: int = 0


class Sender:
    """Sends one write-back. Used once.

    Args:
        ledger: After `compare`; outcomes are noted there.
        state: Keeps what a later run must know.
        flight: What sends a call.
        space: Id of the space.
        project: Name of the project.
        options: How much at once, and when to stop.
        on_sent: Called with the number of values after each call.
        look: Reads what the service holds of the values that the state has as pending.
        stop: Cancels it when it is set.
    """

    def __init__(
        self,
        ledger: Ledger,
        state: State,
        flight: Putter,
        *,
        space: str,
        project: str,
        options: RunOptions,
        on_sent: Callable[[int], None],
        look: Callable[[], pa.Table],
        stop: threading.Event,
    ) -> None:
        self._ledger = ledger
        self._state = state
        self._project = project
        kind = _COMMAND_BY_KIND[ledger.kind.word]
        command = WriteCommand(kind, space=space, project=project)
        self._caller = Caller(flight, command, ledger.kind, stop)
        self._options = options
        self._on_sent = on_sent
        self._look = look
        self._again: deque[Call] = deque()
        self._flying = self._numbers = self._refused = self._doubtful = self._total = 0
        self._cuts = self._in_vain = self._round_number = 0
        # What a later round sends may be there otherwise by now, as may what the state knows of.
        self._is_merged = options.against is Against.SERVICE
        self._cancelled = stop
        self._over = ""
        self._doubt = ""
        self.traffic = Traffic()

    @property
    def is_stopped(self) -> bool:
        """Whether a limit ended the run."""
        return self._over.startswith(_STOPPED)

    def stop(self, why: str) -> None:
        """Send nothing more; the values that are left are noted as not sent."""
        self._over = f"{_STOPPED}: {why}"

    def run(self) -> None:
        """Send everything that is queued.

        A call that the service refuses is cut until the rows are found for which it does, and the
        others are made. When it cannot be reached any more, the values that are left are noted as
        not sent. What was sent without an answer is looked for, and sent again where it did not
        arrive.

        Raises:
            ServiceError: The very first call failed in a way that concerns all: the key, the
                project, or nobody is there. Nothing was sent then.
            CancelledError: `stop` was set. Calls under way may still arrive.
        """
        self._total = self._ledger.outbox.count()
        for number in range(_ROUNDS):
            self._round_number = number
            self._round()
            if not self._doubtful or not self._resolve():
                break
        else:
            if not self._over:
                self._over = f"sent {_ROUNDS} times, and not at the service: {self._doubt}"
            self._round()
        # Nobody could say. It stays pending, so the next run looks.
        for value_ids in self._ledger.doubts() if self._doubtful else ():
            self._reject(value_ids, ErrorCode.OUTCOME_UNKNOWN, self._doubt)

    def _resolve(self) -> bool:
        """Look for what is doubtful; true when something is left that has not arrived."""
        try:
            seen = self._look()
        except ServiceError as exc:
            self._doubt = f"{self._doubt}; it could not be looked for: {exc.message}"
            return False
        self._state.settle_pending(seen)
        self._doubtful = 0
        self._is_merged = True
        return self._ledger.resolve_doubts(seen) > 0

    def _round(self) -> None:
        made = calls(
            self._ledger.outbox,
            project=self._project,
            batch_rows=self._options.batch_rows,
            now_ms=int(time.time() * 1000),
        )
        with contextlib.closing(made):
            for call in self._in_turn(made):
                if self._over:
                    self._reject(call.value_ids, self._left, self._over)
                    continue
                self._stop_if_cancelled()
                self._start(call)
                # The first one alone: it tells whether there is any use in the others.
                most = self._options.in_flight if self.traffic.calls else 1
                self._take(fewer_than=most)
            self._take(fewer_than=1)

    @property
    def _left(self) -> ErrorCode:
        # What a later round has to send was sent before.
        return ErrorCode.NOT_ARRIVED if self._round_number else ErrorCode.NOT_SENT

    def _in_turn(self, made: Generator[Call, None, None]) -> Iterator[Call]:
        for call in made:
            yield call
            # Before the next one is made, so that no more calls are in memory than may be made.
            while self._again:
                yield self._again.popleft()
        while self._again or self._flying:
            if self._again:
                yield self._again.popleft()
            else:
                self._take(fewer_than=self._flying)

    def _start(self, call: Call) -> None:
        number = self._numbers = self._numbers + 1
        entries = self._ledger.entries(call.value_ids)
        self._state.begin_call(number, entries)
        self._flying += 1
        self._caller.start(number, call, entries)

    def _take(self, *, fewer_than: int) -> None:
        while self._flying >= fewer_than:
            self._stop_if_cancelled()
            answer = self._caller.next_answer(_POLL_S)
            if answer is not None:
                self._flying -= 1
                self._settle(answer)

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError(
                "the write-back was cancelled",
                next_step="Run it again: what was written is known, and is not sent twice.",
            )

    def _settle(self, answer: Answer) -> None:
        call, error = answer.call, answer.error
        if isinstance(error, _FINAL_ERRORS) and not self.traffic.calls:
            self._state.forget_call(answer.number)
            raise error
        self.traffic.calls += 1
        self.traffic.size_bytes += call.size_bytes
        if error is None:
            self._accept(answer)
        elif self._is_doubtful(error):
            # It stays pending: only the service knows.
            self._ledger.doubt(call.value_ids)
            self._doubtful += call.values
            self._doubt = error.message
        else:
            self._state.forget_call(answer.number)
            if self._is_cut(call, error):
                return
            self._fail(call, error)
        self._on_sent(call.values)

    def _is_doubtful(self, error: ServiceError) -> bool:
        # An error that is no refusal may have come after all was stored. One that comes again for
        # what did not arrive is one.
        is_bare = type(error) is ServiceError and not self._round_number
        return is_bare or isinstance(error, OutcomeUnknownError)

    def _is_cut(self, call: Call, error: ServiceError) -> bool:
        """Cut a refused call, to find for which rows it was, unless that is in vain."""
        if isinstance(error, _FINAL_ERRORS):
            return False
        self._in_vain += 1
        if call.rows < 2 or self._cuts >= _MOST_CUTS or self._in_vain > _MOST_IN_VAIN:
            return False
        self._cuts += 2
        # The first half next: rows are found one after the other, and a limit of them soon.
        self._again.extendleft(reversed(call.halves()))
        return True

    def _fail(self, call: Call, error: ServiceError) -> None:
        if isinstance(error, _FINAL_ERRORS):
            self._over = self._over or f"not sent: {error.message}"
        is_sent = not isinstance(error, UnavailableError)
        code = ErrorCode.REFUSED if is_sent else ErrorCode.NOT_SENT
        is_part = call.rows > 1 and not isinstance(error, _FINAL_ERRORS)
        rest = f" (in a call of {call.rows:,} rows, not searched further)" if is_part else ""
        self._reject(call.value_ids, code, f"{error.message}{rest}")

    def _accept(self, answer: Answer) -> None:
        call, result = answer.call, answer.result
        assert result is not None  # noqa: S101 - or there was an error
        unmatched = of_spans(call, result.unmatched)
        refused = [
            (reason, of_spans(call, span_ids)) for reason, span_ids in result.refused.items()
        ]
        entries = answer.entries
        for value_ids in (unmatched, *(ids for _, ids in refused)):
            entries = without(entries, value_ids)
        self._in_vain = 0
        is_merged = self._is_merged or bool(
            pc.any(pc.equal(entries.column("operation"), texts(["changed"])[0])).as_py()
        )
        self._state.end_call(answer.number, entries, has_changed=is_merged)
        if len(unmatched):
            self._ledger.unmatch(unmatched)
            self._note(unmatched)
        for reason, value_ids in refused:
            self._reject(value_ids, ErrorCode.REFUSED, reason)

    def _reject(self, value_ids: pa.ChunkedArray, code: ErrorCode, reason: str) -> None:
        self._ledger.reject(code, reason, value_ids)
        self._note(value_ids)

    def _note(self, value_ids: pa.ChunkedArray) -> None:
        self._state.note_refused(self._ledger.refusals_of(value_ids))
        self._refused += len(value_ids)
        limit = self._options.max_rejected
        if not self._over and is_over(limit, self._refused, self._total):
            self.stop(f"{self._refused:,} values were refused, more than max_rejected allows")


_STOPPED: Final = "stopped"
