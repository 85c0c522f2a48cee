"""The annotation configs of a space, as far as they limit what is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spanduck._rest_calls.annotation_configs import iter_configs
from spanduck.exceptions import AuthenticationError, NotFoundError
from spanduck.types import CategoricalAnnotationConfig, ContinuousAnnotationConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanduck._transport.rest import RestTransport
    from spanduck.types import AnnotationConfig

_FORBIDDEN: Final = 403


@dataclass(frozen=True)
class Config:
    """What an annotation config allows under its name.

    Attributes:
        name: The annotation.
        minimum: Least score; None for any.
        maximum: Greatest score.
        labels: The labels there are; None for any.
    """

    name: str
    minimum: float | None = None
    maximum: float | None = None
    labels: tuple[str, ...] | None = None


def configs_of(rest: RestTransport, space_id: str) -> Sequence[Config]:
    """Return what the annotation configs of a space allow; a call for each 100 of them.

    Where they may not be read nothing is known of them, and the service is the judge.

    Raises:
        ServiceError: A call failed.
    """
    try:
        return [_config(found) for found in iter_configs(rest, space_id)]
    except NotFoundError:
        return ()
    except AuthenticationError as exc:
        if exc.status != _FORBIDDEN:
            raise
        return ()


def _config(found: AnnotationConfig) -> Config:
    if isinstance(found, ContinuousAnnotationConfig):
        return Config(found.name, found.minimum_score, found.maximum_score)
    if isinstance(found, CategoricalAnnotationConfig):
        return Config(found.name, labels=tuple(value.label for value in found.values))
    return Config(found.name)
