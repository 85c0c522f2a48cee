"""Names that are unknown, missing or ambiguous, and limits, in every method that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.client.calls import (
    RECORD,
    SPAN,
    annotation_rows,
    evaluation_rows,
    metadata_rows,
    spans,
)

import spanduck
from spanduck.exceptions import (
    ConfigError,
    FilterError,
    NotFoundError,
    RejectedError,
    UnknownProjectError,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.client.conftest import ScriptedService

    from spanduck import SpansClient

    Connect = Callable[..., SpansClient]
    # `Any`: what the methods return.
    Call = Callable[..., Any]

# Methods that need a project, with what else they need.
ON_A_PROJECT: dict[str, Call] = {
    "export": lambda client, **where: client.export(**where),
    "export_to_df": lambda client, **where: client.export_to_df(**where),
    "export_to_parquet": lambda client, **where: client.export_to_parquet(path="x", **where),
    "list": lambda client, **where: client.list(**where),
    "iter_pages": lambda client, **where: list(client.iter_pages(**where)),
    "list_traces": lambda client, **where: client.list_traces(**where),
    "iter_traces": lambda client, **where: list(client.iter_traces(**where)),
    "annotate": lambda client, **where: client.annotate(annotations=[RECORD], **where),
    "delete": lambda client, **where: client.delete(span_ids=[SPAN], **where),
    "update_evaluations": lambda client, **where: client.update_evaluations(
        dataframe=evaluation_rows(), **where
    ),
    "update_annotations": lambda client, **where: client.update_annotations(
        dataframe=annotation_rows(), **where
    ),
    "update_metadata": lambda client, **where: client.update_metadata(
        dataframe=metadata_rows(), **where
    ),
}
# Uploading to a project that is not there makes it.
WITH_A_PROJECT: dict[str, Call] = {
    **ON_A_PROJECT,
    "log": lambda client, **where: client.log(dataframe=spans(), **where),
}
IN_A_SPACE: dict[str, Call] = {
    **{
        name: lambda client, call=call, **where: call(client, project="app", **where)
        for name, call in WITH_A_PROJECT.items()
    },
    "configs.get": lambda client, **where: client.annotation_configs.get(
        annotation_config="quality", **where
    ),
    "configs.create": lambda client, **where: client.annotation_configs.create_freeform(
        name="notes", **where
    ),
    "configs.update": lambda client, **where: client.annotation_configs.update_freeform(
        annotation_config="quality", name="other", **where
    ),
    "configs.delete": lambda client, **where: client.annotation_configs.delete(
        annotation_config="quality", **where
    ),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpansClient]:
    with (
        spanduck.serve(tmp_path_factory.mktemp("store")) as server,
        spanduck.SpansClient(settings=server.settings) as opened,
    ):
        opened.log(project_name="my-llm-app", dataframe=spans())
        opened.annotation_configs.create_categorical(name="quality", values=[{"label": "good"}])
        yield opened


@pytest.mark.parametrize("method", list(ON_A_PROJECT))
def test_an_unknown_project_names_its_near_matches(client: SpansClient, method: str) -> None:
    with pytest.raises(UnknownProjectError, match="'my-llm-ap'") as caught:
        ON_A_PROJECT[method](client, project="my-llm-ap")
    assert caught.value.status == 404
    assert not caught.value.retryable
    assert caught.value.next_step == "Did you mean 'my-llm-app'?"
    assert caught.value.message == "no project is called 'my-llm-ap' in space 'default'"


@pytest.mark.parametrize("method", list(WITH_A_PROJECT))
@pytest.mark.parametrize("where", [{}, {"project": " "}, {"project_name": ""}])
def test_no_project_is_told_before_anything_is_sent(
    scripted: ScriptedService, connect: Connect, method: str, where: dict[str, str]
) -> None:
    with pytest.raises(ValidationError, match="no project is given"):
        WITH_A_PROJECT[method](connect(scripted.port), **where)
    assert scripted.asked == []


@pytest.mark.parametrize("method", list(WITH_A_PROJECT))
def test_two_names_of_one_argument_must_agree(
    scripted: ScriptedService, connect: Connect, method: str
) -> None:
    opened = connect(scripted.port)
    with pytest.raises(ConfigError, match="two names of one argument") as caught:
        WITH_A_PROJECT[method](opened, project="a", project_name="b")
    assert caught.value.setting == "project_name"
    with pytest.raises(ConfigError, match="two names of one argument") as caught:
        WITH_A_PROJECT[method](opened, project="a", space="b", space_id="c")
    assert caught.value.setting == "space_id"
    assert scripted.asked == []


@pytest.mark.parametrize("method", list(IN_A_SPACE))
def test_an_unknown_space_names_its_near_matches(client: SpansClient, method: str) -> None:
    with pytest.raises(UnknownProjectError, match="no space is called 'defaul'") as caught:
        IN_A_SPACE[method](client, space="defaul")
    assert caught.value.next_step == "Did you mean 'default'?"


@pytest.mark.parametrize("method", list(IN_A_SPACE))
def test_no_space_says_where_it_was_looked_for(
    scripted: ScriptedService, connect: Connect, method: str
) -> None:
    with pytest.raises(ConfigError, match="no space is given") as caught:
        IN_A_SPACE[method](connect(scripted.port, space=""))
    assert caught.value.setting == "space"
    assert any("ARIZE_SPACE" in place for place in caught.value.looked_in)
    assert scripted.asked == []


@pytest.mark.parametrize("method", list(IN_A_SPACE))
def test_an_ambiguous_space_names_the_ids_to_choose_from(
    scripted: ScriptedService, connect: Connect, method: str
) -> None:
    ids = ["U3BhY2U6MTphYmNk", "U3BhY2U6MjphYmNk"]
    scripted.answer.body = {
        "spaces": [{"id": id_, "name": "twice"} for id_ in ids],
        "pagination": {"has_more": False},
    }
    with pytest.raises(ConfigError, match="2 spaces are called 'twice'") as caught:
        IN_A_SPACE[method](connect(scripted.port), space="twice")
    assert all(id_ in caught.value.next_step for id_ in ids)
    assert set(scripted.asked) == {("GET", "/v2/spaces")}


@pytest.mark.parametrize("method", ["get", "delete", "update_categorical", "update_freeform"])
def test_an_unknown_config_names_its_near_matches(client: SpansClient, method: str) -> None:
    call = getattr(client.annotation_configs, method)
    with pytest.raises(NotFoundError, match="no annotation config is called 'qualty'") as caught:
        call(annotation_config="qualty")
    assert type(caught.value) is NotFoundError
    assert caught.value.status == 404
    assert caught.value.next_step == "Did you mean 'quality'?"


@pytest.mark.parametrize("method", ["list", "list_traces", "iter_spans", "iter_traces"])
def test_a_bad_filter_is_shown_with_its_place(client: SpansClient, method: str) -> None:
    with pytest.raises(FilterError) as caught:
        list(getattr(client, method)(project="my-llm-app", filter="name = "))
    assert caught.value.text == "name = "
    assert "col 7" in caught.value.message


@pytest.mark.parametrize("method", ["list", "list_traces", "iter_spans", "iter_traces"])
def test_a_bad_cursor_is_refused_in_the_services_words(client: SpansClient, method: str) -> None:
    with pytest.raises(RejectedError, match="cursor is 'garbage'") as caught:
        list(getattr(client, method)(project="my-llm-app", cursor="garbage"))
    assert caught.value.status == 400
    assert caught.value.problem is not None
    assert "cursor" in caught.value.problem.detail


@pytest.mark.parametrize(
    ("method", "most"),
    [
        ("list", 500),
        ("iter_pages", 500),
        ("iter_spans", 500),
        ("list_traces", 50),
        ("iter_traces", 50),
    ],
)
@pytest.mark.parametrize("limit", [0, -1, "most", "10", None, True, 2.5])
def test_a_bad_limit_says_what_a_page_has(
    scripted: ScriptedService, connect: Connect, method: str, most: int, limit: Any
) -> None:
    given = most + 1 if limit == "most" else limit
    with pytest.raises(ValidationError, match=f"limit is {given!r}") as caught:
        list(getattr(connect(scripted.port), method)(project="app", limit=given))
    assert f"1 to {most}" in caught.value.next_step
    assert scripted.asked == []


@pytest.mark.parametrize(
    ("granularity", "most"), [(None, 1_000), ("TRACE", 1_000), ("SESSION", 100)]
)
def test_annotate_takes_so_many_records_and_no_more(
    scripted: ScriptedService, connect: Connect, granularity: str | None, most: int
) -> None:
    opened = connect(scripted.port)
    project = "TW9kZWw6MTphYmNk"

    def annotate(count: int) -> None:
        records = [{**RECORD, "record_id": f"record-{n}"} for n in range(count)]
        opened.annotate(project=project, annotations=records, granularity=granularity)

    for count in (0, most + 1):
        with pytest.raises(ValidationError, match=f"{count:,} records") as caught:
            annotate(count)
        assert f"1 to {most:,}" in caught.value.next_step
    assert scripted.asked == []
    scripted.answer.status = 202
    annotate(most)
    assert scripted.asked == [("POST", "/v2/spans/annotate")]


def test_a_record_that_is_not_there_is_not_found(client: SpansClient) -> None:
    record = {**RECORD, "record_id": "no-such-span"}
    with pytest.raises(NotFoundError, match="no-such-span") as caught:
        client.annotate(project="my-llm-app", annotations=[RECORD, record])
    assert type(caught.value) is NotFoundError
    assert caught.value.status == 404
    page = client.list(project="my-llm-app")
    assert page.spans[0].annotations == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": " ", "values": [{"label": "x"}]}, "name is ' '"),
        ({"name": "x", "values": "good"}, "values is 'good'"),
        ({"name": "x", "values": [{"score": 1}]}, r"values\[0\] has no label"),
        ({"name": "x", "values": [{"label": "x", "score": "1"}]}, r"values\[0\].score is '1'"),
        (
            {"name": "x", "values": [{"label": "x"}], "optimization_direction": "UP"},
            "optimization_direction is 'UP'",
        ),
        ({"name": "x", "values": [{"label": "x", "score": float("nan")}]}, "impossible"),
    ],
)
def test_an_impossible_config_is_not_sent(
    scripted: ScriptedService, connect: Connect, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        connect(scripted.port).annotation_configs.create_categorical(**arguments)
    assert scripted.asked == []
