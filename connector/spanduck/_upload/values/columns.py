"""Which columns of a frame are evaluations or annotations, and what is wrong with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanduck._upload.values.kinds import KINDS, SHORT_SPAN_ID, ValueColumn, ValueKind
from spanduck._upload.values.long import LEVEL, NAME, LongFrame
from spanduck._upload.values.wide import WideFrame
from spanduck.exceptions import did_you_mean
from spanduck_sql.schema import (
    ATTRIBUTE_PREFIX,
    CORE_TYPES,
    SPAN_ID,
    TRACE_ID,
    UPLOAD_COLUMN_BY_NAME,
    UPLOAD_SPAN_KIND,
    WIRE_TIME,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from spanduck._upload.problems import Problems

_SPAN_COLUMNS: Final = {*CORE_TYPES, *UPLOAD_COLUMN_BY_NAME, UPLOAD_SPAN_KIND, WIRE_TIME}
_LONG_COMPANIONS: Final = (SPAN_ID, TRACE_ID, NAME)


def read_frame(
    schema: pa.Schema,
    kind: ValueKind,
    problems: Problems,
    *,
    on_unknown: Callable[[str], None],
) -> WideFrame | LongFrame | None:
    """Find the columns of a frame that are sent.

    A frame with a column `name` and bare fields (`label`, `score`, …) is long, any other wide.
    Other columns of spans, as an export has them, are left out.

    Args:
        schema: Of the frame, in plain types.
        kind: What it should hold.
        problems: Where it is noted what is missing, there twice, of both shapes or of a wrong type.
        on_unknown: Called with each column that is nothing of a span, and with each whose name
            cannot be sent.

    Returns:
        The columns; None when there is no span id or no value.
    """
    names = list(schema.names)
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        problems.add(name, "the column is there twice", next_step="Keep one of them.")
    ids = [name for name in (SPAN_ID, SHORT_SPAN_ID) if name in names]
    if not ids:
        problems.add(
            SPAN_ID,
            "the column is missing",
            next_step=did_you_mean(SPAN_ID, names) or "It holds the id of the span of each row.",
        )
    has_wide = any(kind.read(name, sendable=False) or name == kind.notes for name in names)
    bare = [name for name in names if name in kind.fields]
    frame = (
        _wide(names, kind, problems, on_unknown)
        if has_wide or not bare
        else _long(names, kind, problems, on_unknown)
    )
    if frame is None or not ids:
        return None
    frame.check_types(schema, problems)
    return frame


def note_unknown(kind: ValueKind, problems: Problems, name: str, frame_names: list[str]) -> None:
    """Note a column that is no value of a kind, with what may have been meant.

    Args:
        kind: What the frame holds.
        problems: Where it is noted.
        name: The column.
        frame_names: All columns of the frame.
    """
    if kind.read(name, sendable=False) is not None:
        step = "Use letters, digits, `_` and spaces."
        problems.add(name, f"the name of the {kind.word} cannot be sent", next_step=step)
        return
    if name in _own(kind):
        problems.add(
            name,
            "the column belongs to the long shape, others to the wide one",
            next_step=f"Either rename it to {_first_example(kind, name)}, or give every value a row"
            f" with {NAME} and {', '.join(kind.said)}.",
        )
        return
    prefix, _, rest = name.partition(".")
    is_prefix = prefix in kind.prefix_by_level.values()
    stem = rest.rpartition(".")[0] or (rest if rest or is_prefix else name) or "<name>"
    level = next((at for at, own in kind.prefix_by_level.items() if own == prefix), None)
    level = level or kind.default_level
    known = [kind.title(ValueColumn(level, stem, field)) for field in kind.fields]
    bare = [NAME, *kind.fields] if NAME in frame_names else []
    example = kind.title(ValueColumn(kind.default_level, "<name>", "<field>"))
    problems.add(
        name,
        f"the column is no {kind.word}",
        next_step=did_you_mean(
            name, [SPAN_ID, *([kind.notes] if kind.notes else []), *known, *bare]
        )
        or f"Rename it to {example}, or leave it out.",
    )


def _wide(
    names: list[str], kind: ValueKind, problems: Problems, on_unknown: Callable[[str], None]
) -> WideFrame | None:
    columns: dict[int, ValueColumn] = {}
    for at, name in enumerate(names):
        parsed = kind.read(name)
        if parsed is not None:
            columns[at] = parsed
        elif name != kind.notes and not _is_left_out(name, kind):
            on_unknown(name)
    notes = names.index(kind.notes) if kind.notes in names else None
    if not columns and notes is None:
        examples = [*kind.example(), *([kind.notes] if kind.notes else [])]
        problems.add(
            examples[0],
            f"there is no column of {kind.an}",
            next_step=f"Name them {', '.join(examples)}; or give every value a row with {NAME} and"
            f" {', '.join(kind.said)}.",
        )
        return None
    return WideFrame(kind, _span_id(names), columns, notes)


def _long(
    names: list[str], kind: ValueKind, problems: Problems, on_unknown: Callable[[str], None]
) -> LongFrame | None:
    for name in names:
        if name != NAME and name not in _own(kind) and not _is_left_out(name, kind):
            on_unknown(name)
    if NAME not in names:
        problems.add(
            NAME,
            "the column is missing",
            next_step=f"It says which {kind.word} a row is. Or call the columns"
            f" {', '.join(kind.example())}.",
        )
    if not any(name in kind.said for name in names):
        problems.add(
            kind.said[0],
            f"no column says anything of {kind.an}",
            next_step=f"Add one of {', '.join(kind.said)}.",
        )
    of_spans = [name for name in names if name in _SPAN_COLUMNS and name not in _LONG_COMPANIONS]
    if of_spans and NAME in names:
        problems.add(
            NAME,
            f"beside {', '.join(of_spans[:3])} this is the name of the span, not of {kind.an}",
            next_step=f"Leave the columns of spans out, or call the values"
            f" {', '.join(kind.example())}.",
        )
    if problems:
        return None
    fields = {name: names.index(name) for name in kind.fields if name in names}
    level = names.index(LEVEL) if LEVEL in _own(kind) and LEVEL in names else None
    return LongFrame(kind, _span_id(names), names.index(NAME), level, fields)


def _own(kind: ValueKind) -> list[str]:
    """Return the columns that only a long frame has."""
    return [*kind.fields, *([LEVEL] if len(kind.prefix_by_level) > 1 else [])]


def _span_id(names: list[str]) -> int:
    return next((at for at, name in enumerate(names) if name in (SPAN_ID, SHORT_SPAN_ID)), -1)


def _first_example(kind: ValueKind, name: str) -> str:
    field = name if name in kind.fields else kind.said[0]
    return kind.title(ValueColumn(kind.default_level, "<name>", field))


def _is_left_out(name: str, kind: ValueKind) -> bool:
    """Tell whether an export has such a column, other than those of this kind."""
    others = tuple(
        f"{prefix}."
        for other in KINDS
        if other is not kind
        for prefix in other.prefix_by_level.values()
    )
    return (
        name in _SPAN_COLUMNS
        or name == SHORT_SPAN_ID
        or name.startswith((ATTRIBUTE_PREFIX, *others))
    )
