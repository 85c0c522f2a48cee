"""Spans of any number, block by block: deterministic, in order of time, as record batches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from spanduck._sample.columns import SCHEMA
from spanduck._sample.content import Writer
from spanduck._sample.hostile import spoil
from spanduck._sample.language_models import Conversation
from spanduck._sample.shapes import shapes
from spanduck._sample.traces import Block, Calendar, draw

if TYPE_CHECKING:
    from collections.abc import Iterator

# Spans do not depend on how they are cut into batches, so blocks have a size of their own: large
# enough that kernels, not calls of kernels, take the time; small enough that a block's intermediate
# texts stay few megabytes.
_BLOCK_TRACES = 2_000


def render(block: Block) -> pa.RecordBatch:
    """Write the columns of a block."""
    writer = Writer(block)
    writer.write_core()
    writer.write_failures()
    writer.write_trace_attributes()
    writer.write_retrieval()
    writer.write_tools()
    Conversation(writer).write()
    writer.write_guardrails()
    writer.write_parents()
    return writer.finish()


def _blocks(n_spans: int, seed: int, now: datetime, days: float) -> Iterator[pa.RecordBatch]:
    calendar = Calendar(now, days)
    table = shapes()
    shares = np.cumsum(table.share) / table.share.sum()
    done = number = 0
    while done < n_spans:
        rng = np.random.default_rng([seed, number])
        variants = np.searchsorted(shares, rng.random(_BLOCK_TRACES), side="right")
        planned = int(table.span_count[variants].sum())
        # Each block is the next stretch of the period. Failures make traces shorter than planned;
        # what that leaves at the end of the period is cut off with the traces that are not needed.
        needed = min(1.0, (n_spans - done) / planned)
        variants = variants[: max(1, round(_BLOCK_TRACES * needed))]
        quantiles = (
            np.sort(rng.uniform(done, min(done + planned, n_spans), len(variants))) / n_spans
        )
        batch = render(draw(rng, variants, calendar.times_ns(quantiles)))
        yield batch.slice(0, n_spans - done)
        done += len(batch)
        number += 1


def generate(
    n_spans: int,
    *,
    seed: int = 0,
    now: datetime | None = None,
    days: float = 30,
    batch_rows: int = 10_000,
    hostile: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Generate realistic spans of a shop's support assistant.

    Args:
        n_spans: How many. The last trace may be incomplete; its spans' parents are there all the
            same.
        seed: The same seed and `now` give the same spans, whatever `batch_rows` is.
        now: The latest spans end a few minutes before this time; the current time when left out.
        days: Start times lie within so many days before `now`, by hour of day and weekend.
        batch_rows: Rows of each batch; the last one may have fewer.
        hostile: Mix in what real traffic has and nobody wants: orphans, duplicate span ids, clock
            skew, `''` where JSON belongs, one span of 5 MB, and columns that appear, or change
            their type, halfway. Batches differ in their schemas then, and their rows are no longer
            the same for every `batch_rows`.

    Yields:
        Record batches of `SCHEMA`, about 2.1 kB a row, 4 kB for LLM spans: traces in order of their
        start time, a trace's spans together, parents before their children. Streams; at most a
        batch and a block of about 8,000 spans are in memory.
    """
    moment = now if now is not None else datetime.now(UTC)
    pending: list[pa.RecordBatch] = []
    rows = sent = 0
    for block in _blocks(n_spans, seed, moment, days):
        pending.append(block)
        rows += len(block)
        while rows >= batch_rows:
            batch, rest = _cut(pending, batch_rows)
            yield spoil(batch, sent, n_spans, seed) if hostile else batch
            sent += batch_rows
            pending, rows = [rest], len(rest)
    if rows:
        batch, _ = _cut(pending, rows)
        yield spoil(batch, sent, n_spans, seed) if hostile else batch


def _cut(batches: list[pa.RecordBatch], rows: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    full = [batch for batch in batches if len(batch)]
    whole = pa.concat_batches(full) if len(full) > 1 else full[0]
    return whole.slice(0, rows), whole.slice(rows)


def generate_table(
    n_spans: int, *, seed: int = 0, now: datetime | None = None, days: float = 30
) -> pa.Table:
    """Generate spans as one table of `SCHEMA`, 2.2 MB for 1,000 spans; see `generate`."""
    return pa.Table.from_batches(generate(n_spans, seed=seed, now=now, days=days), SCHEMA)
