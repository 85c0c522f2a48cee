"""Spans found by something they carry instead of their id: a key."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from spanduck._scan.scalars import scalar
from spanduck._write_back.lookup import (
    Lookup,
    among,
    distinct,
    open_lookup,
    pushable_parts,
)
from spanduck._write_back.queries import query
from spanduck.exceptions import ValidationError, did_you_mean
from spanduck_sql.expressions import Compare, Comparison, In, Literal, any_of
from spanduck_sql.inclusive import EXACT_INTEGERS
from spanduck_sql.language.paths import json_path, key_paths
from spanduck_sql.language.printer import is_sendable_name, is_sendable_text, to_text
from spanduck_sql.pushdown import MAX_FILTER_BYTES
from spanduck_sql.schema import (
    ATTRIBUTE_PREFIX,
    JSON_TYPE,
    METADATA,
    PARENT_ID,
    SPAN_ID,
    START_TIME,
    TRACE_ID,
    UPLOAD_COLUMNS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spanduck._config import Settings
    from spanduck._transport.flight import FlightTransport
    from spanduck_sql.expressions import Predicate

    Asked = tuple[str, pa.Array]

KEY_SCHEMA: Final = pa.schema([("key", pa.string()), ("span_id", pa.string())])

_VALUE_SCHEMA: Final = pa.schema([("span_id", pa.string()), ("value", pa.string())])
_SEEN_SCHEMA: Final = pa.schema(
    [("session", pa.string()), ("trace", pa.string()), ("start", pa.int64())]
)
_SESSION_ID: Final = "attributes.session.id"
_METADATA_PREFIX: Final = f"{METADATA}."
_ZERO: Final = scalar(0, pa.int32())
_TRUE: Final = scalar(True, pa.bool_())  # noqa: FBT003 - a value
# What a long model calls something else.
_TAKEN: Final = frozenset(
    {
        *("span_id", "level", "name", "label", "score", "explanation", "text"),
        *("key", "value", "patch_document", "start_time"),
    }
)
_CHOICES: Final = (
    "A key is span_id, trace, session, attributes.metadata.<key> or another column of attributes."
)


class KeyKind(StrEnum):
    """What a key finds."""

    SPAN = "span"
    """The span of this id."""
    TRACE = "trace"
    """The root span of the trace of this id."""
    SESSION = "session"
    """The root span of the earliest trace of the session of this id."""
    VALUE = "value"
    """Every span that carries this value."""


@dataclass(frozen=True)
class SpanKey:
    """What a model names its spans by.

    Attributes:
        name: As the user wrote it.
        kind: What it finds.
        columns: The columns a model may select it as, the usual one first.
        source: The spans' column that carries it, by its exact name.
    """

    name: str
    kind: KeyKind
    columns: tuple[str, ...]
    source: str

    @property
    def column(self) -> str:
        """The column a model selects it as."""
        return self.columns[0]

    @property
    def is_span_id(self) -> bool:
        """Whether it is the id itself, for which nothing need be looked up."""
        return self.kind is KeyKind.SPAN


_FIXED: Final = (
    SpanKey("span_id", KeyKind.SPAN, ("span_id", SPAN_ID), SPAN_ID),
    SpanKey("trace", KeyKind.TRACE, ("trace_id", TRACE_ID), TRACE_ID),
    SpanKey("session", KeyKind.SESSION, ("session_id", _SESSION_ID), _SESSION_ID),
)


def span_key(text: str) -> SpanKey:
    """Read what a user wrote for a key.

    Args:
        text: `span_id`, `trace`, `session`, `attributes.metadata.<key>` or the name of another
            column of attributes. The columns of the first three mean the same as they do.

    Raises:
        ValidationError: It is none of these; near matches are named.
    """
    for key in _FIXED:
        if text in (key.name, key.kind, *key.columns):
            return SpanKey(text, key.kind, key.columns, key.source)
    if text.startswith(ATTRIBUTE_PREFIX) and text not in (ATTRIBUTE_PREFIX, _METADATA_PREFIX):
        last = text.removeprefix(_METADATA_PREFIX).removeprefix(ATTRIBUTE_PREFIX)
        short = () if last.lower() in _TAKEN else (last,)
        return SpanKey(text, KeyKind.VALUE, (text, *short), text)
    raise ValidationError(
        f"there is no key {text!r}",
        next_step=f"{_near_keys(text)} {_CHOICES}".strip(),
        column="key",
    )


def infer_key(column_names: Iterable[str]) -> SpanKey | None:
    """Return the key that a model's columns tell; None where they have a span id, or tell nothing.

    Raises:
        ValidationError: They tell two.
    """
    lower = {name.lower() for name in column_names}
    told = [key for key in _FIXED if lower.intersection(key.columns)]
    if not told or told[0].is_span_id:
        return None
    if len(told) > 1:
        raise ValidationError(
            f"the columns {' and '.join(key.column for key in told)} both find spans",
            next_step="Say which with key = 'trace' or key = 'session', or leave one out.",
            column="key",
        )
    return told[0]


def _near_keys(text: str) -> str:
    known = {
        *(word for key in _FIXED for word in (key.name, *key.columns)),
        *(column.name for column in UPLOAD_COLUMNS if column.name.startswith(ATTRIBUTE_PREFIX)),
    }
    rest = text.partition(".")[2]
    if rest:
        known |= {f"{ATTRIBUTE_PREFIX}{rest}", f"{_METADATA_PREFIX}{rest}"}
    return did_you_mean(text, sorted(known))


def matches(
    flight: FlightTransport,
    settings: Settings,
    *,
    space: str,
    project: str,
    key: SpanKey,
    wanted: pa.Array | pa.ChunkedArray,
) -> Iterator[pa.RecordBatch]:
    """Stream the spans that keys find, among spans of all times.

    It costs a look at the project's columns and one export of two or three of them; some more where
    up to 500 keys make a long filter, and another for sessions. Memory grows with the keys, not
    with the spans.

    Args:
        flight: Carries the exports.
        settings: What the service is.
        space: Id of the space.
        project: Name of the project.
        key: What the keys are.
        wanted: The keys, as text. Nulls and repeated ones do no harm.

    Returns:
        Batches of `KEY_SCHEMA`, in no order: a row for each key and span it finds, none for a key
        that finds nothing. A trace finds its root, a span without a parent, of which it may have
        none or several; a session the root of its earliest trace, which is that of its earliest
        span. Any other key finds every span whose value, as text, equals it, with its case: a
        number is its JSON text, a boolean `true` or `True` as it is stored.

    Raises:
        UnknownProjectError: The service has no such project.
        ServiceError: It cannot be asked, or what it sends is not complete.
    """
    keys = distinct(wanted)
    if not len(keys):
        return
    lookup = open_lookup(flight, settings, space=space, project=project)
    match key.kind:
        case KeyKind.TRACE:
            yield from _roots(lookup, keys)
        case KeyKind.SESSION:
            yield from _roots_of_sessions(lookup, keys)
        case _:
            yield from _carrying(lookup, key.source, keys)


def _roots(lookup: Lookup, traces: pa.Array) -> Iterator[pa.RecordBatch]:
    fields = [_text(TRACE_ID), _text(SPAN_ID), _text(PARENT_ID)]
    for filter_text, asked in _filters(lookup, TRACE_ID, traces):
        for part in lookup.read(fields, filter_text):
            parents = part.column(PARENT_ID)
            # An empty text is how some exporters say that there is none.
            is_root = pc.fill_null(pc.equal(pc.binary_length(parents), _ZERO), _TRUE)
            yield from _found(part.column(TRACE_ID), part.column(SPAN_ID), asked, is_root)


def _roots_of_sessions(lookup: Lookup, sessions: pa.Array) -> Iterator[pa.RecordBatch]:
    if not lookup.has(_SESSION_ID):
        return
    earliest = _earliest_traces(lookup, sessions)
    if not earliest.num_rows:
        return
    for roots in _roots(lookup, distinct(earliest.column("trace"))):
        made = query("session_roots", root=pa.Table.from_batches([roots]), earliest=earliest)
        yield from made.cast(KEY_SCHEMA).combine_chunks().to_batches()


def _earliest_traces(lookup: Lookup, sessions: pa.Array) -> pa.Table:
    """Return the trace of the earliest span of each session that has one."""
    # As they come: only which is the earlier matters.
    fields = [_text(_SESSION_ID), _text(TRACE_ID), pa.field(START_TIME, pa.int64())]
    earliest = pa.Table.from_batches([], _SEEN_SCHEMA)
    pending: list[pa.Table] = []
    waiting = 0
    for filter_text, asked in _filters(lookup, _SESSION_ID, sessions):
        for part in lookup.read(fields, filter_text):
            is_wanted = pc.is_in(part.column(_SESSION_ID), value_set=asked)
            seen = pa.Table.from_batches([part.filter(is_wanted)])
            pending.append(_earliest_of(seen.rename_columns(_SEEN_SCHEMA.names)))
            waiting += pending[-1].num_rows
            # Not each time: what is known already is sorted again with it.
            if waiting > earliest.num_rows:
                earliest = _earliest_of(pa.concat_tables([earliest, *pending]))
                pending, waiting = [], 0
    return _earliest_of(pa.concat_tables([earliest, *pending]))


def _earliest_of(seen: pa.Table) -> pa.Table:
    return query("earliest_traces", seen=seen).cast(_SEEN_SCHEMA)


def _carrying(lookup: Lookup, source: str, keys: pa.Array) -> Iterator[pa.RecordBatch]:
    """Stream the spans whose column, or whose place in the metadata, holds one of the keys."""
    if source.startswith(_METADATA_PREFIX) and lookup.has(METADATA):
        yield from _carrying_within(lookup, source, keys)
    elif lookup.has(source):
        fields = [_text(name) for name in dict.fromkeys((source, SPAN_ID))]
        for filter_text, asked in _filters(lookup, source, keys):
            for part in lookup.read(fields, filter_text):
                yield from _found(part.column(source), part.column(SPAN_ID), asked)


def _carrying_within(lookup: Lookup, source: str, keys: pa.Array) -> Iterator[pa.RecordBatch]:
    places = key_paths(tuple(source.removeprefix(_METADATA_PREFIX).split(".")))
    pointers = [json_path(place) for place in places]
    # A service may have a column of its own for it, which a filter might read instead.
    asking = [("", keys)] if lookup.has(source) else _metadata_filters(source, keys)
    fields = [_text(SPAN_ID), _text(source), pa.field(METADATA, JSON_TYPE)]
    for filter_text, asked in asking:
        for part in lookup.read(fields, filter_text):
            columns = [part.column(SPAN_ID), part.column(source), part.column(METADATA).storage]
            document = pa.table(columns, ["span_id", "value", "document"])
            made = query("metadata_texts", document=document, pointers=pointers)
            for texts in made.cast(_VALUE_SCHEMA).combine_chunks().to_batches():
                yield from _found(texts.column("value"), texts.column("span_id"), asked)


def _filters(lookup: Lookup, column: str, keys: pa.Array) -> list[Asked]:
    """Return filters that let every span through that carries one of the keys beside them.

    Others may come with it, those of the other keys too.
    """
    name = lookup.sql_name(column)
    parts = pushable_parts(keys)
    if parts is None or name is None:
        return [("", keys)]
    asked = [(lookup.pushed([among(name, part)]), part) for part in parts]
    return asked if all(text for text, _ in asked) else [("", keys)]


# A key of the metadata is no column of its own, so what its values are is not declared.
def _metadata_filters(name: str, keys: pa.Array) -> list[Asked]:
    # Numbers are said twice, as text too.
    parts = pushable_parts(keys, most_bytes=MAX_FILTER_BYTES // 2)
    if parts is None or not is_sendable_name(name):
        return [("", keys)]
    asked = [(_metadata_filter(name, part.to_pylist()), part) for part in parts]
    return asked if all(text for text, _ in asked) else [("", keys)]


def _metadata_filter(name: str, keys: list[str]) -> str:
    numbers = {key: _number(key) for key in keys}
    # Whether a service takes the stored number, or the boolean `true`, for its text is not known;
    # nor how it writes a number of more digits than a double has.
    if not all(map(_is_plain, keys)) or any(
        number is not None and abs(number) >= EXACT_INTEGERS for number in numbers.values()
    ):
        return ""
    tests: list[Predicate] = [_among(name, [Literal(key, "VARCHAR") for key in keys])]
    doubles = [Literal(number, "DOUBLE") for number in numbers.values() if number is not None]
    if doubles:
        tests.append(_among(name, doubles))
    return to_text(any_of(tests))


def _among(name: str, literals: list[Literal]) -> Predicate:
    if len(literals) == 1:
        return Compare(Comparison.EQ, name, literals[0])
    return In(name, tuple(literals))


def _is_plain(key: str) -> bool:
    is_other = key.lower() in ("true", "false") or key.startswith(("{", "["))
    return bool(key) and not is_other and is_sendable_text(key)


def _number(key: str) -> float | None:
    try:
        number = float(key)
    except ValueError:
        return None
    # Adding zero takes the sign off a zero.
    return number + 0.0 if math.isfinite(number) else None


def _found(
    values: pa.Array, span_ids: pa.Array, keys: pa.Array, *conditions: pa.Array
) -> Iterator[pa.RecordBatch]:
    is_found = pc.is_in(values, value_set=keys)
    for condition in conditions:
        is_found = pc.and_(is_found, condition)
    made = pa.RecordBatch.from_arrays(
        [values.filter(is_found), span_ids.filter(is_found)], schema=KEY_SCHEMA
    )
    if made.num_rows:
        yield made


def _text(column: str) -> pa.Field:
    return pa.field(column, pa.string())
