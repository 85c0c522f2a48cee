from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATH = "/v2/annotation-configs"
KINDS: dict[str, dict[str, Any]] = {
    "FREEFORM": {},
    "CONTINUOUS": {"minimum_score": 0, "maximum_score": 1.5},
    "CATEGORICAL": {"values": [{"label": "good", "score": 1}, {"label": "bad"}]},
}


def _create(caller: Any, name: str, kind: str = "FREEFORM", /, **members: Any) -> Any:
    body = {"name": name, "space_id": caller.server.space_id, "annotation_config_type": kind}
    return caller.rest.post(PATH, json={**body, **KINDS.get(kind, {}), **members})


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_is_created_and_read_back(caller: Any, kind: str) -> None:
    answer = _create(caller, f"round {kind}", kind)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["type"] == kind
    assert made["space_id"] == caller.server.space_id
    expected = {**KINDS[kind], **({} if kind == "FREEFORM" else {"optimization_direction": "NONE"})}
    assert {key: made.get(key) for key in expected} == expected
    assert caller.rest.get(f"{PATH}/{made['id']}").json() == made
    assert made in caller.rest.get(PATH).json()["annotation_configs"]


def test_configs_are_listed_the_latest_first_in_pages(own_caller: Any) -> None:
    for number in range(5):
        _create(own_caller, f"config {number}")
    first = own_caller.rest.get(PATH, params={"limit": 3}).json()
    assert [item["name"] for item in first["annotation_configs"]] == [
        f"config {number}" for number in (4, 3, 2)
    ]
    cursor = first["pagination"]["next_cursor"]
    rest = own_caller.rest.get(PATH, params={"limit": 3, "cursor": cursor}).json()
    assert [item["name"] for item in rest["annotation_configs"]] == ["config 1", "config 0"]
    assert rest["pagination"] == {"has_more": False}

    def named(**query: str) -> int:
        return len(own_caller.rest.get(PATH, params=query).json()["annotation_configs"])

    assert named(name="FIG 2") == 1
    assert named(space_id=own_caller.server.space_id) == 5
    assert named(space_id="other") == 0
    assert named(space_name=own_caller.server.space.upper()[:3]) == 5


def test_what_an_update_names_is_changed(caller: Any) -> None:
    made = _create(caller, "before", "CONTINUOUS").json()
    path = f"{PATH}/{made['id']}"
    body = {"annotation_config_type": "CONTINUOUS", "maximum_score": 9, "name": "after"}
    answer = caller.rest.patch(path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {**made, "maximum_score": 9, "name": "after"}
    assert caller.rest.get(path).json() == answer.json()
    for wrong in ({"annotation_config_type": "FREEFORM"}, {"minimum_score": 10}, {"name": ""}):
        assert caller.rest.patch(path, json=wrong).status_code == 422
    _create(caller, "taken")
    assert caller.rest.patch(path, json={"name": "taken"}).status_code == 409


def test_a_deleted_config_is_gone(caller: Any) -> None:
    path = f"{PATH}/{_create(caller, 'gone').json()['id']}"
    answer = caller.rest.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "DELETE", "PATCH"):
        assert caller.rest.request(method, path, json={}).status_code == 404
    assert _create(caller, "gone").status_code == 201


@pytest.mark.parametrize(
    ("kind", "members", "status"),
    [
        ("FREEFORM", {"name": "  "}, 422),
        ("FREEFORM", {"name": "x" * 256}, 422),
        ("OTHER", {}, 422),
        ("FREEFORM", {"space_id": None}, 422),
        ("FREEFORM", {"space_id": "nowhere"}, 404),
        ("CONTINUOUS", {"minimum_score": 2}, 422),
        ("CONTINUOUS", {"minimum_score": "0"}, 422),
        ("CONTINUOUS", {"maximum_score": None}, 422),
        ("CONTINUOUS", {"optimization_direction": "UP"}, 422),
        ("CATEGORICAL", {"values": []}, 422),
        ("CATEGORICAL", {"values": [{"score": 1}]}, 422),
        ("CATEGORICAL", {"values": [{"label": "a"}, {"label": "a"}]}, 422),
        ("CATEGORICAL", {"values": [{"label": "a", "score": True}]}, 422),
    ],
)
def test_what_is_refused(caller: Any, kind: str, members: dict[str, Any], status: int) -> None:
    answer = _create(caller, "refused", kind, **members)
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status


def test_a_name_is_taken_once(caller: Any) -> None:
    assert _create(caller, "once").status_code == 201
    assert _create(caller, "once").status_code == 409
    assert _create(caller, "Once").status_code == 201


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, tools: Any) -> Iterator[Any]:
    path: Path = tmp_path_factory.mktemp("strict")
    with embedded.serve(path, strict_configs=True) as server:
        made = tools.Caller(server)
        made.upload(tools.spans(1))
        for kind in KINDS:
            _create(made, kind.title(), kind)
        yield made
        made.close()


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("Categorcal", {"label": "good"}, "Did you mean 'Categorical'"),
        ("Categorical", {"label": "god"}, "Did you mean 'good'"),
        ("Continuous", {"score": 2.0}, "a score of 2.0"),
        ("Freeform", {"text": "anything"}, ""),
        ("Categorical", {"label": "good", "text": "x"}, ""),
        ("Continuous", {"score": 1.5}, ""),
    ],
)
def test_strict_configs_refuse_what_fits_none(
    strict: Any, name: str, fields: dict[str, Any], message: str
) -> None:
    project = strict.rest.get("/v2/projects").json()["projects"][0]["id"]
    record = {"record_id": "span-000000000000", "values": [{"name": name, **fields}]}
    answer = strict.rest.post(
        "/v2/spans/annotate", json={"project_id": project, "annotations": [record]}
    )
    columns = {f"annotation.{name}.{field}": [value] for field, value in fields.items()}
    table = pa.table({"context.span_id": ["span-000000000000"], **columns})
    if message:
        assert answer.status_code == 422
        assert message in answer.json()["detail"]
        with pytest.raises(pa.ArrowInvalid, match=message):
            strict.put(table, kind="annotations")
    else:
        assert answer.status_code == 202, answer.text
        assert strict.put(table, kind="annotations").records_updated == 1
