"""Lists of spans, asked for on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    import pyarrow as pa


class Lists:
    """Lists of a project of its own."""

    def __init__(self, caller: Any, tools: Any) -> None:
        self.caller = caller
        self.tools = tools
        self.project = f"project {uuid4().hex[:12]}"

    def upload(self, count: int = 10, **columns: Any) -> pa.Table:
        """Upload spans with further columns; `first` is the number of the first one."""
        table: pa.Table = self.tools.spans(count, **columns)
        self.caller.upload(table, self.project)
        return table

    @property
    def project_id(self) -> str:
        found = self.caller.rest.get("/v2/projects", params={"name": self.project}).json()
        project_id: str = found["projects"][0]["id"]
        return project_id

    def post(self, params: dict[str, Any] | None = None, **body: Any) -> Any:
        body = {"project_id": self.project_id, **body}
        return self.caller.rest.post("/v2/spans", params=params or {}, json=body)

    def page(self, params: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
        answer = self.post(params, **body)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    def one(self, **body: Any) -> dict[str, Any]:
        (span,) = self.page(**body)["spans"]
        return dict(span)

    def ids(self, params: dict[str, Any] | None = None, **body: Any) -> list[str]:
        return [span["context"]["span_id"] for span in self.page(params, **body)["spans"]]

    def walk(self, limit: int, **body: Any) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            page = self.page({"limit": limit, **({"cursor": cursor} if cursor else {})}, **body)
            found += [span["context"]["span_id"] for span in page["spans"]]
            cursor = page["pagination"].get("next_cursor")
            assert page["pagination"]["has_more"] == (cursor is not None)
            if cursor is None:
                return found

    @staticmethod
    def named(*numbers: int) -> list[str]:
        """Return the ids of spans by their numbers."""
        return [f"span-{number:012d}" for number in numbers]

    @staticmethod
    def iso(nanoseconds: int) -> str:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1_000)
        return moment.isoformat().replace("+00:00", "Z")

    def another(self) -> Lists:
        """Return the lists of another project at the same server."""
        return Lists(self.caller, self.tools)


@pytest.fixture
def lists(caller: Any, tools: Any) -> Lists:
    return Lists(caller, tools)
