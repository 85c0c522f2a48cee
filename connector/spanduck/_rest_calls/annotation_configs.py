"""Annotation configs: listed, looked up by name, made, changed and deleted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from spanduck._rest_calls.pages import check_limit, read_answer, walk
from spanduck._wire import (
    CONFIGS_LIMIT,
    OPTIMIZATION_DIRECTIONS,
    config_body,
    read_config,
    read_configs_page,
)
from spanduck.exceptions import (
    NotFoundError,
    UnknownProjectError,
    ValidationError,
    did_you_mean,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck._transport.rest import RestTransport
    from spanduck.types import AnnotationConfig, AnnotationConfigsPage

_PATH: Final = "/v2/annotation-configs"
_LIST: Final = "the list of annotation configs"
# Names are offered from at most so many configs.
_MOST_HINTS: Final = 1_000
_SHOWN: Final = 10


def list_configs(
    rest: RestTransport,
    *,
    name: str | None = None,
    space_id: str | None = None,
    space_name: str | None = None,
    limit: int = CONFIGS_LIMIT,
    cursor: str | None = None,
) -> AnnotationConfigsPage:
    """List a page, the latest first; one call, repeated as a read is.

    Args:
        rest: Sends the call.
        name: Only configs whose name contains this, in any letter case.
        space_id: Only those of this space.
        space_name: Only those of spaces whose name contains this, in any letter case.
        limit: Configs of a page, 1 to 100.
        cursor: Where the page begins.

    Raises:
        ValidationError: The limit is out of its range.
        ServiceError: The call failed.
    """
    check_limit(limit, CONFIGS_LIMIT, "annotation configs", walker="cursor")
    query = {
        "name": name,
        "space_id": space_id,
        "space_name": space_name,
        "limit": str(limit),
        "cursor": cursor,
    }
    return read_answer(read_configs_page, rest.get_json(_PATH, query, _LIST), what=_LIST)


def resolve_config(rest: RestTransport, config: str, space_id: str) -> str:
    """Return the id of the config of that exact name in a space; one call where it is there.

    Raises:
        NotFoundError: There is none; near matches are named.
        ServiceError: A call failed.
    """
    for found in iter_configs(rest, space_id, config):
        if found.name == config:
            return found.id
    known = [found.name for found in islice(iter_configs(rest, space_id), _MOST_HINTS)]
    raise NotFoundError(
        f"no annotation config is called {config!r} in space {space_id!r}",
        next_step=did_you_mean(config, known) or _listing(known),
        status=404,
    )


def get_config(rest: RestTransport, config_id: str) -> AnnotationConfig:
    """Return a config; one call, repeated as a read is.

    Raises:
        NotFoundError: There is none of that id.
        ServiceError: The call failed.
    """
    what = f"looking up the annotation config {config_id!r}"
    try:
        answer = rest.get_json(_path(config_id), {}, what)
    except UnknownProjectError as exc:
        raise _not_found(exc) from exc
    return read_answer(read_config, answer, what=what)


def create_config(
    rest: RestTransport, config_type: str, *, name: str, space_id: str, **fields: Any
) -> AnnotationConfig:
    """Make a config; repeated only where the service says that it did nothing.

    Args:
        rest: Sends the call.
        config_type: `CATEGORICAL`, `CONTINUOUS` or `FREEFORM`.
        name: Of the annotations.
        space_id: Where it belongs.
        **fields: What a config of this type has beside; None for the service's own default.

    Raises:
        ValidationError: A field is impossible. Nothing was sent.
        RejectedError: The space has a config of this name, or the service refuses a field.
        OutcomeUnknownError: The connection broke after the config was sent.
        ServiceError: The call failed.
    """
    what = f"making the annotation config {name!r}"
    body = config_body(config_type, {"name": _name(name), "space_id": space_id, **_checked(fields)})
    _, answer = rest.retrying()(
        rest.send_json, "POST", _PATH, _json(body), what=what, is_repeatable=False
    )
    return read_answer(read_config, answer, what=what)


def update_config(
    rest: RestTransport, config_type: str, config_id: str, *, name: str | None, **fields: Any
) -> AnnotationConfig:
    """Change what is not None of a config; repeating it does no harm.

    Raises:
        ValidationError: A field is impossible. Nothing was sent.
        NotFoundError: There is none of that id.
        RejectedError: It is of another type, the new name is taken, or a field is refused.
        ServiceError: The call failed.
    """
    what = f"changing the annotation config {config_id!r}"
    given = {"name": None if name is None else _name(name), **_checked(fields)}
    body = _json(config_body(config_type, given))
    try:
        _, answer = rest.retrying()(rest.send_json, "PATCH", _path(config_id), body, what=what)
    except UnknownProjectError as exc:
        raise _not_found(exc) from exc
    return read_answer(read_config, answer, what=what)


def delete_config(rest: RestTransport, config_id: str) -> None:
    """Delete a config; repeated while the service cannot answer.

    Raises:
        NotFoundError: There is none of that id.
        ServiceError: The call failed.
    """
    what = f"deleting the annotation config {config_id!r}"
    policy = rest.retrying()
    try:
        policy(rest.send_json, "DELETE", _path(config_id), b"", what=what)
    except UnknownProjectError as exc:
        # Of a repetition it says that an attempt before, whose answer was lost, has deleted it.
        if policy.statistics["attempt_number"] == 1:
            raise _not_found(exc) from exc


def iter_configs(
    rest: RestTransport, space_id: str, name: str | None = None
) -> Iterator[AnnotationConfig]:
    """Stream the configs of a space, the latest first; a call for each 100 of them.

    Args:
        rest: Sends the calls.
        space_id: Id of the space.
        name: Only configs whose name contains this.

    Raises:
        ServiceError: A call failed.
    """

    def page_at(cursor: str | None) -> AnnotationConfigsPage:
        return list_configs(rest, name=name, space_id=space_id, cursor=cursor)

    for page in walk(page_at, None, what=_LIST):
        yield from page


def _path(config_id: str) -> str:
    return f"{_PATH}/{quote(config_id, safe='')}"


def _json(body: dict[str, Any]) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError) as exc:
        raise ValidationError(f"a field of the annotation config is impossible: {exc}") from exc


def _not_found(error: UnknownProjectError) -> NotFoundError:
    return NotFoundError(
        error.message,
        next_step="Check the id: annotation_configs.list names those that the key may read.",
        status=error.status,
        request_id=error.request_id,
        problem=error.problem,
    )


def _listing(known: list[str]) -> str:
    if not known:
        return "The space has none."
    shown = ", ".join(repr(name) for name in known[:_SHOWN])
    return f"Annotation configs there: {shown}{' and others' if len(known) > _SHOWN else ''}."


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ValidationError(f"name is {name!r}, not a text")
    return name


# `Any` from here on: enums and objects of the caller's, such as the vendor's.
def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    checked = dict(fields)
    direction = fields.get("optimization_direction")
    if direction is not None:
        checked["optimization_direction"] = _direction(direction)
    if fields.get("values") is not None:
        checked["values"] = _values(fields["values"])
    return checked


def _direction(given: Any) -> str:
    text = str(getattr(given, "value", given)).upper()
    if text not in OPTIMIZATION_DIRECTIONS:
        raise ValidationError(
            f"optimization_direction is {given!r}",
            next_step=f"Pass one of {', '.join(OPTIMIZATION_DIRECTIONS)}.",
        )
    return text


def _values(given: Any) -> list[dict[str, Any]]:
    if isinstance(given, str | Mapping):
        raise ValidationError(f"values is {given!r:.60}", next_step=_VALUES_STEP)
    return [_value(item, f"values[{at}]") for at, item in enumerate(given)]


_VALUES_STEP: Final = 'Pass a list such as [{"label": "good", "score": 1}, {"label": "bad"}].'


def _value(item: Any, what: str) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        item = {key: getattr(item, key, None) for key in ("label", "score")}
    label, score = item.get("label"), item.get("score")
    if not isinstance(label, str) or not label:
        raise ValidationError(f"{what} has no label", next_step=_VALUES_STEP)
    if score is None:
        return {"label": label}
    if not isinstance(score, int | float) or isinstance(score, bool):
        raise ValidationError(f"{what}.score is {score!r}, not a number", next_step=_VALUES_STEP)
    return {"label": label, "score": score}
