"""An export as a pandas DataFrame, transformed as the vendor's SDK transforms it."""

from __future__ import annotations

import json
import warnings
from itertools import compress, islice, repeat
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._scan.kernels import are_json
from spanduck._wire import JSON_VALID, JSON_VALID_FIELD_KEY
from spanduck_sql.schema import END_TIME, METADATA, START_TIME, WIRE_TIME

if TYPE_CHECKING:
    import pandas as pd

_LISTS_OF_JSON: Final = (
    "attributes.llm.input_messages",
    "attributes.llm.output_messages",
    "attributes.embedding.embeddings",
    "attributes.retrieval.documents",
    "attributes.llm.tools",
)
_JSON: Final = ("attributes.llm.prompt_template.variables", METADATA)
_JSON_TEXT: Final = ("attributes.llm.invocation_parameters", "attributes.tool.parameters")
_ROWS_AT_ONCE: Final = 2_000


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return a DataFrame of an export.

    Args:
        table: Wire types, in any order.

    Returns:
        Rows sorted by `time` (by `start_time` where the service sends none); columns that are
        null in every row left out, and none at all of no rows. `start_time` and `end_time` are
        timestamps without a zone, UTC. Messages, embeddings, documents and tools are lists of
        dictionaries, prompt variables and metadata dictionaries; JSON texts of
        `invocation_parameters` and `tool.parameters`, events and reranker documents stay text,
        `''` among the former becoming None. A column of these in which any text is no JSON is
        left as it came, with a warning.
    """
    import pandas as pd  # noqa: PLC0415 - slow to import, and only this needs it

    if not table.num_rows:
        return pd.DataFrame()
    order = _order(table)
    columns: dict[str, Any] = {}
    for position, field in enumerate(table.schema):
        column = table.column(position)
        if column.null_count == len(column):
            continue
        values = _values(field, column)
        columns[field.name] = values if order is None else values.take(order)
    frame = pd.DataFrame(columns, copy=False)
    return frame.reset_index(drop=True)


def _order(table: pa.Table) -> Any:
    for name in (WIRE_TIME, START_TIME):
        if name in table.column_names and table.column(name).null_count < table.num_rows:
            times = table.column(name).cast(pa.int64()).to_numpy()
            if bool((times[1:] >= times[:-1]).all()):
                return None
            return times.argsort(kind="stable")
    return None


def _values(field: pa.Field, column: pa.ChunkedArray) -> Any:
    import pandas as pd  # noqa: PLC0415 - see above

    if field.name in (START_TIME, END_TIME) and pa.types.is_integer(column.type):
        return column.cast(pa.timestamp("ns")).to_pandas()
    if field.name in _JSON_TEXT and pa.types.is_string(column.type):
        column = pc.replace_with_mask(
            column.combine_chunks(),
            pc.fill_null(pc.equal(column, ""), fill_value=False).combine_chunks(),
            pa.scalar(None, pa.string()),
        )
    is_decoded = field.name in _LISTS_OF_JSON or field.name in _JSON
    if is_decoded:
        decoded = _decoded(field, column)
        if decoded is not None:
            return pd.Series(decoded, dtype=object)
    return column.to_pandas()


def _decoded(field: pa.Field, column: pa.ChunkedArray) -> list[Any] | None:
    """Return the Python values of JSON texts, or of lists of them; None where that cannot be."""
    is_list = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    text = column.type.value_type if is_list else column.type
    if not (pa.types.is_string(text) or pa.types.is_large_string(text)):
        return None
    values: list[Any] = []
    try:
        if (field.metadata or {}).get(JSON_VALID_FIELD_KEY) != JSON_VALID:
            _check_json(pc.list_flatten(column) if is_list else column)
        for chunk in column.chunks:
            for start in range(0, len(chunk), _ROWS_AT_ONCE):
                rows = chunk.slice(start, _ROWS_AT_ONCE)
                values += (_lists if is_list else _texts)(rows)
    except ValueError as exc:
        warnings.warn(
            f"column {field.name} holds text that is no JSON, so it is left as it is ({exc})",
            stacklevel=5,
        )
        return None
    if field.name in _LISTS_OF_JSON and not is_list:
        # One text instead of a list of them stands for a list of one.
        return [None if value is None else [value] for value in values]
    return values


def _check_json(texts: pa.ChunkedArray) -> None:
    # Only documents that are whole each make a list of their values: `[1` and `2]` are not.
    for chunk in texts.chunks:
        if not are_json(chunk.filter(pc.not_equal(chunk, ""))):
            raise ValueError("not every text is JSON")


def _texts(texts: pa.Array) -> list[Any]:
    present = pc.fill_null(pc.not_equal(texts, ""), fill_value=False)
    values = iter(_loads(texts.filter(present)))
    # `(nothing, values)[is_present]` is where the next value comes from; all of it loops in C.
    return list(map(next, map((repeat(None), values).__getitem__, present.to_pylist())))


def _lists(lists: pa.Array) -> list[Any]:
    flat = lists.flatten()
    present = pc.fill_null(pc.not_equal(flat, ""), fill_value=False)
    values = iter(_loads(flat.filter(present)))
    # How many elements of each row are present: the running count at its end, less that at its
    # start.
    running = pa.concat_arrays([pa.array([0]), pc.cumulative_sum(present.cast(pa.int64()))])
    ends = pc.cumulative_sum(pc.fill_null(lists.value_lengths(), 0).cast(pa.int64()))
    counts = pc.pairwise_diff(pa.concat_arrays([pa.array([0]), running.take(ends)])).slice(1)
    is_valid = lists.is_valid().to_pylist()
    whole = map(list, map(islice, repeat(values), compress(counts.to_pylist(), is_valid)))
    return list(map(next, map((repeat(None), whole).__getitem__, is_valid)))


def _loads(texts: pa.Array) -> list[Any]:
    """Return the values of JSON texts, with one call for all of them.

    Raises:
        ValueError: One of them is no JSON.
    """
    values: list[Any] = json.loads(f"[{','.join(texts.to_pylist())}]")
    return values
