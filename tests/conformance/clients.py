"""The table: who calls (`CLIENTS`), whom they call (`Endpoint`), and how each says the same thing.

The vendor's SDKs are unmodified packages: what they send and what they make of the answers is the
measure. Ours has the same method and argument names without the `.spans`. What a row cannot do at all
is in `differences.py`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pandas as pd
import pyarrow.parquet as pq
from arize import ArizeClient
from arize._generated.api_client.exceptions import ApiException
from arize.exceptions.auth import AuthenticationError
from arize.exceptions.base import ValidationFailure
from arize.spans.types import AnnotateRecordInput
from tests.conformance.old_sdk import (
    OldApiError,
    OldAuthenticationError,
    OldValidationError,
)

import spanduck
from spanduck import exceptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa
    from tests.conformance.old_sdk import OldSdk

    from spanduck.embedded import EmbeddedServer

# The span methods of a client. `Any`: their results and declared arguments differ in the detail, and
# the tests judge by the data.
SpansMethods = Any

HOSTED = "SPANDUCK_CONFORMANCE_"
# Where a hosted service is, where it is not at the SDKs' own default.
ADDRESSES = {
    "api_host": str,
    "api_scheme": str,
    "api_port": int,
    "flight_host": str,
    "flight_port": int,
    "flight_scheme": str,
}


@dataclass(frozen=True)
class Endpoint:
    """A service that the clients are tried on.

    Attributes:
        api_key: What its calls carry.
        space: Id of the space.
        address: The settings of its address, by the names of the vendor's SDK.
        project: What the names of the tests' projects begin with.
        settle_s: How long an upload may take to be seen.
    """

    api_key: str = field(repr=False)
    space: str
    address: dict[str, Any]
    project: str = "project"
    settle_s: float = 0.0

    @classmethod
    def of(cls, server: EmbeddedServer) -> Endpoint:
        address = {
            "api_host": "127.0.0.1",
            "api_scheme": "http",
            "api_port": server.rest_port,
            "flight_host": "127.0.0.1",
            "flight_port": server.flight_port,
            "flight_scheme": "grpc+tcp",
        }
        return cls(api_key=server.api_key, space=server.space_id, address=address)


def hosted_endpoint(environment: Mapping[str, str]) -> Endpoint | None:
    """Return the service that an environment names for the tests, None where it names none.

    `SPANDUCK_CONFORMANCE_API_KEY`, `_SPACE` (an id) and `_PROJECT` (what the projects' names begin
    with: each test makes one, and none is deleted); `_API_HOST` and so on for an address that is not
    the SDKs' default; `_SETTLE_S` for how long an upload may take to be seen.
    """
    given = {
        name.removeprefix(HOSTED).lower(): text
        for name, text in environment.items()
        if name.startswith(HOSTED)
    }
    if not given:
        return None
    missing = [name for name in ("api_key", "space", "project") if name not in given]
    if missing:
        wanted = ", ".join(HOSTED + name.upper() for name in missing)
        raise ValueError(f"the hosted service of the conformance tests also needs {wanted}")
    return Endpoint(
        api_key=given["api_key"],
        space=given["space"],
        address={name: kind(given[name]) for name, kind in ADDRESSES.items() if name in given},
        project=given["project"],
        settle_s=float(given.get("settle_s", "60")),
    )


# Read once, before a fixture takes the settings of the person who runs the tests away.
HOSTED_ENDPOINT = hosted_endpoint(os.environ)


def vendor_client(endpoint: Endpoint, api_key: str | None = None) -> ArizeClient:
    return ArizeClient(api_key=api_key or endpoint.api_key, **endpoint.address)


def vendor_spans(endpoint: Endpoint, api_key: str | None, _: Callable[[], OldSdk]) -> SpansMethods:
    return vendor_client(endpoint, api_key).spans


def our_spans(endpoint: Endpoint, api_key: str | None, _: Callable[[], OldSdk]) -> SpansMethods:
    return spanduck.SpansClient(api_key=api_key or endpoint.api_key, **endpoint.address)


def old_spans(
    endpoint: Endpoint, api_key: str | None, old_sdk: Callable[[], OldSdk]
) -> SpansMethods:
    address = dict(endpoint.address)
    if "api_port" in address:
        # It has no such setting; what it has takes a port.
        address["api_host"] = f"{address['api_host']}:{address.pop('api_port')}"
    return old_sdk().connect(api_key=api_key or endpoint.api_key, **address)


def vendor_records(records: Iterable[dict[str, Any]]) -> list[Any]:
    return [AnnotateRecordInput.from_dict(record) for record in records]


def all_of_a_deletion(deleted: list[str], not_deleted: list[str]) -> object:
    return True, deleted, not_deleted


def nothing_of_a_deletion(deleted: list[str], not_deleted: list[str]) -> object:
    """Say what is told of a deletion that was done, before 8.37.1: nothing."""
    return None


@dataclass(frozen=True)
class ClientKind:
    """A row of the table of clients.

    Attributes:
        connect: Makes its span methods.
        key_refused: What it raises on an upload for a wrong key.
        call_failed: What it raises when a Flight call fails.
        rest_refused: What it raises when a REST call is refused; has a `status`.
        invalid: What it raises of rows that it does not send.
        annotate: Its name for annotating by id.
        records: Makes of records of annotations, as dictionaries, what it takes.
        told_of_deletion: What it is told of a deletion, from the ids deleted and not.
        page_spans: How many spans it asks for where no limit is given.
        time_error_ns: How far off it sends times that are no integers: the vendor's go through floats.
    """

    connect: Callable[[Endpoint, str | None, Callable[[], OldSdk]], SpansMethods]
    key_refused: type[Exception]
    call_failed: type[Exception]
    rest_refused: type[Exception]
    invalid: type[Exception]
    annotate: str = "annotate"
    records: Callable[[Iterable[dict[str, Any]]], list[Any]] = list
    told_of_deletion: Callable[[list[str], list[str]], object] = all_of_a_deletion
    page_spans: int = 50
    time_error_ns: int = 0


CLIENTS = {
    "vendor": ClientKind(
        vendor_spans,
        key_refused=AuthenticationError,
        call_failed=RuntimeError,
        rest_refused=ApiException,
        invalid=ValidationFailure,
        records=vendor_records,
        time_error_ns=1_000,
    ),
    "spanduck": ClientKind(
        our_spans,
        key_refused=exceptions.AuthenticationError,
        call_failed=exceptions.Error,
        rest_refused=exceptions.Error,
        invalid=exceptions.ValidationError,
    ),
    "vendor 8.30": ClientKind(
        old_spans,
        key_refused=OldAuthenticationError,
        call_failed=RuntimeError,
        rest_refused=OldApiError,
        invalid=OldValidationError,
        annotate="annotate_spans",
        told_of_deletion=nothing_of_a_deletion,
        page_spans=100,
        time_error_ns=1_000,
    ),
}
ON_HOSTED = " on the hosted service"
# The rows that are run: every client on the embedded server, and on a hosted service that is named.
ROWS = [*CLIENTS, *(name + ON_HOSTED for name in CLIENTS if HOSTED_ENDPOINT is not None)]


@dataclass(frozen=True)
class Client:
    """One client on one project of its own.

    Attributes:
        name: Its row.
        kind: What the row is.
        endpoint: The service.
        spans: Its span methods.
        space: Id of the space.
        project: Name of a project that no other test uses.
        window: Arguments that bound an export to the test data.
        folder: An empty folder.
    """

    name: str
    kind: ClientKind
    endpoint: Endpoint
    spans: SpansMethods
    space: str
    project: str
    window: dict[str, datetime]
    folder: Path

    @property
    def _target(self) -> dict[str, Any]:
        return {"space_id": self.space, "project_name": self.project}

    def log(
        self, spans: pd.DataFrame, evaluations: pd.DataFrame | None = None, **options: Any
    ) -> None:
        self.spans.log(**self._target, dataframe=spans, evals_dataframe=evaluations, **options)
        if self.endpoint.settle_s:
            self._wait_until_seen(spans)

    def _wait_until_seen(self, spans: pd.DataFrame) -> None:
        """Wait until a hosted service shows what was uploaded; the embedded one does at once."""
        sent = set(spans["context.span_id"])
        starts = pd.to_datetime(spans["start_time"], utc=True)
        window = {"start_time": starts.min(), "end_time": starts.max() + timedelta(seconds=1)}
        deadline = time.monotonic() + self.endpoint.settle_s
        while True:
            seen = self.export_to_df(columns=["context.span_id"], **window)
            if len(seen) and sent <= set(seen["context.span_id"]):
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {self.endpoint.settle_s:g} s the upload is not seen")
            time.sleep(1)

    def update_evaluations(self, rows: pd.DataFrame, **options: Any) -> tuple[int, set[str]]:
        """Return (records updated, unmatched ids) by Flight."""
        return _counts(self.spans.update_evaluations(**self._target, dataframe=rows, **options))

    def update_evaluations_by_http(self, rows: pd.DataFrame) -> None:
        self.spans.update_evaluations(**self._target, dataframe=rows, force_http=True)

    def update_annotations(self, rows: pd.DataFrame) -> tuple[int, set[str]]:
        """Return (records updated, unmatched ids)."""
        return _counts(self.spans.update_annotations(**self._target, dataframe=rows))

    def update_metadata(
        self, rows: pd.DataFrame, **options: Any
    ) -> tuple[int, int, dict[str, str]]:
        """Return how many rows were applied, how many failed, and why, by span."""
        answer = self.spans.update_metadata(**self._target, dataframe=rows, **options)
        errors = {error["span_id"]: error["error_message"] for error in answer.get("errors", [])}
        # The vendor's counts are text, and absent when zero.
        counts = [int(answer.get(name, "0")) for name in ("spans_updated", "spans_failed")]
        assert int(answer["spans_processed"]) == sum(counts) == len(rows)
        return counts[0], counts[1], errors

    def annotate(self, records: Iterable[dict[str, Any]], **options: Any) -> None:
        """Annotate by id; records as JSON would have them."""
        answer = getattr(self.spans, self.kind.annotate)(
            project=self.project,
            space=self.space,
            annotations=self.kind.records(records),
            **options,
        )
        assert answer is None

    def delete(self, ids: list[str], **window: Any) -> object:
        """Return what the client is told; `kind.told_of_deletion` says what that should be."""
        answer = self.spans.delete(project=self.project, space=self.space, span_ids=ids, **window)
        if answer is None:
            return None
        return answer.completed, list(answer.deleted_span_ids), list(answer.not_deleted_span_ids)

    def list(self, **options: Any) -> Any:
        """Return a page; `Any`, for each client has classes of its own."""
        arguments = {"project": self.project, "space": self.space, **self.window, **options}
        return self.spans.list(**arguments)

    def export_to_df(self, **options: Any) -> pd.DataFrame:
        arguments = {**self._target, **self.window, **options}
        frame: pd.DataFrame = self.spans.export_to_df(**arguments)
        return frame

    def export(self, **options: Any) -> pa.Table:
        """Return the export as it came over the wire, through the client's parquet file."""
        path = str(self.folder / f"{uuid4().hex}.parquet")
        arguments = {**self._target, **self.window, "path": path, **options}
        self.spans.export_to_parquet(**arguments)
        return pq.read_table(arguments["path"])

    def rows_by_id(self, **options: Any) -> dict[str, dict[str, Any]]:
        rows: list[dict[str, Any]] = self.export(**options).to_pylist()
        by_id = {row["context.span_id"]: row for row in rows}
        assert len(by_id) == len(rows), "a span came twice"
        return by_id


# `Any`: the vendor's is a dictionary, whose counts are text, and absent when zero.
def _counts(answer: Any) -> tuple[int, set[str]]:
    if isinstance(answer, dict):
        return int(answer.get("records_updated", "0")), set(answer.get("unmatched_ids", []))
    return answer.records_updated, set(answer.unmatched_ids)
