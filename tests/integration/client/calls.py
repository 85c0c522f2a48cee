"""One call of each method of the client, on projects that go by their ids, so that it is one call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanduck import SpansClient

ID: Final = "TW9kZWw6OTk5OTpub25l"
START: Final = datetime.now(UTC) - timedelta(hours=1)
SPAN: Final = "span-000000000001"
RECORD: Final = {"record_id": SPAN, "values": [{"name": "quality", "label": "good"}]}


def spans() -> pa.Table:
    return pa.table(
        {
            "context.span_id": [SPAN],
            "context.trace_id": ["trace-000000000001"],
            "name": ["step"],
            "start_time": [START],
            "end_time": [START],
        }
    )


def evaluation_rows() -> pa.Table:
    return pa.table({"context.span_id": [SPAN], "eval.Quality.label": ["good"]})


def annotation_rows() -> pa.Table:
    return pa.table({"context.span_id": [SPAN], "annotation.quality.label": ["good"]})


def metadata_rows() -> pa.Table:
    return pa.table({"context.span_id": [SPAN], "attributes.metadata.team": ["search"]})


# `Any`: what the methods return.
READS: Final[dict[str, Callable[[SpansClient], Any]]] = {
    "list": lambda client: client.list(project=ID),
    "list_traces": lambda client: client.list_traces(project=ID),
    "iter_spans": lambda client: list(client.iter_spans(project=ID)),
    "iter_traces": lambda client: list(client.iter_traces(project=ID)),
    "configs.list": lambda client: client.annotation_configs.list(),
    "configs.get": lambda client: client.annotation_configs.get(annotation_config=ID),
}

REPEATABLE_WRITES: Final[dict[str, Callable[[SpansClient], Any]]] = {
    "annotate": lambda client: client.annotate(project=ID, annotations=[RECORD]),
    "delete": lambda client: client.delete(project=ID, span_ids=[SPAN]),
    "configs.update": lambda client: client.annotation_configs.update_freeform(
        annotation_config=ID, name="other"
    ),
    "configs.delete": lambda client: client.annotation_configs.delete(annotation_config=ID),
}

# What must not be done twice unless it is known that nothing was done.
WRITES: Final[dict[str, Callable[[SpansClient], Any]]] = {
    "log": lambda client: client.log(project_name="app", dataframe=spans()),
    "update_evaluations by HTTP": lambda client: client.update_evaluations(
        project_name="app", dataframe=evaluation_rows(), force_http=True
    ),
    "configs.create": lambda client: client.annotation_configs.create_freeform(name="notes"),
}

FLIGHT_WRITES: Final[dict[str, Callable[[SpansClient], Any]]] = {
    "update_evaluations": lambda client: client.update_evaluations(
        project_name="app", dataframe=evaluation_rows()
    ),
    "update_annotations": lambda client: client.update_annotations(
        project_name="app", dataframe=annotation_rows()
    ),
    "update_metadata": lambda client: client.update_metadata(
        project_name="app", dataframe=metadata_rows()
    ),
}

REST: Final = {**READS, **REPEATABLE_WRITES, **WRITES}
EXPORTS: Final[dict[str, Callable[[SpansClient], Any]]] = {
    "export": lambda client: client.export(project_name="app"),
    "export_to_df": lambda client: client.export_to_df(project_name="app"),
}
ALL: Final = {**REST, **FLIGHT_WRITES, **EXPORTS}
