"""Annotation configs: what annotations of a space may be called, and what they may say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from spanduck.types._pages import Item, Page, PageInfo

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class CategoricalAnnotationValue:
    """A label that a categorical config knows.

    Attributes:
        label: The label.
        score: The number that goes with it.
    """

    label: str
    score: float | None = None


@dataclass(frozen=True)
class AnnotationConfig(Item):
    """What one annotation may say; of this very class only where we do not know the type.

    Attributes:
        id: Its id.
        name: The name of the annotations.
        type: `CATEGORICAL`, `CONTINUOUS` or `FREEFORM`.
        space_id: The space it belongs to.
        created_at: Aware UTC; None when the service does not say.
    """

    id: str
    name: str
    type: str
    space_id: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True)
class CategoricalAnnotationConfig(AnnotationConfig):
    """Annotations say one of some labels.

    Attributes:
        values: The labels, in their order.
        optimization_direction: Which scores are better: `MAXIMIZE`, `MINIMIZE` or `NONE`.
    """

    values: tuple[CategoricalAnnotationValue, ...] = ()
    optimization_direction: str | None = None


@dataclass(frozen=True)
class ContinuousAnnotationConfig(AnnotationConfig):
    """Annotations say a number.

    Attributes:
        minimum_score: The least, inclusive.
        maximum_score: The most, inclusive.
        optimization_direction: Which scores are better: `MAXIMIZE`, `MINIMIZE` or `NONE`.
    """

    minimum_score: float | None = None
    maximum_score: float | None = None
    optimization_direction: str | None = None


@dataclass(frozen=True)
class FreeformAnnotationConfig(AnnotationConfig):
    """Annotations say a text."""


@dataclass(frozen=True)
class AnnotationConfigsPage(Page[AnnotationConfig]):
    """One page of a list of annotation configs, the latest first. Iterating gives the configs.

    Attributes:
        annotation_configs: The configs.
        pagination: Whether there is a next page, and its cursor.
    """

    annotation_configs: tuple[AnnotationConfig, ...]
    pagination: PageInfo = field(default_factory=PageInfo)

    _ITEMS: ClassVar = "annotation_configs"
