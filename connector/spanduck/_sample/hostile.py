"""What real traffic has and nobody wants, mixed into generated spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._sample.text import hexadecimal, pick

if TYPE_CHECKING:
    from spanduck._sample.shapes import Bools, Ints

ORPHAN_SHARE = 0.005
DUPLICATE_SHARE = 0.005
SKEW_SHARE = 0.005
EMPTY_SHARE = 0.01
SKEW_NS = 7_200_000_000_000
# Together 5 MB (the output in letters of two bytes), each within the 4,000,000 characters that a
# value may have.
LARGE_INPUT, LARGE_OUTPUT = 3_900_000, 560_000

EMPTY_COLUMNS = (
    "attributes.metadata",
    "attributes.llm.invocation_parameters",
    "attributes.llm.prompt_template.variables",
    "attributes.tool.parameters",
)
LATE_TEXT = "attributes.deployment.region"
LATE_NUMBER = "attributes.experiment.weight"


def _replaced(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    return batch.set_column(batch.schema.get_field_index(name), batch.schema.field(name), column)


def _where(
    batch: pa.RecordBatch, name: str, rows: Bools, values: pa.Array | pa.Scalar
) -> pa.RecordBatch:
    return _replaced(batch, name, pc.if_else(pa.array(rows), values, batch.column(name)))


def spoil(batch: pa.RecordBatch, offset: int, total: int, seed: int) -> pa.RecordBatch:
    """Spoil a share of a batch's rows.

    Args:
        batch: Rows `offset` and following of `total`.
        offset: Rows that came before.
        total: Rows of all batches; the large span and the late columns appear where half of them
            are through.
        seed: Decides which rows.

    Returns:
        As many rows. A duplicate takes the ids of the row before it and keeps the rest of itself.
    """
    rng = np.random.default_rng([seed, 0xBAD, offset])
    count = len(batch)
    chance = rng.random(count)
    is_child = batch.column("parent_id").is_valid().to_numpy(zero_copy_only=False)
    orphans = is_child & (chance < ORPHAN_SHARE)
    batch = _where(
        batch,
        "parent_id",
        orphans,
        hexadecimal(rng.integers(0, 1 << 64, (count, 1), dtype=np.uint64)),
    )
    skewed = is_child & (chance > 1 - SKEW_SHARE)
    for name in ("start_time", "end_time"):
        late = pa.array(batch.column(name).to_numpy() - SKEW_NS)
        batch = _where(batch, name, skewed, late)
    for name in EMPTY_COLUMNS:
        present = batch.column(name).is_valid().to_numpy(zero_copy_only=False)
        batch = _where(batch, name, present & (rng.random(count) < EMPTY_SHARE), pa.scalar(""))
    previous: Ints = np.maximum(np.arange(count) - 1, 0)
    repeats = (rng.random(count) < DUPLICATE_SHARE) & (np.arange(count) > 0)
    for name in ("context.trace_id", "context.span_id"):
        batch = _where(batch, name, repeats, pick(batch.column(name), previous))
    middle = total // 2
    if offset <= middle < offset + count:
        large = pa.array(np.arange(count) == middle - offset)
        for name, text in (
            ("input", "spam and eggs " * (LARGE_INPUT // 14)),
            ("output", "é" * LARGE_OUTPUT),
        ):
            column = f"attributes.{name}.value"
            # Not if_else, which makes room for as many large texts as there are rows.
            filled = pc.replace_with_mask(batch.column(column), large, pa.array([text]))
            batch = _replaced(batch, column, filled)
    weights = rng.integers(1, 5, count)
    if offset + count > middle:
        regions = pick(pa.array(["eu-west", "us-east", None]), rng.integers(0, 3, count))
        batch = batch.append_column(LATE_TEXT, regions)
        return batch.append_column(LATE_NUMBER, pa.array(weights + 0.5))
    return batch.append_column(LATE_NUMBER, pa.array(weights)) if offset else batch
