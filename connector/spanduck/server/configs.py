"""Annotation configs: what annotations of a space may be called, and what they may say."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from spanduck.exceptions import did_you_mean
from spanduck.server import catalogue as catalogues
from spanduck.server import statements
from spanduck.server.errors import ConflictError, NotFoundError, UnprocessableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duckdb import DuckDBPyConnection

_NAME_LIMIT: Final = 255
_MOST_VALUES: Final = 500
_TYPES: Final = ("CATEGORICAL", "CONTINUOUS", "FREEFORM")
_DIRECTIONS: Final = ("MAXIMIZE", "MINIMIZE", "NONE")
_ENDS: Final = ("minimum_score", "maximum_score")
_DIRECTION: Final = "optimization_direction"
# The vendor's clients say the first; what they get back says the second.
_TYPE_KEYS: Final = ("annotation_config_type", "type")
_SELECT: Final = "SELECT id, space_id, name, created_at, type, definition FROM annotation_configs"


@dataclass(frozen=True)
class AnnotationConfig:
    """An annotation config.

    Attributes:
        id: Base64 of text with a colon.
        space_id: The space it belongs to.
        name: Of the annotations; unique in the space.
        created_at: Aware UTC.
        type: `CATEGORICAL`, `CONTINUOUS` or `FREEFORM`.
        definition: What else a config of that type says, as it is answered.
    """

    id: str
    space_id: str
    name: str
    created_at: datetime
    type: str
    definition: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "id": self.id,
            "name": self.name,
            "created_at": self.created_at.replace(tzinfo=None).isoformat() + "Z",
            "space_id": self.space_id,
            "type": self.type,
            **self.definition,
        }


def listed(cursor: DuckDBPyConnection) -> list[AnnotationConfig]:
    """Return every config, the latest first."""
    return [_config(row) for row in cursor.execute(_SELECT + " ORDER BY number DESC").fetchall()]


def find(cursor: DuckDBPyConnection, config_id: str) -> AnnotationConfig:
    """Find a config by id.

    Raises:
        NotFoundError: There is none.
    """
    rows = cursor.execute(_SELECT + " WHERE id = ?", [config_id]).fetchall()
    if not rows:
        raise NotFoundError(f"there is no annotation config with the id {config_id!r}")
    return _config(rows[0])


# `Any` from here on: JSON values as they came.
def create(cursor: DuckDBPyConnection, body: Mapping[str, Any]) -> AnnotationConfig:
    """Create a config, inside a writing transaction.

    Raises:
        UnprocessableError: A member is missing or impossible.
        NotFoundError: There is no such space.
        ConflictError: The space has a config of this name.
    """
    name, type_ = _name(body), _type(body)
    space = body.get("space_id")
    if not isinstance(space, str) or not space:
        raise UnprocessableError(f"space_id is {space!r}, not a text")
    definition = _definition(type_, body, {})
    space_id = catalogues.find_space(cursor, space).id
    _refuse_taken(cursor, space_id, name)
    number = cursor.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM annotation_configs"
    ).fetchall()[0][0]
    config_id = catalogues.new_id("AnnotationConfig", number)
    cursor.execute(
        "INSERT INTO annotation_configs VALUES (?, ?, ?, ?, ?, ?, ?)",
        [number, config_id, space_id, name, catalogues.now(), type_, json.dumps(definition)],
    )
    return find(cursor, config_id)


def update(cursor: DuckDBPyConnection, config_id: str, body: Mapping[str, Any]) -> AnnotationConfig:
    """Change what the body names of a config, inside a writing transaction.

    Raises:
        UnprocessableError: A member is impossible, or the type is another one.
        NotFoundError: There is no such config.
        ConflictError: The space has another config of this name.
    """
    known = find(cursor, config_id)
    if any(key in body for key in _TYPE_KEYS) and _type(body) != known.type:
        raise UnprocessableError(f"the config is {known.type}; its type cannot be changed")
    name = known.name if body.get("name") is None else _name(body)
    if name != known.name:
        _refuse_taken(cursor, known.space_id, name)
    changed = replace(known, name=name, definition=_definition(known.type, body, known.definition))
    cursor.execute(
        "UPDATE annotation_configs SET name = ?, definition = ? WHERE id = ?",
        [changed.name, json.dumps(changed.definition), config_id],
    )
    return changed


def delete(cursor: DuckDBPyConnection, config_id: str) -> None:
    """Delete a config, inside a writing transaction; annotations of its name stay.

    Raises:
        NotFoundError: There is none.
    """
    find(cursor, config_id)
    cursor.execute("DELETE FROM annotation_configs WHERE id = ?", [config_id])


def refuse_unfit(cursor: DuckDBPyConnection, space_id: str) -> None:
    """Refuse annotations in the temporary table `staged` that fit no config of the space.

    Raises:
        UnprocessableError: A name has no config, or its config does not know the label or score.
    """
    known = {config.name: config for config in listed(cursor) if config.space_id == space_id}
    said = cursor.execute(statements.script_on("annotations_by_name", ())).fetchall()
    for name, labels, lowest, highest in said:
        config = known.get(name)
        if config is None:
            raise UnprocessableError(
                f"there is no annotation config {name!r} in this space",
                next_step=did_you_mean(name, list(known)) or "Create it first.",
            )
        _refuse_unknown_labels(config, labels or [])
        if config.type == "CONTINUOUS" and lowest is not None:
            least, most = (config.definition[end] for end in _ENDS)
            if lowest < least or highest > most:
                raise UnprocessableError(
                    f"{name!r} has a score of {lowest if lowest < least else highest}",
                    next_step=f"Its config takes {least} to {most}.",
                )


def _refuse_unknown_labels(config: AnnotationConfig, labels: Sequence[str]) -> None:
    if config.type != "CATEGORICAL":
        return
    taken = [value["label"] for value in config.definition["values"]]
    for label in labels:
        if label not in taken:
            raise UnprocessableError(
                f"{config.name!r} has no label {label!r}",
                next_step=did_you_mean(label, taken) or f"Labels: {', '.join(taken)}.",
            )


def _config(row: Sequence[Any]) -> AnnotationConfig:
    config_id, space_id, name, created_at, type_, definition = row
    created_at = created_at.replace(tzinfo=UTC)
    return AnnotationConfig(config_id, space_id, name, created_at, type_, json.loads(definition))


def _refuse_taken(cursor: DuckDBPyConnection, space_id: str, name: str) -> None:
    if any(config.space_id == space_id and config.name == name for config in listed(cursor)):
        raise ConflictError(f"the space has an annotation config {name!r} already")


def _name(body: Mapping[str, Any]) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > _NAME_LIMIT:
        raise UnprocessableError(
            f"name is {name!r:.60}, not a text of 1 to {_NAME_LIMIT} characters"
        )
    return name


def _type(body: Mapping[str, Any]) -> str:
    given = next((body[key] for key in _TYPE_KEYS if key in body), None)
    type_ = given.upper() if isinstance(given, str) else ""
    if type_ not in _TYPES:
        raise UnprocessableError(
            f"annotation_config_type is {given!r}, not one of {', '.join(_TYPES)}"
        )
    return type_


def _definition(type_: str, body: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a body says beside name and type; what it leaves out is as it was."""
    if type_ == "FREEFORM":
        return {}
    given = {**known, **{key: value for key, value in body.items() if value is not None}}
    direction = given.get(_DIRECTION, "NONE")
    if not isinstance(direction, str) or direction.upper() not in _DIRECTIONS:
        raise UnprocessableError(
            f"{_DIRECTION} is {direction!r}, not one of {', '.join(_DIRECTIONS)}"
        )
    if type_ == "CATEGORICAL":
        return {"values": _values(given.get("values")), _DIRECTION: direction.upper()}
    least, most = (_number(given.get(end), end) for end in _ENDS)
    if least >= most:
        raise UnprocessableError(f"minimum_score {least} is not below maximum_score {most}")
    return {"minimum_score": least, "maximum_score": most, _DIRECTION: direction.upper()}


def _values(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_VALUES:
        raise UnprocessableError(f"values is no list of 1 to {_MOST_VALUES} objects")
    values: list[dict[str, Any]] = []
    for item in given:
        label = item.get("label") if isinstance(item, dict) else None
        if not isinstance(label, str) or not label:
            raise UnprocessableError(f"values has an element {item!r:.60} without a label")
        if any(value["label"] == label for value in values):
            raise UnprocessableError(f"values has the label {label!r} twice")
        score = item.get("score")
        scored = {} if score is None else {"score": _number(score, f"score of {label!r}")}
        values.append({"label": label, **scored})
    return values


def _number(value: Any, what: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (isinstance(value, float) and not math.isfinite(value)):
        raise UnprocessableError(f"{what} is {value!r}, not a finite number")
    return float(value) if isinstance(value, float) else value
