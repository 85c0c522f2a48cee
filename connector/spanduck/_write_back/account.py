"""One run of a model, its values read: compared, then planned or sent, and accounted for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._progress import progress
from spanduck._write_back.cancelling import told_as_cancelled
from spanduck._write_back.held import held_values
from spanduck._write_back.keys import matches
from spanduck._write_back.kinds import METADATA_KIND
from spanduck._write_back.limits import is_over
from spanduck._write_back.options import Against
from spanduck._write_back.outcomes import Status
from spanduck._write_back.plan import WritePlan
from spanduck._write_back.report import WriteBackReport
from spanduck._write_back.send import Sender
from spanduck._write_back.wire_calls import calls
from spanduck.exceptions import CancelledError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from spanduck._config import Settings
    from spanduck._transport.flight import FlightTransport
    from spanduck._write_back.incremental import Watermark
    from spanduck._write_back.keys import SpanKey
    from spanduck._write_back.ledger import Ledger, Queue
    from spanduck._write_back.model import Model
    from spanduck._write_back.options import RunOptions
    from spanduck._write_back.state import State, Target

_LEFT: Final = "left"


@dataclass(frozen=True)
class Account:
    """A run, from the last row of its model on.

    Attributes:
        ledger: The values.
        state: What is known of earlier runs.
        flight: Carries the calls, and what is read.
        settings: For the limits of waits.
        target: What is written to.
        options: How.
        model: The model.
        run_id: The run.
        rows: Rows of the model.
        began: When the run began, by the monotonic clock.
        stop: What cancels it.
    """

    ledger: Ledger
    state: State
    flight: FlightTransport
    settings: Settings
    target: Target
    options: RunOptions
    model: Model
    run_id: str
    rows: int
    began: float
    stop: threading.Event

    def spans_of(self, key: SpanKey) -> Iterator[pa.RecordBatch]:
        """Stream the spans that the values' keys stand for."""
        return matches(
            self.flight,
            self.settings,
            space=self.target.space_id,
            project=self.target.project,
            key=key,
            wanted=self.ledger.keys(),
        )

    def plan(self) -> WritePlan:
        """Return what would be sent."""
        queue = self._compare()
        number = size = 0
        made = calls(
            self.ledger.outbox,
            project=self.target.project,
            batch_rows=self.options.batch_rows,
            now_ms=int(time.time() * 1000),
        )
        for call in made:
            number, size = number + 1, size + call.size_bytes
        counts = self.ledger.counts()
        planned = {
            "new": queue.new,
            "changed": queue.changed,
            **{str(status): counts.get(status, 0) for status in _PLANNED},
        }
        return WritePlan(
            model=self.model.name,
            kind=self.target.kind,
            project=self.target.project,
            space=self.target.space_id,
            rows=self.rows,
            values=sum(planned.values()),
            **planned,
            left=counts.get(_LEFT, 0),
            against=str(self.options.against),
            state=self.state.place,
            calls=number,
            bytes=size,
            seconds=time.monotonic() - self.began,
            _ledger=self.ledger,
        )

    def send(self, watermark: Watermark) -> WriteBackReport:
        """Send what differs, and return what became of every value."""
        self.state.begin_run()
        try:
            with told_as_cancelled(self.stop):
                self._compare()
                if self.options.against is Against.SERVICE:
                    for entries in self.ledger.unchanged_entries():
                        self.state.adopt(entries)
                elif self.ledger.kind is not METADATA_KIND:
                    for entries in self.ledger.unchanged_entries():
                        self.state.keep_known(entries)
                report = self._sent()
                self._conclude(report, watermark)
        except BaseException as exc:
            self._break(exc)
            raise
        return report

    def _break(self, exc: BaseException) -> None:
        try:
            if isinstance(exc, CancelledError):
                self.state.break_run("interrupted", exc.message)
            else:
                self.state.break_run("failed", str(exc))
        except duckdb.Error as also:
            # What the run failed with says more, and a state that cannot be written is often why.
            exc.add_note(f"How the run ended could not be noted in {self.state.place}: {also}")

    def _sent(self) -> WriteBackReport:
        for refusals in self.ledger.refusals():
            if refusals.num_rows:
                self.state.note_refused(refusals)
        total = self.ledger.outbox.count()
        with progress(
            unit="values", total=total, is_wanted=self.settings.local.progress
        ) as advance:
            sender = Sender(
                self.ledger,
                self.state,
                self.flight,
                space=self.target.space_id,
                project=self.target.project,
                options=self.options,
                on_sent=partial(advance, "sending"),
                look=self._look,
                stop=self.stop,
            )
            self._stop_if_invalid(sender)
            sender.run()
        counts = self.ledger.counts()
        taken = self.ledger.queue(refused=False)
        by_status = {str(status): counts.get(status, 0) for status in Status}
        return WriteBackReport(
            run_id=self.run_id,
            model=self.model.name,
            kind=self.target.kind,
            project=self.target.project,
            space=self.target.space_id,
            rows=self.rows,
            values=sum(by_status.values()),
            **by_status,
            new=taken.new,
            changed=taken.changed,
            left=counts.get(_LEFT, 0),
            is_stopped=sender.is_stopped,
            state=self.state.place,
            calls=sender.traffic.calls,
            bytes=sender.traffic.size_bytes,
            seconds=time.monotonic() - self.began,
            _ledger=self.ledger,
        )

    def _conclude(self, report: WriteBackReport, watermark: Watermark) -> None:
        is_whole = not (report.left or report.is_stopped)
        # What is left because it has not failed before has no refusal to keep.
        is_cut = report.is_stopped or (report.left and self.options.limit is not None)
        if not (is_cut or self.model.incremental):
            self.state.forget_old_rejected()
        if self.model.incremental and is_whole and not report.rejected:
            following = watermark.next()
            if following is not None:
                self.state.set_watermark(following)
        status = "stopped" if report.is_stopped else "done"
        self.state.end_run({**report.to_dict(), "status": status, "error": None})

    def _stop_if_invalid(self, sender: Sender) -> None:
        counts = self.ledger.counts()
        invalid = counts.get(Status.INVALID, 0)
        values = sum(number for status, number in counts.items() if status != _LEFT)
        if is_over(self.options.max_invalid, invalid, values):
            sender.stop(
                f"{invalid:,} of {values:,} values are invalid, more than max_invalid allows"
            )

    def _compare(self) -> Queue:
        if self.state.pending().num_rows:
            self.state.settle_pending(self._look())
        is_against_service = self.options.against is Against.SERVICE
        if is_against_service:
            for batch in self._held(self.ledger.names(), None):
                self.ledger.hold(self.ledger.hashed([batch]))
        else:
            for batch in self.state.accepted(self.ledger.unknown_keys()):
                self.ledger.hold(pa.Table.from_batches([batch]))
        if self.options.only_failed:
            self.ledger.fail_before(self.state.failed())
        return self.ledger.compare(
            full=self.options.full,
            only_failed=self.options.only_failed,
            limit=self.options.limit,
        )

    def _look(self) -> pa.Table:
        """Return what the service holds of the values that were sent without an answer."""
        pending = self.state.pending()
        names = pending.select(["level", "name"]).group_by(["level", "name"]).aggregate([])
        pairs = list(
            zip(names.column("level").to_pylist(), names.column("name").to_pylist(), strict=True)
        )
        span_ids = pc.unique(pending.column("span_id"))
        return self.ledger.hashed(self._held(pairs, span_ids))

    def _held(
        self, names: list[tuple[str, str]], span_ids: pa.Array | None
    ) -> Iterator[pa.RecordBatch]:
        return held_values(
            self.flight,
            self.settings,
            space=self.target.space_id,
            project=self.target.project,
            kind=self.target.kind,
            names=names,
            span_ids=span_ids,
        )


_PLANNED: Final = (Status.UNCHANGED, Status.INVALID, Status.DUPLICATE, Status.UNMATCHED)
