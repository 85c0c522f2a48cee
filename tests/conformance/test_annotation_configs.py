"""Annotation configs through the vendor's client and ours, which have the same methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from arize._generated.api_client.exceptions import ApiException
from arize.annotation_configs.types import (
    CategoricalAnnotationValueRequest,
    OptimizationDirection,
)
from arize.utils.resolve import NotFoundError as VendorNotFoundError
from tests.conformance.clients import Endpoint, vendor_client

import spanduck
from spanduck import exceptions
from spanduck.types import (
    CategoricalAnnotationConfig,
    CategoricalAnnotationValue,
    ContinuousAnnotationConfig,
    FreeformAnnotationConfig,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck.embedded import EmbeddedServer

# `Any`: both have a `status`.
REFUSED: dict[str, Any] = {"vendor": ApiException, "spanduck": exceptions.ServiceError}
UNKNOWN_NAME = {"vendor": VendorNotFoundError, "spanduck": exceptions.NotFoundError}


class Configs:
    """One client's configs in one space, under names that no other test uses."""

    # `Any`: every field of the vendor's answers may be None by their types.
    def __init__(self, kind: str, methods: Any, space: str, name: str) -> None:
        self.kind = kind
        self.methods = methods
        self.space = space
        self.name = name

    def values(self) -> list[Any]:
        if self.kind == "spanduck":
            return [CategoricalAnnotationValue("good", 1), {"label": "bad"}]
        return [
            CategoricalAnnotationValueRequest(label="good", score=1),
            CategoricalAnnotationValueRequest(label="bad"),
        ]

    def names(self, **options: Any) -> list[str]:
        page = self.methods.list(name=self.name, space=self.space, **options)
        return [config.name.removeprefix(self.name) for config in page.annotation_configs]


@pytest.fixture(params=["vendor", "spanduck"])
def configs(request: pytest.FixtureRequest, server: EmbeddedServer) -> Iterator[Configs]:
    name = uuid4().hex
    if request.param == "vendor":
        methods = vendor_client(Endpoint.of(server)).annotation_configs
        yield Configs("vendor", methods, server.space, name)
        return
    with spanduck.SpansClient(settings=server.settings) as client:
        yield Configs("spanduck", client.annotation_configs, server.space, name)


@pytest.fixture
def made(configs: Configs) -> tuple[Any, Any, Any]:
    """A categorical, a continuous and a freeform config, whose names end in -1, -2 and -3."""
    create, space, name = configs.methods, configs.space, configs.name
    labels = create.create_categorical(
        name=f"{name}-1",
        space=space,
        values=configs.values(),
        optimization_direction=OptimizationDirection.MAXIMIZE,
    )
    number = create.create_continuous(
        name=f"{name}-2", space=space, minimum_score=0, maximum_score=1
    )
    return labels, number, create.create_freeform(name=f"{name}-3", space=space)


def direction(config: Any) -> str:
    return str(getattr(config.optimization_direction, "value", config.optimization_direction))


def test_configs_of_every_type_are_made(configs: Configs, made: tuple[Any, Any, Any]) -> None:
    labels, number, text = made
    assert [(value.label, value.score) for value in labels.values] == [("good", 1), ("bad", None)]
    assert (labels.type, direction(labels)) == ("CATEGORICAL", "MAXIMIZE")
    assert (number.minimum_score, number.maximum_score) == (0, 1)
    assert (number.type, direction(number)) == ("CONTINUOUS", "NONE")
    assert (text.type, text.name) == ("FREEFORM", f"{configs.name}-3")
    assert labels.created_at.tzinfo is not None
    assert len({config.space_id for config in made}) == 1


def test_they_are_listed_latest_first_and_by_pages(
    configs: Configs, made: tuple[Any, Any, Any]
) -> None:
    assert configs.names() == ["-3", "-2", "-1"]
    listed = configs.methods.list(name=configs.name.upper(), space=made[0].space_id, limit=2)
    assert [config.id for config in listed.annotation_configs] == [made[2].id, made[1].id]
    assert listed.pagination.has_more
    assert configs.names(limit=2, cursor=listed.pagination.next_cursor) == ["-1"]
    assert configs.methods.list(name="no config of this name").annotation_configs in ([], ())


