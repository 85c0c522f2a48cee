"""`SpansClient.log` on a server of its own."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.integration.client.rows import NOW, spans

import spanduck
from spanduck import SpansClient
from spanduck._upload import parts
from spanduck.exceptions import (
    RejectedError,
    UnknownProjectError,
    ValidationError,
)

if TYPE_CHECKING:
    from pathlib import Path


class TestUploads:
    def test_what_was_logged_comes_back(self, client: SpansClient, project: str) -> None:
        frame = pd.DataFrame(
            {
                **spans(3).to_pandas(),
                "span_kind": "LLM",
                "attributes.metadata": [{"a": 1, "d": {"z": "ü"}}, None, {}],
                "attributes.llm.input_messages": [[{"message.role": "user"}], None, []],
            }
        )
        response = client.log(project_name=project, dataframe=frame)
        assert (response.status_code, response.spans, response.calls) == (200, 3, 1)
        back = client.export_to_df(project_name=project).set_index("context.span_id").sort_index()
        assert back["attributes.metadata"].tolist() == [{"a": 1, "d": '{"z": "ü"}'}, None, {}]
        assert back["attributes.llm.input_messages"].tolist() == [
            [{"message.role": "user"}],
            [],
            [],
        ]
        assert back["attributes.openinference.span.kind"].tolist() == ["LLM"] * 3
        assert back["start_time"].iloc[0] == pd.Timestamp(NOW).tz_localize(None)

    @pytest.mark.parametrize(
        "source", ["table", "reader", "batch", "relation", "stream", "frame", "polars-like"]
    )
    def test_anything_that_holds_rows_is_taken(
        self, client: SpansClient, project: str, source: str
    ) -> None:
        table = spans(20)

        class Stream:
            def __arrow_c_stream__(self, requested_schema: object = None) -> object:
                return views.__arrow_c_stream__(requested_schema)

        views = pa.table(
            {
                name: column.cast(pa.string_view()) if column.type == pa.string() else column
                for name, column in zip(table.column_names, table.columns, strict=True)
            }
        )
        con = duckdb.connect()
        data: Any = {
            "table": table,
            "reader": table.to_reader(7),
            "batch": table.to_batches()[0],
            "relation": con.from_arrow(table),
            "stream": Stream(),
            "frame": table.to_pandas(),
            "polars-like": views,
        }[source]
        assert client.log(project=project, dataframe=data).spans == 20
        back = client.export(project=project).read_all().sort_by("context.span_id")
        for name in table.column_names:
            assert back.column(name).to_pylist() == table.column(name).to_pylist()

    def test_what_spans_returns_can_be_logged_again(
        self, client: SpansClient, project: str
    ) -> None:
        given = spans(
            5,
            **{
                "attributes.metadata": ['{"a": 1}', "", None, "{}", '{"b": [1]}'],
                "attributes.llm.input_messages": [['{"message.role": "user"}'], [], None, [], []],
                "attributes.llm.token_count.total": [1, 2, None, 4, 5],
            },
        )
        client.log(project_name=project, dataframe=given)
        con = spanduck.connect()
        relation = con.sql("FROM spans(?)", params=[project])
        copy = f"{project}-copy"
        assert client.log(project_name=copy, dataframe=relation).spans == 5
        before, after = (
            client.export(project_name=name).read_all().sort_by("context.span_id")
            for name in (project, copy)
        )
        assert after.column("start_time").equals(before.column("start_time"))
        assert after.column("attributes.llm.input_messages").to_pylist() == [
            ['{"message.role": "user"}'], [], [], [], []
        ]  # fmt: skip
        assert after.column("attributes.llm.token_count.total").to_pylist() == [1, 2, None, 4, 5]
        con.close()

    def test_large_uploads_go_in_several_calls(
        self, client: SpansClient, project: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parts, "PART_ROWS", 1_000)
        response = client.log(project_name=project, dataframe=spans(2_500))
        assert (response.spans, response.calls) == (2_500, 3)
        assert client.export(project_name=project).read_all().num_rows == 2_500

    def test_evaluations_go_along(self, client: SpansClient, project: str) -> None:
        evaluations = pa.table(
            {
                "context.span_id": ["span-000000000001", "span-000000000003"],
                "eval.Quality.label": ["good", None],
                "eval.Quality.score": [0.5, 1.0],
            }
        )
        response = client.log(project_name=project, dataframe=spans(5), evals_dataframe=evaluations)
        assert (response.spans, response.evaluations) == (5, 2)
        back = client.export(project_name=project).read_all().sort_by("context.span_id")
        assert back.column("eval.Quality.label").to_pylist() == [None, "good", None, None, None]
        assert back.column("eval.Quality.score").to_pylist() == [None, 0.5, None, 1.0, None]

    def test_evaluations_of_other_spans_are_told(self, client: SpansClient, project: str) -> None:
        evaluations = pa.table(
            {"context.span_id": ["span-of-another"], "eval.Quality.label": ["good"]}
        )
        with pytest.warns(UserWarning, match="1 rows of evals_dataframe.*span-of-another") as told:
            response = client.log(
                project_name=project, dataframe=spans(2), evals_dataframe=evaluations
            )
        assert response.evaluations == 0
        assert told[0].filename == __file__

    def test_columns_that_are_not_sent_are_told(self, client: SpansClient, project: str) -> None:
        table = spans(2, **{"cost": [1.0, 2.0], "eval.Q.label": ["a", "b"]})
        with pytest.warns(UserWarning, match="not sent") as told:
            client.log(project_name=project, dataframe=table)
        messages = [str(warning.message) for warning in told]
        assert len(messages) == 2
        assert "cost" in messages[0]
        assert "eval.Q.label" in messages[1]
        assert {warning.filename for warning in told} == {__file__}
        assert "cost" not in client.export(project_name=project).schema.names

    def test_every_problem_is_told_and_nothing_is_sent(
        self, client: SpansClient, project: str
    ) -> None:
        table = spans(30_000)
        names = table.column("name").to_pylist()
        names[25_000] = "x" * 51
        table = table.set_column(2, "name", pa.array(names)).drop_columns(["context.trace_id"])
        with pytest.raises(ValidationError) as caught:
            client.log(project_name=project, dataframe=table)
        error = caught.value
        assert [problem.split(":")[0] for problem in error.problems] == [
            "context.trace_id",
            "name, row 25000",
        ]
        with pytest.raises(UnknownProjectError):
            client.export(project_name=project)

    def test_a_column_of_no_common_type_is_one_problem(
        self, client: SpansClient, project: str
    ) -> None:
        frame = spans(2).to_pandas()
        frame["start_time"] = pd.Series([{"a": 1}, NOW], dtype=object)
        with pytest.raises(ValidationError) as caught:
            client.log(project_name=project, dataframe=frame)
        [problem] = caught.value.problems
        assert problem.startswith("start_time: its values have no common Arrow type")

    def test_without_validation_the_service_judges(self, client: SpansClient, project: str) -> None:
        table = spans(2).set_column(2, "name", pa.array(["x" * 80, "y"]))
        client.log(project_name=project, dataframe=table, validate=False)
        back = client.export(project_name=project).read_all()
        assert sorted(back.column("name").to_pylist()) == ["x" * 80, "y"]
        with pytest.raises(RejectedError, match="start_time"):
            client.log(
                project_name=project,
                dataframe=table.drop_columns(["start_time"]),
                validate=False,
            )

    def test_bodies_are_written_where_they_should_and_removed(
        self, client: SpansClient, project: str, tmp_path: Path
    ) -> None:
        folder = tmp_path / "bodies"
        folder.mkdir()
        client.log(project_name=project, dataframe=spans(2), tmp_dir=str(folder))
        assert list(folder.iterdir()) == []
        client.log(project_name=project, dataframe=spans(2), tmp_dir=str(folder / "x.arrow"))
        with pa.ipc.open_stream((folder / "x.arrow").read_bytes()) as reader:
            assert reader.read_all().num_rows == 2

    def test_threads_may_log_at_once(self, client: SpansClient, project: str) -> None:
        failed: list[BaseException] = []

        def log(number: int) -> None:
            metadata = pa.array([f'{{"from": {number}}}'] * 3_000)
            table = spans(3_000, **{"attributes.metadata": metadata})
            try:
                client.log(project_name=f"{project}-{number}", dataframe=table)
            except BaseException as exc:  # noqa: BLE001 - told below
                failed.append(exc)

        threads = [threading.Thread(target=log, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        for number in range(4):
            back = client.export(project_name=f"{project}-{number}").read_all()
            metadata = back.column("attributes.metadata").unique().to_pylist()
            assert [json.loads(text) for text in metadata] == [{"from": number}]
            assert back.num_rows == 3_000

    def test_progress_is_shown_on_stderr_when_asked_for(
        self, client: SpansClient, project: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with SpansClient(progress=True) as talkative:
            talkative.log(project_name=project, dataframe=spans(10))
            talkative.export_to_df(project_name=project)
        shown = capfd.readouterr()
        assert shown.out == ""
        assert "spans" in shown.err

    def test_a_frame_of_no_rows_is_sent(self, client: SpansClient, project: str) -> None:
        assert client.log(project_name=project, dataframe=spans(0)).spans == 0

    def test_the_frame_of_the_caller_is_not_changed(
        self, client: SpansClient, project: str
    ) -> None:
        frame = spans(3).to_pandas().set_index("context.span_id")
        frame["events"] = [[{"name": "e", "attributes": {"a": np.int64(1)}}]] * 3
        before = frame.copy(deep=True)
        client.log(project_name=project, dataframe=frame)
        pd.testing.assert_frame_equal(frame, before)
