"""Annotation configs: the bodies of `/v2/annotation-configs` and what they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spanduck._wire import members
from spanduck._wire.errors import WireError
from spanduck._wire.listing import read_page_info
from spanduck.types import (
    AnnotationConfig,
    AnnotationConfigsPage,
    CategoricalAnnotationConfig,
    CategoricalAnnotationValue,
    ContinuousAnnotationConfig,
    FreeformAnnotationConfig,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIGS_LIMIT: Final = 100
"""Most configs of one page."""

DEFAULT_CONFIGS_LIMIT: Final = 50

CONFIG_TYPE_BY_CLASS: Final[dict[type[AnnotationConfig], str]] = {
    CategoricalAnnotationConfig: "CATEGORICAL",
    ContinuousAnnotationConfig: "CONTINUOUS",
    FreeformAnnotationConfig: "FREEFORM",
}
"""What the service calls the types."""

OPTIMIZATION_DIRECTIONS: Final = ("MAXIMIZE", "MINIMIZE", "NONE")

_OF: Final = "config"


# `Any` here and below: JSON values.
def config_body(config_type: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes or changes a config; what is None is left out.

    Args:
        config_type: `CATEGORICAL`, `CONTINUOUS` or `FREEFORM`. It is sent under another name than
            it is answered.
        fields: By name.
    """
    given = {key: value for key, value in fields.items() if value is not None}
    return {"annotation_config_type": config_type, **given}


def read_configs_page(page: Mapping[str, Any]) -> AnnotationConfigsPage:
    """Read a page; unknown members are ignored.

    Raises:
        WireError: `annotation_configs` or `pagination` is absent, or a value has a wrong type.
    """
    items = members.list_of(page, "annotation_configs")
    return AnnotationConfigsPage(
        tuple(read_config(members.as_object(item, _OF)) for item in items),
        read_page_info(page, what="page of annotation configs"),
    )


def read_config(item: Mapping[str, Any]) -> AnnotationConfig:
    """Read a config; unknown members are ignored, and a type that we do not know is kept.

    Raises:
        WireError: It has no id, name or type, or a value has a wrong type.
    """
    head: dict[str, Any] = {key: _required(item, key) for key in ("id", "name", "type")}
    head["space_id"] = members.text_of(item, "space_id", of=_OF)
    head["created_at"] = members.time_of(item, "created_at", of=_OF)
    direction = members.text_of(item, "optimization_direction", of=_OF)
    if head["type"] == "CATEGORICAL":
        values = members.items_of(item, "values", of=_OF)
        return CategoricalAnnotationConfig(
            **head, values=tuple(map(_read_value, values)), optimization_direction=direction
        )
    if head["type"] == "CONTINUOUS":
        return ContinuousAnnotationConfig(
            **head,
            minimum_score=members.number_of(item, "minimum_score", of=_OF),
            maximum_score=members.number_of(item, "maximum_score", of=_OF),
            optimization_direction=direction,
        )
    return (FreeformAnnotationConfig if head["type"] == "FREEFORM" else AnnotationConfig)(**head)


def _read_value(item: Mapping[str, Any]) -> CategoricalAnnotationValue:
    of = f"value of a {_OF}"
    label = members.text_of(item, "label", of=of) or ""
    return CategoricalAnnotationValue(label, members.number_of(item, "score", of=of))


def _required(item: Mapping[str, Any], key: str) -> str:
    value = members.text_of(item, key, of=_OF)
    if not value:
        raise WireError(f"a config has no {key}", what=key)
    return value