def test_part_of_a_spaces_name_selects_its_configs(
    configs: Configs, made: tuple[Any, Any, Any]
) -> None:
    some = configs.methods.list(name=configs.name, space=configs.space[:-1].upper())
    assert len(some.annotation_configs) == 3
    none = configs.methods.list(name=configs.name, space="no space of this name")
    assert len(none.annotation_configs) == 0


def test_a_config_goes_by_its_name_and_by_its_id(
    configs: Configs, made: tuple[Any, Any, Any]
) -> None:
    labels = made[0]
    by_name = configs.methods.get(annotation_config=labels.name, space=configs.space)
    by_id = configs.methods.get(annotation_config=labels.id)
    in_space = configs.methods.get(annotation_config=labels.name, space=labels.space_id)
    assert by_name == by_id == in_space == labels


def test_what_is_left_out_of_a_change_stays(configs: Configs, made: tuple[Any, Any, Any]) -> None:
    labels, number, text = made
    change, name = configs.methods, configs.name
    changed = change.update_continuous(
        annotation_config=f"{name}-2", space=configs.space, maximum_score=5
    )
    assert (changed.id, changed.minimum_score, changed.maximum_score) == (number.id, 0, 5)
    changed = change.update_categorical(
        annotation_config=labels.id,
        values=configs.values()[:1],
        optimization_direction=OptimizationDirection.MINIMIZE,
    )
    assert ([value.label for value in changed.values], direction(changed)) == (["good"], "MINIMIZE")
    assert changed.name == labels.name
    changed = change.update_freeform(annotation_config=text.id, name=f"{name}-4")
    assert (changed.id, changed.name) == (text.id, f"{name}-4")


def test_a_name_is_taken_once(configs: Configs, made: tuple[Any, Any, Any]) -> None:
    with pytest.raises(REFUSED[configs.kind]) as caught:
        configs.methods.create_freeform(name=made[2].name, space=configs.space)
    assert caught.value.status == 409
    with pytest.raises(REFUSED[configs.kind]) as caught:
        configs.methods.update_freeform(annotation_config=made[2].id, name=made[1].name)
    assert caught.value.status == 409


def test_a_config_keeps_its_type(configs: Configs, made: tuple[Any, Any, Any]) -> None:
    with pytest.raises(REFUSED[configs.kind]) as caught:
        configs.methods.update_continuous(annotation_config=made[2].id, maximum_score=5)
    assert caught.value.status == 422


def test_what_is_deleted_is_gone(configs: Configs, made: tuple[Any, Any, Any]) -> None:
    labels, number, _ = made
    assert configs.methods.delete(annotation_config=labels.id) is None
    assert configs.methods.delete(annotation_config=number.name, space=configs.space) is None
    assert configs.names() == ["-3"]
    for call in (configs.methods.get, configs.methods.delete, configs.methods.update_categorical):
        with pytest.raises(REFUSED[configs.kind]) as caught:
            call(annotation_config=labels.id)
        assert caught.value.status == 404


def test_an_unknown_name_is_told_with_those_that_there_are(
    configs: Configs, made: tuple[Any, Any, Any]
) -> None:
    with pytest.raises(UNKNOWN_NAME[configs.kind], match=made[1].name):
        configs.methods.get(annotation_config=f"{made[1].name}x", space=configs.space)


def test_our_configs_are_of_a_class_for_each_type(server: EmbeddedServer) -> None:
    with spanduck.SpansClient(settings=server.settings) as client:
        configs = client.annotation_configs
        name = uuid4().hex
        # The space is that of the settings.
        labels = configs.create_categorical(name=f"{name}-1", values=[{"label": "x"}])
        number = configs.create_continuous(name=f"{name}-2", minimum_score=0, maximum_score=1)
        text = configs.create_freeform(name=f"{name}-3", space_id=labels.space_id)
        page = configs.list(name=name)
        assert list(page) == [text, number, labels]
        kinds = [FreeformAnnotationConfig, ContinuousAnnotationConfig, CategoricalAnnotationConfig]
        assert [type(config) for config in page] == kinds
        assert page.to_df()["name"].tolist() == [f"{name}-{n}" for n in (3, 2, 1)]
        assert page.to_dict()["annotation_configs"][2]["values"] == [{"label": "x", "score": None}]
