"""Rows of metadata as patch documents, in the bytes that the vendor's client would send.

No line in here runs once for each row while nothing is wrong: `map`, `zip`, `json.loads` and
`json.dumps` loop in C over a batch. Arrow and DuckDB will not do: their structs give every row
every key, and a key that a row does not have must not become null.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import is_, or_
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._upload.arrow_input import as_reader, column_array, is_frame, reset_index
from spanduck._upload.values.kinds import SHORT_SPAN_ID
from spanduck_sql.schema import METADATA, SPAN_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from spanduck._upload.problems import Problems

_PREFIX: Final = f"{METADATA}."
MAX_CHARACTERS: Final = 1_000_000
MAX_DEPTH: Final = 10
"""The vendor SDK's own limits of a patch; one without nested values has a depth of 2."""

_FRAME_ROWS: Final = 40_000


@dataclass
class PatchColumns:
    """Which columns of some rows make their patches.

    Attributes:
        names: Every column of the rows.
        span_id: The column of span ids.
        fields: Metadata keys by the position of their column.
        patch: Position of the column of patches; None when there is none.
        is_said: By metadata key, whether any row had a value for it.
    """

    names: list[str]
    span_id: int
    fields: dict[int, str]
    patch: int | None
    is_said: dict[str, bool] = field(default_factory=dict)


def patch_columns(names: list[str], patch_name: str, problems: Problems) -> PatchColumns | None:
    """Find the columns; notes what is wrong and returns None where they make no patch."""
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        problems.add(name, "the column is there twice", next_step="Keep one of them.")
    ids = [at for at, name in enumerate(names) if name in (SPAN_ID, SHORT_SPAN_ID)]
    if not ids:
        shown = ", ".join(names[:20]) or "none"
        problems.add(SPAN_ID, "the column is missing", next_step=f"There are: {shown}.")
    elif len(ids) > 1 and names[ids[0]] != names[ids[1]]:
        problems.add(SPAN_ID, f"{SHORT_SPAN_ID} is there as well", next_step="Keep one of them.")
    fields = {
        at: name.removeprefix(_PREFIX) for at, name in enumerate(names) if name.startswith(_PREFIX)
    }
    for at, key in fields.items():
        if not key:
            problems.add(names[at], "the column names no key", next_step=f"Call it {_PREFIX}key.")
    patch = names.index(patch_name) if patch_name in names else None
    if patch is None and not fields:
        problems.add(
            patch_name,
            "there is no metadata",
            next_step=f"Add columns {_PREFIX}<key>, or one of patches called {patch_name}.",
        )
    if problems:
        return None
    return PatchColumns(names, ids[0], fields, patch, dict.fromkeys(fields.values(), False))


@dataclass(frozen=True)
class Rows:
    """Some rows as they were given.

    Attributes:
        span_ids: Their ids, of whatever type they have.
        fields: By metadata key, a value for each row; None for no value.
        patches: A patch for each row: a dictionary, a text, or None. None without such a column.
    """

    # `Any`: values of the caller's.
    span_ids: pa.Array
    fields: dict[str, list[Any]]
    patches: list[Any] | None


class Source:
    """Rows of a DataFrame, or of anything else that holds Arrow rows."""

    def __init__(self, data: Any) -> None:
        # Not through Arrow: of dictionaries with different keys it would make one kind of struct.
        self._frame: pd.DataFrame | None = reset_index(data) if is_frame(data) else None
        self._reader = None if self._frame is not None else as_reader(data)

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        if self._frame is not None:
            return [str(name) for name in self._frame.columns]
        assert self._reader is not None  # noqa: S101 - one of them is there
        return list(self._reader.schema.names)

    def rows(self, columns: PatchColumns) -> Iterator[Rows]:
        """Yield the rows, a batch at a time; once."""
        if self._frame is not None:
            for start in range(0, len(self._frame), _FRAME_ROWS):
                piece = self._frame.iloc[start : start + _FRAME_ROWS]
                ids = column_array(SPAN_ID, piece.iloc[:, columns.span_id])
                yield _rows(columns, ids, lambda at, piece=piece: _objects(piece.iloc[:, at]))
            return
        assert self._reader is not None  # noqa: S101 - one of them is there
        for batch in self._reader:
            ids = batch.column(columns.span_id)
            yield _rows(columns, ids, lambda at, batch=batch: _python(batch.column(at)))


# `Any`: a function of a position, as a lambda with a bound batch.
def _rows(columns: PatchColumns, ids: pa.Array, values: Any) -> Rows:
    fields = {key: values(at) for at, key in columns.fields.items()}
    for key, given in fields.items():
        columns.is_said[key] = columns.is_said[key] or not all(map(is_, given, repeat(None)))
    return Rows(ids, fields, None if columns.patch is None else values(columns.patch))


def _objects(column: pd.Series[Any]) -> list[Any]:
    """Return the values as Python objects, any missing one as None."""
    values: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    return values


def _python(column: pa.Array) -> list[Any]:
    if pa.types.is_floating(column.type):
        # A NaN is how frames write that there is no number.
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    values: list[Any] = column.to_pylist()
    if pa.types.is_map(column.type):
        return [None if value is None else dict(value) for value in values]
    return values


