"""Annotation configs of the client's spaces."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from spanduck._client.arguments import one_of
from spanduck._client.connection import Connection
from spanduck._rest_calls.annotation_configs import (
    create_config,
    delete_config,
    get_config,
    list_configs,
    resolve_config,
    update_config,
)
from spanduck._wire import CONFIG_TYPE_BY_CLASS, DEFAULT_CONFIGS_LIMIT, is_id
from spanduck.types import (
    AnnotationConfig,
    CategoricalAnnotationConfig,
    ContinuousAnnotationConfig,
    FreeformAnnotationConfig,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spanduck._transport.names import Names
    from spanduck._transport.rest import RestTransport
    from spanduck.types import AnnotationConfigsPage

_ConfigT = TypeVar("_ConfigT", bound=AnnotationConfig)


class AnnotationConfigs:
    """What annotations of a space may be called, and what they may say.

    `SpansClient.annotation_configs` is one; method and argument names are the vendor's. A config
    goes by its id or by its name, which is looked up in `space`: a name or an id, too, and that of
    the settings by default. `space_id` is a synonym of it.

    Args:
        rest: Sends the calls.
        names: Looks up spaces.
        default_space: Name or id of the space where none is given.
    """

    def __init__(self, rest: RestTransport, names: Names, default_space: str | None) -> None:
        self._rest = rest
        self._names = names
        self._default_space = default_space

    def list(
        self,
        *,
        name: str | None = None,
        space: str | None = None,
        limit: int = DEFAULT_CONFIGS_LIMIT,
        cursor: str | None = None,
        space_id: str | None = None,
    ) -> AnnotationConfigsPage:
        """List annotation configs, the latest first: one page of them.

        Args:
            name: Only configs whose name contains this, in any letter case.
            space: Id of a space, or part of the names of spaces, in any letter case; the space of
                the settings by default, and all that the key may read where none is set.
            limit: Configs of a page, 1 to 100.
            cursor: `pagination.next_cursor` of the page before.
            space_id: Id of a space.

        Returns:
            The page. Iterating over it gives its configs.

        Raises:
            ValidationError: The limit is out of its range. Nothing was sent.
            RejectedError: The cursor is of no list.
            ServiceError: The call failed.
        """
        given = one_of("space_id", space_id, "space", space)
        wanted: dict[str, str | None] = {}
        if given is None and self._default_space:
            wanted["space_id"] = self._names.space(None)
        elif given is not None:
            wanted["space_id" if space_id or is_id(given) else "space_name"] = given
        return list_configs(self._rest, name=name, limit=limit, cursor=cursor, **wanted)

    def get(
        self, *, annotation_config: str, space: str | None = None, space_id: str | None = None
    ) -> AnnotationConfig:
        """Return an annotation config; one call, and before it one that looks up a name.

        Args:
            annotation_config: Name or id.
            space: Name or id of the space, in which a name is looked up.
            space_id: Id of the space.

        Returns:
            A `CategoricalAnnotationConfig`, `ContinuousAnnotationConfig` or
            `FreeformAnnotationConfig` of `spanduck.types`.

        Raises:
            NotFoundError: No such config; near matches are named.
            ServiceError: The call failed.
        """
        return get_config(self._rest, self._config_id(annotation_config, space, space_id))

    # `Any` here and below: an enum of the caller's, or a text; values as objects or dictionaries.
    def create_categorical(
        self,
        *,
        name: str,
        space: str | None = None,
        values: Iterable[Any],
        optimization_direction: Any = None,
        space_id: str | None = None,
    ) -> CategoricalAnnotationConfig:
        """Make a config of annotations that say one of some labels.

        Args:
            name: Of the annotations; no other config of the space has it.
            space: Name or id of the space.
            values: `types.CategoricalAnnotationValue`, or dictionaries such as
                `{"label": "good", "score": 1}`, of which the score may be left out.
            optimization_direction: Which scores are better: `MAXIMIZE`, `MINIMIZE` or `NONE`.
            space_id: Id of the space.

        Returns:
            The config.

        Raises:
            ValidationError: A field is impossible. Nothing was sent.
            RejectedError: The name is taken (`status` is 409), or the service refuses a field.
            OutcomeUnknownError: The connection broke while it was made.
            ServiceError: The call failed.
        """
        return self._create(
            CategoricalAnnotationConfig,
            name=name,
            space_id=self._space(space, space_id),
            values=values,
            optimization_direction=optimization_direction,
        )

    def create_continuous(
        self,
        *,
        name: str,
        space: str | None = None,
        minimum_score: float,
        maximum_score: float,
        optimization_direction: Any = None,
        space_id: str | None = None,
    ) -> ContinuousAnnotationConfig:
        """Make a config of annotations that say a number.

        Args:
            name: As for `create_categorical`, whose errors this raises.
            space: Name or id of the space.
            minimum_score: The least number, inclusive.
            maximum_score: The most, inclusive.
            optimization_direction: Which scores are better: `MAXIMIZE`, `MINIMIZE` or `NONE`.
            space_id: Id of the space.

        Returns:
            The config.
        """
        return self._create(
            ContinuousAnnotationConfig,
            name=name,
            space_id=self._space(space, space_id),
            minimum_score=minimum_score,
            maximum_score=maximum_score,
            optimization_direction=optimization_direction,
        )

    def create_freeform(
        self, *, name: str, space: str | None = None, space_id: str | None = None
    ) -> FreeformAnnotationConfig:
        """Make a config of annotations that say a text.

        Args:
            name: As for `create_categorical`, whose errors this raises.
            space: Name or id of the space.
            space_id: Id of the space.

        Returns:
            The config.
        """
        return self._create(
            FreeformAnnotationConfig, name=name, space_id=self._space(space, space_id)
        )

    def update_categorical(
        self,
        *,
        annotation_config: str,
        space: str | None = None,
        name: str | None = None,
        values: Iterable[Any] | None = None,
        optimization_direction: Any = None,
        space_id: str | None = None,
    ) -> CategoricalAnnotationConfig:
        """Change a categorical config; what is left out stays as it is.

        Args:
            annotation_config: Name or id.
            space: Name or id of the space, in which a name is looked up.
            name: The new name.
            values: All of the new labels, as for `create_categorical`.
            optimization_direction: The new direction.
            space_id: Id of the space.

        Returns:
            The config as it is now.

        Raises:
            ValidationError: A field is impossible. Nothing was sent.
            NotFoundError: No such config; near matches are named.
            RejectedError: The config is of another type, the name is taken, or a field is refused.
            ServiceError: The call failed.
        """
        return self._update(
            CategoricalAnnotationConfig,
            self._config_id(annotation_config, space, space_id),
            name=name,
            values=values,
            optimization_direction=optimization_direction,
        )

    def update_continuous(
        self,
        *,
        annotation_config: str,
        space: str | None = None,
        name: str | None = None,
        minimum_score: float | None = None,
        maximum_score: float | None = None,
        optimization_direction: Any = None,
        space_id: str | None = None,
    ) -> ContinuousAnnotationConfig:
        """Change a continuous config; what is left out stays as it is.

        Args:
            annotation_config: As for `update_categorical`, whose errors this raises.
            space: Name or id of the space, in which a name is looked up.
            name: The new name.
            minimum_score: The new least number.
            maximum_score: The new most.
            optimization_direction: The new direction.
            space_id: Id of the space.

        Returns:
            The config as it is now.
        """
        return self._update(
            ContinuousAnnotationConfig,
            self._config_id(annotation_config, space, space_id),
            name=name,
            minimum_score=minimum_score,
            maximum_score=maximum_score,
            optimization_direction=optimization_direction,
        )

    def update_freeform(
        self,
        *,
        annotation_config: str,
        space: str | None = None,
        name: str | None = None,
        space_id: str | None = None,
    ) -> FreeformAnnotationConfig:
        """Change a freeform config, which is to say its name.

        Args:
            annotation_config: As for `update_categorical`, whose errors this raises.
            space: Name or id of the space, in which a name is looked up.
            name: The new name.
            space_id: Id of the space.

        Returns:
            The config as it is now.
        """
        config_id = self._config_id(annotation_config, space, space_id)
        return self._update(FreeformAnnotationConfig, config_id, name=name)

    def delete(
        self, *, annotation_config: str, space: str | None = None, space_id: str | None = None
    ) -> None:
        """Delete an annotation config for good; annotations of its name stay.

        Args:
            annotation_config: Name or id.
            space: Name or id of the space, in which a name is looked up.
            space_id: Id of the space.

        Raises:
            NotFoundError: No such config; near matches are named.
            ServiceError: The call failed.
        """
        delete_config(self._rest, self._config_id(annotation_config, space, space_id))

    def _create(self, kind: type[_ConfigT], **fields: Any) -> _ConfigT:
        made = create_config(self._rest, CONFIG_TYPE_BY_CLASS[kind], **fields)
        return cast("_ConfigT", made)

    def _update(self, kind: type[_ConfigT], config_id: str, **fields: Any) -> _ConfigT:
        changed = update_config(self._rest, CONFIG_TYPE_BY_CLASS[kind], config_id, **fields)
        return cast("_ConfigT", changed)

    def _space(self, space: str | None, space_id: str | None) -> str:
        given = one_of("space_id", space_id, "space", space)
        return space_id or self._names.space(given)

    def _config_id(self, config: str, space: str | None, space_id: str | None) -> str:
        if is_id(config):
            return config
        return resolve_config(self._rest, config, self._space(space, space_id))


class Configs(Connection):
    """The client's annotation configs."""

    @cached_property
    def annotation_configs(self) -> AnnotationConfigs:
        """Annotation configs: `list`, `get`, `create_…`, `update_…` and `delete`."""
        return AnnotationConfigs(self._rest, self._names, self.settings.service.space)
