"""Annotation configs: what annotations of a space may be called, and what they may say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from spanduck.types._pages import Page, PageInfo
from spanduck.types._plain import data_frame, json_text, plain

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd


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
class AnnotationConfig:
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

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, nested ones as dictionaries and lists; times stay times."""
        named: dict[str, Any] = plain(self)
        return named

    def to_json(self) -> str:
        """Return the same as JSON text; times in ISO 8601."""
        return json_text(self.to_dict())


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

    def to_df(self, *, json_normalize: bool = False) -> pd.DataFrame:
        """Return a DataFrame with a row for each config.

        As the vendor's SDK makes it: `values` is a column of lists of dictionaries, and columns
        that are null in every row are left out.

        Args:
            json_normalize: Make a column of each key of nested objects; lists stay lists.
        """
        return data_frame(self.to_dicts(), json_normalize=json_normalize)
