from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from spanduck._wire import WireError, config_body, read_config, read_configs_page
from spanduck.types import (
    AnnotationConfig,
    CategoricalAnnotationConfig,
    CategoricalAnnotationValue,
    ContinuousAnnotationConfig,
    FreeformAnnotationConfig,
    PageInfo,
)

HEAD: dict[str, Any] = {
    "id": "i",
    "name": "n",
    "space_id": "s",
    "created_at": "2026-11-20T10:00:00Z",
}
CREATED = datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_the_type_is_sent_under_another_name_and_what_is_none_is_not() -> None:
    assert config_body("CONTINUOUS", {"name": "n", "minimum_score": 0, "maximum_score": None}) == {
        "annotation_config_type": "CONTINUOUS",
        "name": "n",
        "minimum_score": 0,
    }


def test_each_type_is_of_its_class() -> None:
    assert read_config(
        {
            **HEAD,
            "type": "CATEGORICAL",
            "values": [{"label": "a", "score": 1}, {"label": "b", "unknown": 1}],
            "optimization_direction": "MAXIMIZE",
        }
    ) == CategoricalAnnotationConfig(
        "i",
        "n",
        "CATEGORICAL",
        "s",
        CREATED,
        (CategoricalAnnotationValue("a", 1), CategoricalAnnotationValue("b")),
        "MAXIMIZE",
    )
    assert read_config(
        {**HEAD, "type": "CONTINUOUS", "minimum_score": 0, "maximum_score": 1.5}
    ) == ContinuousAnnotationConfig("i", "n", "CONTINUOUS", "s", CREATED, 0, 1.5)
    freeform = read_config({**HEAD, "type": "FREEFORM"})
    assert freeform == FreeformAnnotationConfig("i", "n", "FREEFORM", "s", CREATED)
    assert type(read_config({**HEAD, "type": "ANOTHER"})) is AnnotationConfig


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"id": None}, "id"),
        ({"name": ""}, "name"),
        ({"type": None}, "type"),
        ({"type": 5}, "type"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"values": {}, "type": "CATEGORICAL"}, None),
        ({"values": "ab", "type": "CATEGORICAL"}, "values"),
        ({"values": ["ab"], "type": "CATEGORICAL"}, "values"),
        ({"minimum_score": "0", "type": "CONTINUOUS"}, "minimum_score"),
        ({"optimization_direction": 1}, "optimization_direction"),
    ],
)
def test_a_malformed_config_names_the_member(members: dict[str, Any], what: str | None) -> None:
    item = {**HEAD, "type": "FREEFORM", **members}
    if what is None:
        read_config(item)  # absent, null and empty are the same
        return
    with pytest.raises(WireError, match=what) as caught:
        read_config(item)
    assert caught.value.what == what


def test_a_page_of_any_version_is_read() -> None:
    page = read_configs_page(
        {
            "annotation_configs": [{**HEAD, "type": "FREEFORM", "unknown": {}}],
            "pagination": {"has_more": True, "next_cursor": "c"},
        }
    )
    assert [config.name for config in page] == ["n"]
    assert page.pagination == PageInfo(has_more=True, next_cursor="c")


@pytest.mark.parametrize(
    "page",
    [
        {"pagination": {}},
        {"annotation_configs": {}, "pagination": {}},
        {"annotation_configs": []},
        {"annotation_configs": ["x"], "pagination": {}},
    ],
)
def test_a_malformed_page_is_an_error(page: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        read_configs_page(page)
