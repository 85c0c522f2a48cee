"""What to say of a name that no field can have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spanduck_sql.errors import near_matches
from spanduck_sql.language.fields import (
    ANNOTATION_SUFFIXES,
    ATTRIBUTE_FIELDS,
    CORE_FIELDS,
    EVALUATION_SUFFIXES,
    NAMESPACES,
    UNPREFIXED_NAMES,
    canonical_name,
    field_type,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spanduck_sql.language.columns import Column

_FIXED_NAMES: Final = tuple(
    dict.fromkeys(
        (
            *UNPREFIXED_NAMES,
            *(field.name for field in CORE_FIELDS),
            *(field.name for field in ATTRIBUTE_FIELDS),
        )
    )
)
_SUFFIXES: Final = {
    "eval": ("an evaluation", EVALUATION_SUFFIXES),
    "trace_eval": ("an evaluation", EVALUATION_SUFFIXES),
    "session_eval": ("an evaluation", EVALUATION_SUFFIXES),
    "annotation": ("an annotation", ANNOTATION_SUFFIXES),
}


def known_names(columns: Mapping[str, Column] | None) -> tuple[str, ...]:
    """Return every name worth suggesting: the fixed ones, then what is stored."""
    stored = (name for name in columns or () if field_type(canonical_name(name)) is not None)
    return tuple(dict.fromkeys((*_FIXED_NAMES, *stored)))


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean a or b?`` for the names of `known` near `name`, or an empty text."""
    # What all names of a group begin with would make any two of them alike.
    group = next((prefix for prefix in NAMESPACES if name.startswith(prefix)), "")
    tails = (other.removeprefix(group) for other in known if other.startswith(group))
    close = near_matches(name.removeprefix(group), tails)
    names = [group + tail for tail in close if group + tail != name]
    return f"did you mean {' or '.join(names)}?" if names else ""


def unknown_name_hint(name: str, columns: Mapping[str, Column] | None) -> str:
    """Return what to write instead of `name`, which no field can have."""
    known = known_names(columns)
    in_other_case = [other for other in known if other.lower() == name.lower()]
    if in_other_case:
        return f"field names are case-sensitive: {in_other_case[0]}"
    head, _, rest = name.partition(".")
    if head in _SUFFIXES:
        return _suffix_hint(head, name, known)
    if head == "context":
        return "under context. there are trace_id and span_id"
    if head == "event":
        return "under event. there is attributes alone"
    if head == "span" and field_type(canonical_name(rest)) is not None:
        return f"did you mean {rest}?"
    attribute = f"attributes.{name}"
    if attribute in known:
        return f"did you mean {attribute}?"
    return suggestion(name, known) or f"a custom attribute is written {attribute}"


def _suffix_hint(head: str, name: str, known: Iterable[str]) -> str:
    what, suffixes = _SUFFIXES[head]
    *others, last = (f".{suffix}" for suffix in suffixes)
    allowed = f"{what} has {', '.join(others)} and {last}"
    stem, _, suffix = name.rpartition(".")
    if stem == head:
        close = [f"{name}.label"]
    elif near := near_matches(suffix, suffixes, limit=1):
        close = [f"{stem}.{near[0]}"]
    else:
        group = [other for other in known if other.startswith(f"{head}.")]
        close = near_matches(name, group, limit=1)
    return f"{allowed}; did you mean {close[0]}?" if close else allowed
