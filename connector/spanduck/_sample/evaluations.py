"""Evaluations that some generated spans have already, as rows of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spanduck._sample.text import mixed, pick

if TYPE_CHECKING:
    from spanduck._sample.shapes import Ints

EVALUATIONS = pa.schema(
    [
        ("context.span_id", pa.string()),
        ("eval.Helpfulness.label", pa.string()),
        ("eval.Helpfulness.score", pa.float64()),
        ("eval.Helpfulness.explanation", pa.string()),
        ("eval.Groundedness.label", pa.string()),
        ("eval.Groundedness.score", pa.float64()),
    ]
)

_SHARE = 0.12
_HELPFULNESS = (
    ("helpful", 1.0, "Answers the question and says what happens next."),
    ("helpful", 0.8, "Correct, but leaves the date open."),
    ("helpful", 0.9, None),
    ("unhelpful", 0.2, "Does not answer what was asked."),
)
_GROUNDEDNESS = (
    ("grounded", 1.0),
    ("grounded", 0.9),
    ("grounded", 0.95),
    ("grounded", 0.85),
    ("invented", 0.1),
)


def _spread(span_ids: pa.Array) -> Ints:
    """Turn hexadecimal span ids into numbers that are as random and depend on nothing else."""
    digits = pc.utf8_slice_codeunits(span_ids, 0, 12)
    values: Ints = pc.cast(pc.binary_join_element_wise("0x", digits, ""), pa.int64()).to_numpy()
    spread: Ints = (mixed(values) >> np.uint64(1)).astype(np.int64)
    return spread


def evaluations(spans: pa.RecordBatch) -> pa.RecordBatch:
    """Give the evaluations of 12 % of a batch's successful LLM spans.

    Args:
        spans: A batch of `generate`. Which spans are evaluated, and how, depends on their ids
            alone.

    Returns:
        A batch of `EVALUATIONS`, in the order of the spans: `Helpfulness` for each row,
        `Groundedness` for the calls with retrieved passages and null for the others.
    """
    is_llm = pc.equal(spans.column("attributes.openinference.span.kind"), "LLM")
    worked = spans.filter(pc.and_(is_llm, pc.not_equal(spans.column("status_code"), "ERROR")))
    spread = _spread(worked.column("context.span_id"))
    chosen = spread % 1000 < _SHARE * 1000
    some = worked.filter(pa.array(chosen))
    spread = spread[chosen] // 1000
    helpful = spread % len(_HELPFULNESS)
    has_context = some.column("attributes.llm.prompt_template.variables").is_valid()
    grounded = np.where(
        has_context.to_numpy(zero_copy_only=False), spread // 10 % len(_GROUNDEDNESS), -1
    )
    columns = [some.column("context.span_id")]
    columns += [pick(pa.array([row[i] for row in _HELPFULNESS]), helpful) for i in range(3)]
    columns += [pick(pa.array([row[i] for row in _GROUNDEDNESS]), grounded) for i in range(2)]
    return pa.RecordBatch.from_arrays(columns, schema=EVALUATIONS)
