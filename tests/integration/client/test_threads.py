"""One client, used by many threads at once, with calls of every kind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

import spanduck

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = 8
ROUNDS = 3
SPANS = 60
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[spanduck.EmbeddedServer]:
    with spanduck.serve(tmp_path_factory.mktemp("store")) as running:
        yield running


def spans(owner: str) -> pa.Table:
    starts = [START + timedelta(seconds=n) for n in range(SPANS)]
    return pa.table(
        {
            "context.span_id": [f"{owner}-span-{n:06}" for n in range(SPANS)],
            "context.trace_id": [f"{owner}-trace-{n // 4:06}" for n in range(SPANS)],
            "parent_id": [f"{owner}-span-{n - 1:06}" if n % 4 else None for n in range(SPANS)],
            "name": ["step"] * SPANS,
            "start_time": starts,
            "end_time": [start + timedelta(seconds=1) for start in starts],
            "attributes.owner": [owner] * SPANS,
        }
    )


def one_round(client: spanduck.SpansClient, owner: str, project: str) -> None:
    """Make a call of every kind on a project of its own, and judge what each says."""
    table = spans(owner)
    ids = table["context.span_id"].to_pylist()
    assert client.log(project_name=project, dataframe=table).spans == SPANS
    labels = [f"{project} {n}" for n in range(SPANS)]
    evaluations = pa.table({"context.span_id": ids, "eval.Mine.label": labels})
    updated = client.update_evaluations(project_name=project, dataframe=evaluations)
    assert (updated.records_updated, updated.unmatched_ids) == (SPANS, ())
    values = [{"name": "checked", "label": "yes"}]
    client.annotate(
        project=project, annotations=[{"record_id": id_, "values": values} for id_ in ids[:10]]
    )
    metadata = pa.table({"context.span_id": ids, "attributes.metadata.project": [project] * SPANS})
    assert client.update_metadata(project_name=project, dataframe=metadata).spans_failed == 0
    page = client.list(project=project, limit=SPANS)
    assert [span.span_id for span in page] == ids[::-1]
    assert {span.attributes["owner"] for span in page} == {owner}
    traces = list(client.iter_traces(project=project, limit=4))
    assert [len(trace.spans) for trace in traces] == [4] * (SPANS // 4)
    deleted = client.delete(project=project, span_ids=ids[:5])
    assert (deleted.deleted_span_ids, deleted.completed) == (tuple(ids[:5]), True)
    exported = client.export(project_name=project).read_all().sort_by("context.span_id")
    assert exported["context.span_id"].to_pylist() == ids[5:]
    assert exported["eval.Mine.label"].to_pylist() == labels[5:]
    assert exported["annotation.checked.label"].to_pylist() == ["yes"] * 5 + [None] * (SPANS - 10)


def test_calls_of_every_kind_at_once_are_right(server: spanduck.EmbeddedServer) -> None:
    with spanduck.SpansClient(settings=server.settings) as client:
        client.annotation_configs.create_categorical(name="checked", values=[{"label": "yes"}])
        together = threading.Barrier(THREADS)

        def work(number: int) -> None:
            together.wait()
            for turn in range(ROUNDS):
                one_round(client, f"owner-{number}", f"thread {number}, round {turn}")

        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(work, number) for number in range(THREADS)]:
                done.result()
    assert repr(client) == "<spanduck.SpansClient closed>"
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("spanduck")]
    assert left == []
