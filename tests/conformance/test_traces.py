"""Lists of traces: the vendor's client and ours are told the same."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pandas as pd
import pytest
from arize._generated.api_client.exceptions import ApiException
from pydantic import ValidationError as PydanticError
from tests.conformance.clients import Endpoint, vendor_client

import spanduck
from spanduck import exceptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from spanduck.embedded import EmbeddedServer

REFUSED = {"vendor": ApiException, "spanduck": exceptions.Error}
UNSENT = {"vendor": PydanticError, "spanduck": exceptions.ValidationError}


class Traces:
    """One client's list of traces of one project."""

    # `Any`: pages are of each client's own classes.
    def __init__(self, name: str, call: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self.name = name
        self._call = call
        self._arguments = arguments

    def page(self, **options: Any) -> Any:
        return self._call(**{**self._arguments, **options})


@pytest.fixture(scope="module")
def ours(server: EmbeddedServer) -> Iterator[spanduck.SpansClient]:
    with spanduck.SpansClient(settings=server.settings) as client:
        yield client


@pytest.fixture(scope="module")
def project(ours: spanduck.SpansClient, noon: datetime) -> str:
    """Name of a project of 12 traces of three spans, with attributes and evaluations."""
    name = f"traces {uuid4().hex[:12]}"
    starts = [noon + timedelta(seconds=n, microseconds=n) for n in range(36)]
    spans = pd.DataFrame(
        {
            "context.span_id": [f"span-{n:010}" for n in range(36)],
            "context.trace_id": [f"trace-{n // 3:010}" for n in range(36)],
            "parent_id": [f"span-{n - 1:010}" if n % 3 else None for n in range(36)],
            "name": [f"step {n % 3}" for n in range(36)],
            "start_time": starts,
            "end_time": [start + timedelta(seconds=1.5) for start in starts],
            "status_code": [("OK", "ERROR", "UNSET")[n % 3] for n in range(36)],
            "span_kind": [("CHAIN", "LLM", "TOOL")[n % 3] for n in range(36)],
            "attributes.n": list(range(36)),
            "attributes.metadata": [{"n": n, "tags": ["a"]} for n in range(36)],
        }
    )
    evaluations = pd.DataFrame(
        {
            "context.span_id": spans["context.span_id"],
            "eval.Quality.label": ["good", "bad"] * 18,
            "eval.Quality.score": [1.0, 0.25] * 18,
        }
    )
    ours.log(project_name=name, dataframe=spans, evals_dataframe=evaluations)
    return name


def arguments_of(server: EmbeddedServer, project: str, noon: datetime) -> dict[str, Any]:
    window = {"start_time": noon - timedelta(hours=1), "end_time": noon + timedelta(hours=1)}
    return {"project": project, "space": server.space, **window}


@pytest.fixture(params=["vendor", "spanduck"])
def traces(
    request: pytest.FixtureRequest,
    server: EmbeddedServer,
    ours: spanduck.SpansClient,
    project: str,
    noon: datetime,
) -> Traces:
    call: Any = ours.list_traces
    if request.param == "vendor":
        call = vendor_client(Endpoint.of(server)).traces.list
    return Traces(request.param, call, arguments_of(server, project, noon))


def ids(page: Any) -> list[tuple[str, str, list[str]]]:
    return [
        (trace.trace_id, trace.root_span_id, [span.context.span_id for span in trace.spans])
        for trace in page.traces
    ]


def expected(*numbers: int) -> list[tuple[str, str, list[str]]]:
    return [
        (f"trace-{n:010}", f"span-{3 * n:010}", [f"span-{3 * n + at:010}" for at in range(3)])
        for n in numbers
    ]


def plain(value: Any) -> Any:
    """Return a value of either client in the same terms; of a span what both have fields for."""
    return getattr(value, "value", value)


def test_traces_come_newest_root_first_with_typed_fields(traces: Traces, noon: datetime) -> None:
    page = traces.page()
    assert ids(page) == expected(*reversed(range(12)))
    assert not page.pagination.has_more
    assert page.pagination.next_cursor is None
    trace = page.traces[-1]
    assert trace.start_time == noon
    assert trace.end_time == noon + timedelta(seconds=3.5, microseconds=2)
    assert trace.spans_truncated is False
    span = trace.spans[1]
    assert (span.name, plain(span.kind), plain(span.status_code)) == ("step 1", "LLM", "ERROR")
    assert span.parent_id == "span-0000000000"
    assert span.attributes["n"] == 1
    assert span.attributes["metadata"] == {"n": 1, "tags": ["a"]}
    (evaluation,) = span.evaluations
    assert (evaluation.name, evaluation.label, evaluation.score) == ("Quality", "bad", 0.25)


def test_both_clients_read_the_same_of_every_span(
    server: EmbeddedServer, ours: spanduck.SpansClient, project: str, noon: datetime
) -> None:
    wanted = arguments_of(server, project, noon)
    their_page: Any = vendor_client(Endpoint.of(server)).traces.list(**wanted)
    fields = ("name", "kind", "parent_id", "start_time", "end_time", "status_code", "attributes")

    def told(page: Any) -> list[Any]:
        return [
            [{name: plain(getattr(span, name)) for name in fields} for span in trace.spans]
            for trace in page.traces
        ]

    assert told(ours.list_traces(**wanted)) == told(their_page)


def test_pages_are_walked_by_cursor(traces: Traces) -> None:
    found: list[Any] = []
    cursor = None
    sizes = []
    while True:
        page = traces.page(limit=5, cursor=cursor)
        found += ids(page)
        sizes.append(len(page.traces))
        cursor = page.pagination.next_cursor
        if not cursor:
            break
    assert found == expected(*reversed(range(12)))
    assert sizes == [5, 5, 2]


@pytest.mark.parametrize(
    ("filter_text", "numbers"),
    [
        ("attributes.n = 7", [2]),
        ("span_kind = 'LLM'", list(reversed(range(12)))),
        ("attributes.n >= 32 AND status_code = 'UNSET'", [11, 10]),
        ("name = 'nothing'", []),
    ],
)
def test_a_trace_is_selected_by_any_of_its_spans(
    traces: Traces, filter_text: str, numbers: list[int]
) -> None:
    assert ids(traces.page(filter=filter_text)) == expected(*numbers)


def test_the_window_is_that_of_the_roots(traces: Traces, noon: datetime) -> None:
    page = traces.page(
        start_time=noon + timedelta(seconds=3), end_time=noon + timedelta(seconds=8.5)
    )
    assert ids(page) == expected(2, 1)


def test_frames_have_the_same_columns_and_values(
    server: EmbeddedServer, ours: spanduck.SpansClient, project: str, noon: datetime
) -> None:
    wanted = arguments_of(server, project, noon)
    their_page: Any = vendor_client(Endpoint.of(server)).traces.list(**wanted)
    mine, theirs = ours.list_traces(**wanted).to_df(), their_page.to_df()
    assert list(mine.columns) == list(theirs.columns)
    same = [name for name in mine.columns if name != "spans"]
    pd.testing.assert_frame_equal(mine[same], theirs[same], check_dtype=False)
    assert mine["spans"].map(len).tolist() == theirs["spans"].map(len).tolist()


@pytest.mark.parametrize(
    "options",
    [
        {"filter": "nonsense = 1"},
        {"filter": ""},
        {"cursor": "garbage"},
        {"project": "TW9kZWw6OTk5OTpub25l"},
    ],
)
def test_what_the_service_refuses_is_an_error(traces: Traces, options: dict[str, Any]) -> None:
    with pytest.raises(REFUSED[traces.name]):
        traces.page(**options)


@pytest.mark.parametrize("limit", [0, 51])
def test_a_bad_limit_is_refused_without_a_call(traces: Traces, limit: int) -> None:
    # The vendor's client leaves the upper bound to the service.
    kinds = (UNSENT[traces.name], REFUSED[traces.name])
    with pytest.raises(kinds, match="limit"):
        traces.page(limit=limit)


def test_our_walk_gives_every_trace_once(
    server: EmbeddedServer, ours: spanduck.SpansClient, project: str, noon: datetime
) -> None:
    wanted = arguments_of(server, project, noon)
    walked = list(ours.iter_traces(limit=5, **wanted))
    assert [trace.trace_id for trace in walked] == [f"trace-{n:010}" for n in reversed(range(12))]
    assert all(trace.root_span is trace.spans[0] for trace in walked)
    wanted["project_name"] = wanted.pop("project")
    assert len(list(ours.iter_traces(**wanted))) == 12
