"""What must fail does, with a reason, and changes nothing."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
import requests
from arize import ArizeClient
from arize._generated.api_client import exceptions as rest
from tests.conformance.clients import ROWS

from spanduck._wire import upload_schema_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.clients import Client

    from spanduck.embedded import EmbeddedServer

    MakeSpans = Callable[..., pd.DataFrame]

WRONG_KEY = "wrong-key-7391"
YEAR_NS = 365 * 86_400 * 1_000_000_000


@pytest.fixture(params=ROWS)
def intruder(
    request: pytest.FixtureRequest, connect: Callable[..., Client], make_spans: MakeSpans
) -> Client:
    """A client with a wrong key on a project that has a span."""
    owner = connect(request.param)
    owner.log(make_spans(1))
    return connect(request.param, project=owner.project, api_key=WRONG_KEY)


def test_a_wrong_key_uploads_nothing(intruder: Client, make_spans: MakeSpans) -> None:
    with pytest.raises(intruder.kind.key_refused) as caught:
        intruder.log(make_spans(1))
    assert WRONG_KEY not in str(caught.value)


def test_a_wrong_key_exports_nothing(intruder: Client) -> None:
    with pytest.raises(intruder.kind.call_failed) as caught:
        intruder.export_to_df()
    assert WRONG_KEY not in str(caught.value)


def test_a_wrong_key_writes_no_evaluations(
    intruder: Client, connect: Callable[..., Client]
) -> None:
    rows = pd.DataFrame({"context.span_id": ["span-0000000000"], "eval.Q.label": ["x"]})
    with pytest.raises(intruder.kind.call_failed):
        intruder.update_evaluations(rows)
    with pytest.raises(intruder.kind.key_refused):
        intruder.update_evaluations_by_http(rows)
    (row,) = connect(intruder.name, project=intruder.project).export().to_pylist()
    assert "eval.Q.label" not in row


def test_a_wrong_key_lists_nothing(server: EmbeddedServer) -> None:

    stranger = ArizeClient(
        api_key=WRONG_KEY, api_host="127.0.0.1", api_scheme="http", api_port=server.rest_port
    )
    for call in (stranger.projects.list, stranger.spaces.list):
        with pytest.raises(rest.UnauthorizedException) as caught:
            call()
        assert caught.value.status == 401
        assert WRONG_KEY not in str(caught.value.body)


def test_no_key_at_all_is_refused(server: EmbeddedServer) -> None:
    base = f"http://127.0.0.1:{server.rest_port}"
    with requests.Session() as session:
        session.trust_env = False
        for verb, path in (
            ("GET", "/v2/projects"),
            ("GET", "/v2/spaces"),
            ("POST", "/v2/projects"),
            ("POST", "/v1/pandas_arrow"),
        ):
            answer = session.request(verb, base + path, timeout=30)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == 401
            assert answer.json()["title"]


def test_an_unknown_project_cannot_be_exported(client: Client) -> None:
    with pytest.raises(client.kind.call_failed, match=client.project):
        client.export_to_df()


def test_an_unknown_space_cannot_be_exported(client: Client, make_spans: MakeSpans) -> None:
    client.log(make_spans(1))
    with pytest.raises(client.kind.call_failed, match="no such space"):
        client.export_to_df(space_id="no such space")


def test_a_filter_of_white_space_is_refused(client: Client, make_spans: MakeSpans) -> None:
    client.log(make_spans(1))
    with pytest.raises(client.kind.call_failed):
        client.export_to_df(where="  ")


@pytest.mark.parametrize("shift_ns", [-6 * YEAR_NS, 2 * YEAR_NS], ids=["old", "future"])
def test_spans_outside_the_upload_limits_are_refused_whole(
    client: Client, make_spans: MakeSpans, shift_ns: int
) -> None:
    spans = make_spans(2)
    client.log(make_spans(1))
    spans.loc[1, ["start_time", "end_time"]] += shift_ns
    spans["name"] = "changed"
    with pytest.raises(Exception, match="start_time"):
        client.log(spans, validate=False)
    (row,) = client.export().to_pylist()
    assert row["name"] == "step 0"


def test_garbage_is_refused_with_a_problem_document(vendor: Any, server: EmbeddedServer) -> None:
    url = f"http://127.0.0.1:{server.rest_port}/v1/pandas_arrow"
    headers = {"authorization": server.api_key, "arize-space-id": server.space_id}
    with requests.Session() as session:
        session.trust_env = False
        for body in (b"", b"garbage", b"\xff\xff\xff\xff" + b"\x00" * 64, b"{}" * 1_000):
            answer = session.post(url, data=body, headers=headers, timeout=30)
            assert 400 <= answer.status_code < 500
            assert answer.headers["content-type"] == "application/problem+json"
            document = answer.json()
            assert document["status"] == answer.status_code
            assert document["title"]
            assert document["detail"]
    assert vendor.spaces.list().spaces


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pa.array([(1, 2, 3), None], pa.month_day_nano_interval()), "interval"),
        (pa.array([1, 2], pa.decimal256(70, 2)), "decimal256"),
        (
            pa.UnionArray.from_dense(
                pa.array([0, 1], pa.int8()),
                pa.array([0, 0], pa.int32()),
                [pa.array([1]), pa.array(["a"])],
            ),
            "union",
        ),
    ],
    ids=["interval", "decimal256", "union"],
)
def test_a_column_of_an_impossible_type_is_refused_by_name(
    server: EmbeddedServer,
    connect: Callable[..., Client],
    make_spans: MakeSpans,
    values: pa.Array,
    said: str,
) -> None:
    client = connect("vendor")
    client.log(make_spans(1))
    table = pa.Table.from_pandas(make_spans(2).drop(columns="span_kind"), preserve_index=False)
    table = table.append_column("attributes.custom.odd", values).replace_schema_metadata(
        {b"arize-schema": upload_schema_text(client.project)}
    )
    body = io.BytesIO()
    with pa.ipc.new_stream(body, table.schema) as writer:
        writer.write_table(table)
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"http://127.0.0.1:{server.rest_port}/v1/pandas_arrow",
            data=body.getvalue(),
            headers={"authorization": server.api_key, "arize-space-id": server.space_id},
            timeout=30,
        )
    assert answer.status_code == 400
    detail = answer.json()["detail"]
    assert "attributes.custom.odd" in detail
    assert said in detail
    assert len(client.rows_by_id()) == 1
