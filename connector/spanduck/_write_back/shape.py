"""The shape of a model: which of its columns make values, by name and type.

One reading of the columns for all rows, before any row is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanduck._upload.values.kinds import SHORT_SPAN_ID
from spanduck._write_back.keys import infer_key
from spanduck._write_back.kinds import (
    KIND_BY_WORD,
    KINDS,
    METADATA_KIND,
    PATCH,
    Kind,
    NamedField,
)
from spanduck._write_back.model_columns import ModelColumn, ValueSource
from spanduck.exceptions import ConfigError, ValidationError, did_you_mean, near_matches
from spanduck_sql.schema import SPAN_ID, START_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spanduck._write_back.keys import SpanKey

NULLS_SKIP: Final = "skip"
NULLS_WRITE: Final = "write"
Nulls = str | Mapping[str, str]


@dataclass(frozen=True)
class Shape:
    """How the rows of a model become values.

    Attributes:
        kind: What they are.
        span_id: The column of the span id, or of what it is found by.
        key: What that column holds, when it is no span id.
        sources: The values a row may hold: one for a long model and for metadata, one for each name
            for a wide one.
        written_nulls: Columns whose NULL is written, as JSON null.
        start_time: A column of start times, which is not written.
    """

    kind: Kind
    span_id: ModelColumn
    sources: tuple[ValueSource, ...]
    key: SpanKey | None = None
    written_nulls: frozenset[str] = frozenset()
    start_time: ModelColumn | None = None


def model_shape(
    names: Sequence[str],
    type_names: Sequence[str],
    *,
    kind: str | None = None,
    key: SpanKey | None = None,
    nulls: Nulls = NULLS_SKIP,
    has_start_time: bool = False,
) -> Shape:
    """Read the shape of a model from its columns.

    Args:
        names: The columns' names, in order.
        type_names: Their SQL types, as DuckDB writes them.
        kind: `eval`, `annotation` or `metadata`; None to tell it by the columns.
        key: What stands for the span id; None for the id itself, or for what the columns tell.
        nulls: What a NULL of metadata means: `skip` or `write`, for all columns or by column.
        has_start_time: A column `start_time` may be there, which is not written.

    Raises:
        ValidationError: The kind is unknown or cannot be told; a needed column is missing, one is
            unknown or there twice: every such problem is listed.
        ConfigError: The policy for NULL is none, or cannot be had for the kind.
    """
    columns = [
        ModelColumn(name, type_name, position)
        for position, (name, type_name) in enumerate(zip(names, type_names, strict=True))
    ]
    start_time = _start_time(columns) if has_start_time else None
    columns = [column for column in columns if column is not start_time]
    key = key if key is not None else infer_key(names)
    # The column of the key is no value, even where it is called as one would be.
    id_column, key_problem = _id_column(columns, key)
    others = [column for column in columns if column is not id_column]
    chosen = kind_of(kind) if kind is not None else _told_kind([c.name for c in others])
    _refuse_repeated(others, chosen)
    reading = _Reading(chosen, others)
    problems = [*key_problem, *reading.problems()]
    if problems or id_column is None:
        raise ValidationError(
            f"these columns make no {chosen.noun}: {'; '.join(problems)}",
            next_step=chosen.needed,
            problems=problems,
        )
    return Shape(
        kind=chosen,
        span_id=id_column,
        sources=reading.sources(),
        key=key,
        written_nulls=_written_nulls(chosen, nulls, reading.value_names()),
        start_time=start_time,
    )


def kind_of(word: str) -> Kind:
    """Return a kind by its word.

    Raises:
        ValidationError: There is no such kind.
    """
    if word in KIND_BY_WORD:
        return KIND_BY_WORD[word]
    raise ValidationError(
        f"there is no kind {word!r}",
        next_step=did_you_mean(word, KINDS) or f"Kinds: {', '.join(KINDS)}.",
    )


class _Reading:
    """The columns of a model beside the span id, read as those of a kind."""

    def __init__(self, kind: Kind, columns: Sequence[ModelColumn]) -> None:
        self._kind = kind
        self._columns = columns
        self._wide = {
            column.position: parsed
            for column in columns
            if (parsed := kind.parse(column.name)) is not None
        }
        self._is_wide = bool(self._wide) or any(
            _has_prefix(column.name, kind) for column in columns
        )
        self._by_word = {
            word: column for column in columns if (word := _word(column.name, kind)) is not None
        }

    def problems(self) -> list[str]:
        """Return what is unknown, then what is missing."""
        unknown = [said for column in self._columns if (said := self._unknown(column)) is not None]
        return [*unknown, *self._missing()]

    def sources(self) -> tuple[ValueSource, ...]:
        """Return the values that a row may hold."""
        kind = self._kind
        if not self._is_wide:
            fields = {name: self._by_word[name] for name in kind.fields if name in self._by_word}
            level, name = self._by_word.get("level"), self._by_word[kind.name_word]
            return (ValueSource(fields, level_column=level, name_column=name),)
        by_position = {column.position: column for column in self._columns}
        if kind is METADATA_KIND:
            keys = {
                parsed.name or PATCH: by_position[position]
                for position, parsed in self._wide.items()
            }
            return (ValueSource(keys, level="span"),)
        sources: dict[tuple[str, str | None], ValueSource] = {}
        for position, parsed in self._wide.items():
            source = sources.setdefault(
                (parsed.level, parsed.name), ValueSource(level=parsed.level, name=parsed.name)
            )
            source.fields[parsed.field] = by_position[position]
        return tuple(sources.values())

    def value_names(self) -> list[str]:
        """Return the names of the columns that hold values."""
        return [
            column.name
            for column in self._columns
            if column.position in self._wide or _word(column.name, self._kind) in self._kind.fields
        ]

    def _unknown(self, column: ModelColumn) -> str | None:
        if column.position in self._wide:
            return None
        word = _word(column.name, self._kind)
        if word is not None and not self._is_wide:
            return None
        if word is not None:
            return f"column {column.name!r} belongs to the long shape, others to the wide one"
        if column.name.lower() in (SHORT_SPAN_ID, SPAN_ID):
            return f"column {column.name!r} is one too many, for the spans are found by a key"
        if _is_renamed(column.name, self._kind, self._wide.values()):
            return (
                f"column {column.name!r} was renamed by DuckDB, as names of a subquery that differ "
                "only by case are; name it in the outermost SELECT, or use the long shape"
            )
        close = near_matches(column.name, self._known(column.name), limit=2)
        hint = f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
        return f"unknown column {column.name!r}{hint}"

    def _known(self, name: str) -> list[str]:
        kind = self._kind
        known = [SHORT_SPAN_ID, SPAN_ID, *kind.long_words]
        if kind is METADATA_KIND:
            return [*known, PATCH]
        prefix, _, rest = name.partition(".")
        close = near_matches(prefix, kind.prefixes, limit=1)
        if rest and close:
            stem = rest.rpartition(".")[0] or rest
            known += [f"{close[0]}.{stem}.{word}" for word in kind.fields]
        return known

    def _missing(self) -> list[str]:
        kind, problems = self._kind, []
        if self._is_wide:
            if not self._wide:
                problems.append(f"no column like {kind.wide_name('<Name>', kind.fields[0])}")
            names = {parsed.name for parsed in self._wide.values()}
            if kind is METADATA_KIND and None in names and len(names) > 1:
                problems.append(f"{PATCH} stands alone, without columns of single keys")
            return problems
        if kind.name_word not in self._by_word:
            problems.append(f"column {kind.name_word} is missing")
        if not any(name in self._by_word for name in kind.fields):
            one_of = "one of " if len(kind.fields) > 1 else "column "
            problems.append(f"{one_of}{', '.join(kind.fields)} is missing")
        return problems


def _told_kind(names: Sequence[str]) -> Kind:
    lower = {name.lower() for name in names}
    told = [
        kind
        for kind in KIND_BY_WORD.values()
        if any(kind.parse(name) is not None or _has_prefix(name, kind) for name in names)
        or (kind is METADATA_KIND and {"key", "value"} <= lower)
        or (kind is not METADATA_KIND and "name" in lower and kind.body in lower)
    ]
    if len(told) == 1:
        return told[0]
    why = "of several kinds" if told else "of no kind alone"
    raise ValidationError(
        f"the columns {', '.join(map(repr, names)) or '(none)'} are {why}",
        next_step="Name the kind: eval, annotation or metadata.",
    )


def _written_nulls(kind: Kind, nulls: Nulls, names: Sequence[str]) -> frozenset[str]:
    by_column = dict.fromkeys(names, nulls) if isinstance(nulls, str) else dict(nulls)
    for name, policy in by_column.items():
        if policy not in (NULLS_SKIP, NULLS_WRITE):
            raise ConfigError(
                f"nulls is {policy!r} for {name}",
                next_step=did_you_mean(str(policy), (NULLS_SKIP, NULLS_WRITE))
                or "Say skip or write.",
                setting="nulls",
            )
        if name not in names:
            raise ConfigError(
                f"nulls names {name!r}, which is no column of values",
                next_step=did_you_mean(name, names) or f"Columns: {', '.join(names)}.",
                setting="nulls",
            )
    written = frozenset(name for name, policy in by_column.items() if policy == NULLS_WRITE)
    if written and kind is not METADATA_KIND:
        raise ConfigError(
            f"nulls = {NULLS_WRITE!r} cannot be had for {kind.noun}s: what a null field does on the"
            " wire is not known, so none is ever sent",
            next_step="Leave it out; a NULL says nothing, and what is stored stays.",
            setting="nulls",
        )
    return written


def _id_column(
    columns: Sequence[ModelColumn], key: SpanKey | None
) -> tuple[ModelColumn | None, list[str]]:
    wanted = (SHORT_SPAN_ID, SPAN_ID) if key is None else key.columns
    found = [column for column in columns if column.name.lower() in {w.lower() for w in wanted}]
    told = " (or ".join(wanted[:2]) + (")" if len(wanted) > 1 else "")
    if not found:
        close = near_matches(wanted[0], [column.name for column in columns], limit=1)
        hint = f" (is it {close[0]!r}?)" if close else ""
        return None, [f"column {told} is missing{hint}"]
    if len(found) > 1:
        _refuse([_twice(found[0].name, found[1].name)])
    return found[0], []


def _start_time(columns: Sequence[ModelColumn]) -> ModelColumn | None:
    return next((column for column in columns if column.name.lower() == START_TIME), None)


def _word(name: str, kind: Kind) -> str | None:
    # SQL names are compared without case; wide columns are not, for their names tell values apart.
    lower = name.lower()
    return lower if lower in kind.long_words else None


def _has_prefix(name: str, kind: Kind) -> bool:
    return any(name.startswith(f"{prefix}.") for prefix in kind.prefixes)


def _refuse_repeated(columns: Sequence[ModelColumn], kind: Kind) -> None:
    seen: dict[str, str] = {}
    problems = []
    for column in columns:
        named = _word(column.name, kind) or column.name
        if named in seen:
            problems.append(_twice(seen[named], column.name))
        seen[named] = column.name
    if problems:
        _refuse(problems)


def _twice(first: str, second: str) -> str:
    if first == second:
        return f"column {first!r} is there twice"
    return f"columns {first!r} and {second!r} mean the same"


def _refuse(problems: list[str]) -> None:
    raise ValidationError("; ".join(problems), next_step="Select it once.", problems=problems)


def _is_renamed(name: str, kind: Kind, wide: Iterable[NamedField]) -> bool:
    stem, _, number = name.rpartition("_")
    if not number.isdecimal():
        return False
    parsed = kind.parse(stem)
    taken = {((w.name or "").lower(), w.field) for w in wide}
    return parsed is not None and ((parsed.name or "").lower(), parsed.field) in taken