def documents(rows: Rows, problems: Problems | None, *, first_row: int) -> pa.Array:
    """Return the patch document of each row.

    A field's value counts where the row's own patch does not name its key. A row without either
    has an empty patch.

    Args:
        rows: The rows.
        problems: Where what is wrong is noted; None to send it as well as it can be.
        first_row: Number of the first row within all the data.
    """
    count = len(rows.span_ids)
    patches: Sequence[dict[str, Any]] = list(map(dict, repeat((), count)))
    if rows.fields:
        pairs = zip(*rows.fields.values(), strict=True)
        patches = list(map(dict, map(zip, repeat(list(rows.fields)), pairs)))
    texts: dict[int, str] = {}
    if rows.patches is not None:
        explicit = _Explicit(problems, first_row, is_alone=not rows.fields)
        patches = list(map(or_, patches, explicit.objects(rows.patches)))
        texts = explicit.texts
    try:
        written = _dumps(patches)
    except (TypeError, ValueError):
        written = _dumps_one_by_one(patches, problems, first_row)
    for row, text in texts.items():
        written[row] = text
    made = pa.array(written, pa.string())
    if problems is not None:
        _check(made, problems, first_row)
    return made


class _Explicit:
    """Reads patches that rows bring themselves.

    Attributes:
        texts: By row, what is no patch and is sent as it is, for the service to judge.
    """

    def __init__(self, problems: Problems | None, first_row: int, *, is_alone: bool) -> None:
        self._problems = problems
        self._first_row = first_row
        self._is_alone = is_alone
        self.texts: dict[int, str] = {}

    def objects(self, given: list[Any]) -> list[dict[str, Any]]:
        """Return each as a dictionary."""
        if all(map(isinstance, given, repeat(dict))):
            return given
        if all(map(isinstance, given, repeat(str))):
            parsed = _loads(given)
            if parsed is not None and all(map(isinstance, parsed, repeat(dict))):
                return parsed
        return [self._object(row, value) for row, value in enumerate(given)]

    def _object(self, row: int, value: Any) -> dict[str, Any]:
        if value is None:
            return {}
        if isinstance(value, str):
            try:
                parsed = json.loads(value)
            except (ValueError, RecursionError):
                parsed, rule = None, "the patch is no JSON"
            else:
                rule = "the patch is JSON, but no object"
        else:
            parsed, rule = value, "the patch is neither a dictionary nor a text"
        if isinstance(parsed, dict):
            return parsed
        if self._problems is not None:
            self._problems.add(
                "patch",
                rule,
                row_index=self._first_row + row,
                value=value,
                next_step="A patch is a JSON object.",
            )
        elif self._is_alone and isinstance(value, str):
            self.texts[row] = value
        return {}


def _loads(texts: list[str]) -> list[Any] | None:
    """Parse many texts at once; None when one of them is no JSON."""
    # What stands between two texts cannot occur in them by chance, so that no text can pass for
    # two, or for a part of one.
    token = secrets.token_hex(16)
    try:
        parsed = json.loads("[" + f',"{token}",'.join(texts) + "]")
    except (ValueError, RecursionError):
        return None
    is_exact = len(parsed) == 2 * len(texts) - 1 and parsed[1::2] == [token] * (len(texts) - 1)
    return parsed[::2] if is_exact else None


def _dumps(patches: Sequence[dict[str, Any]]) -> list[str]:
    if not patches:
        return []
    token = secrets.token_hex(16)
    text = _json(list(chain.from_iterable(zip(patches, repeat(token), strict=False))))
    return text[1 : -len(f', "{token}"]')].split(f', "{token}", ')


def _dumps_one_by_one(
    patches: Sequence[dict[str, Any]], problems: Problems | None, first_row: int
) -> list[str]:
    written = []
    for row, patch in enumerate(patches):
        try:
            written.append(_json(patch))
        except (TypeError, ValueError) as exc:
            if problems is None:
                raise
            problems.add(
                "patch",
                "a value has no form in JSON",
                row_index=first_row + row,
                value=exc,
                next_step="Send times and the like as text.",
            )
            written.append("{}")
    return written


def _json(value: Any) -> str:
    try:
        return json.dumps(value, default=_json_value)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _json_value(value: Any) -> Any:
    # Numpy's arrays and scalars; not looked up by type, as numpy need not be there.
    to_list = getattr(value, "tolist", None)
    if to_list is None:
        raise TypeError(f"{type(value).__name__} {value!r:.60}")
    return to_list()


def _check(made: pa.Array, problems: Problems, first_row: int) -> None:
    problems.add_rows(
        "patch",
        f"the patch has more than {MAX_CHARACTERS:,} characters",
        pc.greater(pc.binary_length(made), MAX_CHARACTERS),
        made,
        first_row=first_row,
        next_step="Shorten it.",
    )
    # Brackets bound the depth, also those within texts.
    brackets = pc.add(pc.count_substring(made, "{"), pc.count_substring(made, "["))
    for row in pc.indices_nonzero(pc.greater_equal(brackets, MAX_DEPTH)).to_pylist():
        if _depth(json.loads(made[row].as_py())) > MAX_DEPTH:
            problems.add(
                "patch",
                f"the patch is nested more than {MAX_DEPTH} levels deep",
                row_index=first_row + row,
                next_step="Send inner objects as JSON text.",
            )


def _depth(value: Any, depth: int = 1) -> int:
    if depth > MAX_DEPTH or not isinstance(value, dict | list) or not value:
        return depth
    inner = value.values() if isinstance(value, dict) else value
    return max(_depth(item, depth + 1) for item in inner)
