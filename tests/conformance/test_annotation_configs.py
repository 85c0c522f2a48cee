"""Annotation configs through the vendor's client; ours has no methods for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from arize._generated.api_client.exceptions import ConflictException, NotFoundException
from arize.annotation_configs.types import (
    CategoricalAnnotationValueRequest,
    OptimizationDirection,
)

if TYPE_CHECKING:
    from arize import ArizeClient

    from spanduck.embedded import EmbeddedServer


def test_configs_of_every_type_are_made_changed_and_deleted(
    vendor: ArizeClient, server: EmbeddedServer
) -> None:
    # `Any`: every field of its answers may be None by their types.
    configs: Any = vendor.annotation_configs
    space, name = server.space, uuid4().hex
    made = configs.create_categorical(
        name=f"{name}-1",
        space=space,
        values=[
            CategoricalAnnotationValueRequest(label="good", score=1),
            CategoricalAnnotationValueRequest(label="bad"),
        ],
        optimization_direction=OptimizationDirection.MAXIMIZE,
    )
    assert [value.label for value in made.values] == ["good", "bad"]
    number = configs.create_continuous(
        name=f"{name}-2", space=space, minimum_score=0, maximum_score=1
    )
    text = configs.create_freeform(name=f"{name}-3", space=space)
    listed = configs.list(name=name, space=space)
    found = [getattr(item, "actual_instance", item) for item in listed.annotation_configs]
    assert [item.id for item in found] == [text.id, number.id, made.id]
    changed = configs.update_continuous(annotation_config=f"{name}-2", space=space, maximum_score=5)
    assert (changed.minimum_score, changed.maximum_score) == (0, 5)
    got = configs.get(annotation_config=f"{name}-1", space=space)
    assert got.optimization_direction is OptimizationDirection.MAXIMIZE
    with pytest.raises(ConflictException):
        configs.create_freeform(name=f"{name}-3", space=space)
    configs.delete(annotation_config=text.id)
    with pytest.raises(NotFoundException):
        configs.get(annotation_config=text.id)
