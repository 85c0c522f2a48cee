"""The parts of an upload, sent one after the other; a failure tells how to go on after it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from spanduck.exceptions import (
    IncompleteUploadError,
    OutcomeUnknownError,
    RejectedError,
    ServiceError,
)
from spanduck.types import UploadResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from spanduck._transport.rest import RestTransport, UploadReceipt
    from spanduck._upload.parts import Part

_SAME: Final = "the same data"
_MEND: Final = "Mend what the service refuses, and keep the rows in their order."


class PartSender:
    """Sends parts and knows what is stored.

    Args:
        rest: What sends.
        space: Id or name of the space.
        rows_before: Rows of the data that were stored by an earlier upload.
        timeout_s: Longest wait for the answer to a call.
        on_stored: Called after each call with the rows from the start of the data that are stored.

    Attributes:
        rows_stored: Rows from the start of the data that are stored, those before included.
        receipts: What came of each call.
    """

    def __init__(
        self,
        rest: RestTransport,
        space: str,
        *,
        rows_before: int,
        timeout_s: float | None,
        on_stored: Callable[[int], object] | None,
    ) -> None:
        self._rest = rest
        self._space = space
        self._timeout_s = timeout_s
        self._on_stored = on_stored
        self._rows_before = rows_before
        self.rows_stored = rows_before
        self.receipts: list[UploadReceipt] = []

    def send_all(self, parts: Iterable[Part], on_sent: Callable[[Part], object]) -> None:
        """Send parts, one after the other.

        Args:
            parts: Taken one at a time, when the one before is stored.
            on_sent: Called with each part when it is stored.

        Raises:
            IncompleteUploadError: A call failed, and rows before it are stored.
            ServiceError: A call failed, and nothing is stored.
        """
        with self._telling_how_to_go_on():
            for part in parts:
                self.receipts.append(self._send(part))
                self.rows_stored = part.first_row + part.rows
                if self._on_stored is not None:
                    self._on_stored(self.rows_stored)
                on_sent(part)

    def response(self, evaluations: int) -> UploadResponse:
        """Return what the calls came to.

        Args:
            evaluations: How many were sent with the spans.
        """
        return UploadResponse(
            # Where all rows were stored before there is no call.
            status_code=self.receipts[-1].status_code if self.receipts else 200,
            spans=self.rows_stored - self._rows_before,
            evaluations=evaluations,
            calls=len(self.receipts),
            size_bytes=sum(receipt.size_bytes for receipt in self.receipts),
        )

    def _send(self, part: Part) -> UploadReceipt:
        try:
            return self._rest.upload(
                part.path, space=self._space, rows=part.rows, timeout_s=self._timeout_s
            )
        except ServiceError as exc:
            if not self.rows_stored:
                raise
            raise self._incomplete(part, exc) from exc

    def _incomplete(self, part: Part, cause: ServiceError) -> IncompleteUploadError:
        is_unknown = isinstance(cause, OutcomeUnknownError)
        outcome = "may not be stored" if is_unknown else "are not stored"
        # To look first, as the cause advises, is not needed: to store a row again replaces it.
        advice = "" if is_unknown else cause.next_step
        data = _SAME
        if isinstance(cause, RejectedError) and not advice:
            # It knows of the rows of this call only.
            outcome = f"{outcome} (the service counts from the first of these)"
            advice, data = _MEND, "the mended data"
        last_row = part.first_row + part.rows - 1
        return IncompleteUploadError(
            f"rows {part.first_row:,} to {last_row:,} {outcome}: {cause.message}",
            next_step=" ".join(filter(None, [self._stored(), advice, self._go_on(data)])),
            cause=cause,
            rows_stored=self.rows_stored,
            calls=len(self.receipts),
            failed_rows=part.rows,
            advice=advice,
            retryable=is_unknown,
        )

    @contextlib.contextmanager
    def _telling_how_to_go_on(self) -> Iterator[None]:
        try:
            yield
        except IncompleteUploadError:
            raise
        except (Exception, KeyboardInterrupt) as exc:
            # The source broke, or somebody pressed Ctrl-C: not ours to wrap.
            if self.rows_stored:
                exc.add_note(f"{self._stored()} {self._go_on()}")
            raise

    def _stored(self) -> str:
        return f"The {self.rows_stored:,} rows before are stored."

    def _go_on(self, data: str = _SAME) -> str:
        return f"To go on, call log with {data} and skip_rows={self.rows_stored}."
