"""`SpansClient.list` and what comes with it, on a server of its own and on a scripted one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import spanduck
from spanduck.exceptions import (
    FilterError,
    RejectedError,
    UnknownProjectError,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def spans(count: int) -> pa.Table:
    starts = [NOW + timedelta(seconds=n) for n in range(count)]
    return pa.table(
        {
            "context.span_id": [f"span-{n:010}" for n in range(count)],
            "context.trace_id": [f"trace-{n // 3:010}" for n in range(count)],
            "name": [f"step {n % 3}" for n in range(count)],
            "start_time": starts,
            "end_time": [start + timedelta(seconds=2) for start in starts],
            "attributes.n": list(range(count)),
        }
    )


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[spanduck.SpansClient]:
    with (
        spanduck.serve(tmp_path_factory.mktemp("store")) as server,
        spanduck.SpansClient(
            api_key=server.api_key,
            space=server.space,
            api_host=server.host,
            api_scheme="http",
            api_port=server.rest_port,
            flight_host=server.host,
            flight_port=server.flight_port,
            flight_scheme="grpc+tcp",
            progress=False,
        ) as opened,
    ):
        opened.log(project_name="app", dataframe=spans(130))
        yield opened


def test_the_documented_call_works_without_a_space(client: spanduck.SpansClient) -> None:
    page = client.list(project="app", limit=100)
    assert [span.span_id for span in page][:2] == ["span-0000000129", "span-0000000128"]
    assert len(page) == 100
    span = page.spans[0]
    assert (span.name, span.trace_id, span.latency_ms) == ("step 0", "trace-0000000043", 2_000)
    assert span.start_time == NOW + timedelta(seconds=129)
    assert span.attributes == {"n": 129}


def test_pages_and_spans_are_walked(client: spanduck.SpansClient) -> None:
    pages = list(client.iter_pages(project="app", limit=40))
    assert [len(page) for page in pages] == [40, 40, 40, 10]
    assert [page.pagination.has_more for page in pages] == [True, True, True, False]
    numbers = [span.attributes["n"] for span in client.iter_spans(project="app")]
    assert numbers == list(reversed(range(130)))
    some = client.iter_spans(project_name="app", filter="attributes.n < 3", limit=2)
    assert [span.attributes["n"] for span in some] == [2, 1, 0]
    assert [len(page) for page in client.iter_pages(project="app", filter="name = ''")] == [0]


def test_a_walk_goes_on_from_a_cursor(client: spanduck.SpansClient) -> None:
    first = client.list(project="app", limit=100)
    rest = client.iter_spans(project="app", cursor=first.pagination.next_cursor)
    assert [span.attributes["n"] for span in rest] == list(reversed(range(30)))


def test_results_become_dicts_json_and_frames(client: spanduck.SpansClient) -> None:
    page = client.list(project="app", limit=2)
    first, second = page.to_dicts()
    assert first["context"] == {"trace_id": "trace-0000000043", "span_id": "span-0000000129"}
    assert first["start_time"] == NOW + timedelta(seconds=129)
    assert second == page.spans[1].to_dict()
    again = json.loads(page.to_json())
    assert again["spans"][0]["start_time"] == (NOW + timedelta(seconds=129)).isoformat()
    assert again["pagination"]["has_more"] is True
    assert json.loads(page.spans[0].to_json())["attributes"] == {"n": 129}
    assert page.to_df()["name"].tolist() == ["step 0", "step 2"]
    assert page.to_df(json_normalize=True)["attributes.n"].tolist() == [129, 128]
    assert client.list(project="app", filter="name = ''").to_df().empty


def test_a_project_goes_by_its_id_too(client: spanduck.SpansClient) -> None:
    with spanduck.SpansClient(settings=client.settings) as other:
        found = other._rest.resolve_project("app", client.settings.service.space)
        assert len(other.list(project=found.id)) == 50


def test_what_is_refused_has_a_class(client: spanduck.SpansClient) -> None:
    with pytest.raises(FilterError, match="nonsense"):
        client.list(project="app", filter="nonsense = 1")
    with pytest.raises(RejectedError, match="cursor"):
        client.list(project="app", cursor="garbage")
    with pytest.raises(UnknownProjectError, match="app"):
        client.list(project="apq")
    with pytest.raises(UnknownProjectError):
        client.list(project="TW9kZWw6OTk5OTpub25l")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"truncate_string_length": 0}, "truncate_string_length"),
        ({"included_columns": ["a"], "excluded_columns": ["b"]}, "exclude each other"),
        ({"included_columns": []}, "included_columns"),
        ({"included_columns": "name"}, "included_columns"),
        ({"excluded_columns": ["a", ""]}, "excluded_columns"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_sent(
    options: dict[str, Any], said: str
) -> None:
    with (
        spanduck.SpansClient(api_key="k", space="s", api_host="localhost", api_port=1) as nowhere,
        pytest.raises(ValidationError, match=said),
    ):
        nowhere.list(project="app", **options)
