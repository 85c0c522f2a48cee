"""Generated spans are like the real ones that the reference tells of, and the same every time."""

from __future__ import annotations

import itertools
import json
import statistics
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from spanduck import _sample
from spanduck_sql.schema import UPLOAD_COLUMNS

NOW = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)
LIST_COLUMNS = [
    field.name
    for field in _sample.SCHEMA
    if pa.types.is_list(field.type) and field.name != "attributes.tag.tags"
]
JSON_COLUMNS = (
    "attributes.metadata",
    "attributes.llm.invocation_parameters",
    "attributes.llm.prompt_template.variables",
    "attributes.tool.parameters",
)


@pytest.fixture(scope="module")
def spans() -> pa.Table:
    return _sample.generate_table(40_000, now=NOW)


@pytest.fixture(scope="module")
def rows(spans: pa.Table) -> list[dict[str, object]]:
    """A few thousand rows as Python objects."""
    return list(spans.slice(0, 6_000).to_pylist())


def kinds(spans: pa.Table) -> list[str]:
    return list(spans["attributes.openinference.span.kind"].to_pylist())


def of_kind(spans: pa.Table, kind: str) -> pa.Table:
    return spans.filter(pc.equal(spans["attributes.openinference.span.kind"], kind))


def share(column: pa.ChunkedArray, value: object) -> float:
    return float(pc.mean(pc.cast(pc.equal(column, value), pa.float64())).as_py())


def test_the_number_of_spans_is_exact_and_batches_are_bounded() -> None:
    batches = list(_sample.generate(12_345, now=NOW, batch_rows=5_000))
    assert [len(batch) for batch in batches] == [5_000, 5_000, 2_345]
    assert all(batch.schema == _sample.SCHEMA for batch in batches)
    assert list(_sample.generate(0, now=NOW)) == []


def test_the_same_seed_and_time_give_the_same_spans_however_they_are_batched() -> None:
    one = pa.Table.from_batches(_sample.generate(9_000, seed=3, now=NOW, batch_rows=1_000))
    other = pa.Table.from_batches(_sample.generate(9_000, seed=3, now=NOW, batch_rows=7_000))
    assert one.equals(other)


def test_another_seed_gives_other_spans() -> None:
    one, other = (_sample.generate_table(2_000, seed=seed, now=NOW) for seed in (1, 2))
    ids = set(one["context.span_id"].to_pylist())
    assert ids.isdisjoint(other["context.span_id"].to_pylist())


def test_kinds_have_the_shares_of_the_reference(spans: pa.Table) -> None:
    wanted = {
        "LLM": 40,
        "TOOL": 13,
        "CHAIN": 10,
        "AGENT": 9,
        "EMBEDDING": 9,
        "RETRIEVER": 9,
        "GUARDRAIL": 5,
        "RERANKER": 3,
        "EVALUATOR": 1,
    }
    counts = Counter(kinds(spans))
    assert counts.keys() == wanted.keys()
    for kind, percent in wanted.items():
        assert 100 * counts[kind] / len(spans) == pytest.approx(percent, abs=1.2), kind


def test_a_trace_has_about_four_spans_and_shapes_have_their_weights(spans: pa.Table) -> None:
    roots = spans.filter(pc.is_null(spans["parent_id"]))
    assert len(spans) / len(roots) == pytest.approx(3.8, abs=0.2)
    names = Counter(
        name if kind != "LLM" else "chat"
        for name, kind in zip(roots["name"].to_pylist(), kinds(roots), strict=True)
    )
    wanted = {
        "chat": 0.30,
        "answer_question": 0.30,
        "support_agent": 0.20,
        "guarded_chat": 0.10,
        "supervisor": 0.05,
        "evaluate_helpfulness": 0.05,
    }
    assert names.keys() == wanted.keys()
    for name, weight in wanted.items():
        assert names[name] / len(roots) == pytest.approx(weight, abs=0.02), name


def test_parents_are_in_the_trace_and_cover_their_children(spans: pa.Table) -> None:
    columns = ("context.span_id", "context.trace_id", "parent_id", "start_time", "end_time")
    span_by_id = {}
    depth = {}
    for span_id, trace_id, parent_id, start, end in zip(
        *(spans[name].to_pylist() for name in columns), strict=True
    ):
        assert start <= end
        span_by_id[span_id] = (trace_id, start, end)
        depth[span_id] = 1
        if parent_id is not None:
            parent_trace, parent_start, parent_end = span_by_id[parent_id]
            assert parent_trace == trace_id
            assert parent_start <= start
            assert end <= parent_end
            depth[span_id] = depth[parent_id] + 1
    assert len(span_by_id) == len(spans)
    assert max(depth.values()) == 4


def test_times_lie_in_the_days_before_now_and_follow_the_hour_of_day(spans: pa.Table) -> None:
    starts = pc.cast(spans["start_time"], pa.timestamp("ns", "UTC"))
    assert pc.max(spans["end_time"]).as_py() < NOW.timestamp() * 1e9
    first = pc.min(starts).as_py()
    assert NOW - timedelta(days=31) < first.to_pydatetime() < NOW - timedelta(days=29)
    hours = Counter(pc.hour(starts).to_pylist())
    assert hours[14] > 5 * hours[3]
    days = Counter(pc.day_of_week(starts).to_pylist())  # Monday is 0
    assert (days[5] + days[6]) / 2 < 0.6 * statistics.mean(days[day] for day in range(5))


def test_latency_of_language_models_is_first_token_plus_tokens(spans: pa.Table) -> None:
    llm = of_kind(spans, "LLM")
    llm = llm.filter(pc.not_equal(llm["status_code"], "ERROR"))
    ms = pc.divide(pc.subtract(llm["end_time"], llm["start_time"]), 1_000_000)
    first = pc.subtract(ms, pc.multiply(llm["attributes.llm.token_count.completion"], 9))
    assert pc.approximate_median(first).as_py() == pytest.approx(380, rel=0.15)
    assert share(pc.greater(ms, 9_000), value=True) == pytest.approx(0.013, abs=0.008)


def test_failures_have_their_shares_their_exceptions_and_their_events(spans: pa.Table) -> None:
    llm, tools = of_kind(spans, "LLM"), of_kind(spans, "TOOL")
    assert share(llm["status_code"], "ERROR") == pytest.approx(0.025, abs=0.006)
    # 5 % fail on their own, the repeated ones of the agent loops come on top.
    assert share(tools["status_code"], "ERROR") == pytest.approx(0.105, abs=0.025)
    failed = spans.filter(pc.equal(spans["status_code"], "ERROR"))
    for column in ("status_message", "attributes.exception.type", "attributes.exception.message"):
        assert failed[column].null_count == 0
        assert spans[column].null_count == len(spans) - len(failed)
    for events in failed["events"].to_pylist():
        event = json.loads(events[-1])
        assert event["name"] == "exception"
        assert "exception.type" in json.loads(event["attributes"])
    assert spans["events"].null_count == 0


def test_six_of_ten_failures_reach_the_root(spans: pa.Table) -> None:
    parent_by_id = dict(
        zip(spans["context.span_id"].to_pylist(), spans["parent_id"].to_pylist(), strict=True)
    )
    status = dict(
        zip(spans["context.span_id"].to_pylist(), spans["status_code"].to_pylist(), strict=True)
    )
    llm = of_kind(spans, "LLM")
    failed = llm.filter(
        pc.and_(pc.equal(llm["status_code"], "ERROR"), pc.is_valid(llm["parent_id"]))
    )
    reached = [
        status[parent_by_id[span_id]] == "ERROR"
        for span_id in failed["context.span_id"].to_pylist()
    ]
    assert statistics.mean(reached) == pytest.approx(0.6, abs=0.1)


def test_a_part_of_the_agent_loops_repeats_a_failed_tool_call(spans: pa.Table) -> None:
    tools = of_kind(spans, "TOOL")
    calls = defaultdict(list)
    columns = ("context.trace_id", "attributes.tool.name", "attributes.input.value", "status_code")
    for trace_id, name, value, status in zip(
        *(tools[column].to_pylist() for column in columns), strict=True
    ):
        calls[trace_id].append((name, value, status))
    repeated = sum(
        any(a[:2] == b[:2] and a[2] == "ERROR" for a, b in itertools.pairwise(of))
        for of in calls.values()
    )
    loops = pc.sum(pc.equal(spans["name"], "support_agent")).as_py()
    assert repeated / loops == pytest.approx(0.15, abs=0.03)


def test_tokens_and_cost_are_plausible(spans: pa.Table) -> None:
    llm = of_kind(spans, "LLM")
    prompt = llm["attributes.llm.token_count.prompt"]
    completion = llm["attributes.llm.token_count.completion"]
    assert pc.approximate_median(prompt).as_py() == pytest.approx(420, rel=0.08)
    assert pc.approximate_median(completion).as_py() == pytest.approx(130, rel=0.08)
    assert pc.add(prompt, completion).equals(llm["attributes.llm.token_count.total"])
    assert pc.min(llm["attributes.llm.cost.total"]).as_py() > 0
    assert llm["attributes.llm.cost.total"].null_count == 0
    models = Counter(llm["attributes.llm.model_name"].to_pylist())
    assert len(models) == 5
    assert max(models.values()) > 5 * min(models.values())


def test_a_fifth_of_the_language_model_calls_asks_for_json_and_few_answer_otherwise(
    spans: pa.Table,
) -> None:
    llm = of_kind(spans, "LLM")
    asks = pc.match_substring(llm["attributes.llm.invocation_parameters"], "response_format")
    assert share(asks, value=True) == pytest.approx(0.20, abs=0.02)
    outputs = llm.filter(asks)["attributes.output.value"].drop_null().to_pylist()
    broken = sum(not is_json(text) for text in outputs)
    assert broken / len(outputs) == pytest.approx(0.04, abs=0.015)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_what_should_be_json_is_json(rows: list[dict[str, object]]) -> None:
    for row in rows:
        for column in JSON_COLUMNS:
            value = row[column]
            assert value is None or isinstance(json.loads(str(value)), dict)
        for column in LIST_COLUMNS:
            values = row[column] or []
            assert isinstance(values, list)
            assert all(isinstance(json.loads(value), dict) for value in values)
        if row["attributes.input.mime_type"] == "application/json":
            json.loads(str(row["attributes.input.value"]))


def test_messages_are_a_conversation(rows: list[dict[str, object]]) -> None:
    for row in rows:
        if row["attributes.openinference.span.kind"] != "LLM":
            assert row["attributes.llm.input_messages"] is None
            continue
        texts = row["attributes.llm.input_messages"]
        assert isinstance(texts, list)
        messages = [json.loads(text) for text in texts]
        roles = [message["message.role"] for message in messages]
        assert roles[0] == "system"
        assert "user" in roles
        for before, message in itertools.pairwise(messages):
            if message["message.role"] == "tool":
                call = before["message.tool_calls"][0]
                json.loads(call["tool_call.function.arguments"])


def test_documents_have_falling_scores_and_metadata_encoded_as_the_wire_does(
    rows: list[dict[str, object]],
) -> None:
    for row in rows:
        texts = row["attributes.retrieval.documents"]
        if texts is None:
            continue
        assert isinstance(texts, list)
        documents = [json.loads(text) for text in texts]
        scores = [document["document.score"] for document in documents]
        assert 3 <= len(documents) <= 5
        assert scores == sorted(scores, reverse=True)
        assert "source" in json.loads(documents[0]["document.metadata"])


def test_metadata_has_the_join_keys_and_a_key_that_only_some_have(
    rows: list[dict[str, object]],
) -> None:
    metadata = [json.loads(str(row["attributes.metadata"])) for row in rows]
    assert all({"tenant_id", "order_id", "env", "version"} <= value.keys() for value in metadata)
    some = sum("experiment" in value for value in metadata) / len(metadata)
    assert 0.05 < some < 0.3


def test_few_texts_are_not_ascii(spans: pa.Table) -> None:
    questions = spans.filter(pc.is_null(spans["parent_id"]))["attributes.input.value"]
    ascii_share = pc.mean(pc.cast(pc.string_is_ascii(questions), pa.float64())).as_py()
    assert 1 - ascii_share == pytest.approx(0.01, abs=0.006)


def test_a_row_takes_about_two_kilobytes_and_a_language_model_row_four(spans: pa.Table) -> None:
    assert spans.nbytes / len(spans) == pytest.approx(2_100, rel=0.1)
    llm = of_kind(spans, "LLM").combine_chunks()
    assert llm.nbytes / len(llm) == pytest.approx(4_000, rel=0.1)


def test_users_are_many_and_skewed_and_sessions_belong_to_an_hour(spans: pa.Table) -> None:
    users = Counter(spans["attributes.user.id"].to_pylist())
    assert 1_000 < len(users) <= 5_000
    assert users.most_common(1)[0][1] > 20 * statistics.median(users.values())
    hours = defaultdict(set)
    roots = spans.filter(pc.is_null(spans["parent_id"]))
    for session, start in zip(
        roots["attributes.session.id"].to_pylist(), roots["start_time"].to_pylist(), strict=True
    ):
        hours[session].add(start // 3_600_000_000_000)
    assert max(map(len, hours.values())) == 1


def test_limits_of_the_upload_are_kept(spans: pa.Table) -> None:
    for column in UPLOAD_COLUMNS:
        if column.max_length is not None and column.name in spans.schema.names:
            longest = pc.max(pc.utf8_length(spans[column.name])).as_py()
            assert longest <= column.max_length, column.name
    assert set(pc.utf8_length(spans["context.span_id"]).to_pylist()) == {16}
    assert set(pc.utf8_length(spans["context.trace_id"]).to_pylist()) == {32}


def test_evaluations_belong_to_some_spans_and_depend_on_nothing_but_them(spans: pa.Table) -> None:
    batch = spans.combine_chunks().to_batches()[0]
    evaluations = _sample.evaluations(batch)
    assert evaluations.schema == _sample.EVALUATIONS
    llm = len(of_kind(spans, "LLM"))
    assert len(evaluations) / llm == pytest.approx(0.12, abs=0.01)
    half = _sample.evaluations(batch.slice(0, 1_000))
    assert half.equals(evaluations.slice(0, len(half)))
    assert set(half["context.span_id"].to_pylist()) <= set(spans["context.span_id"].to_pylist())
    assert half["eval.Helpfulness.label"].null_count == 0
    assert 0 < evaluations["eval.Groundedness.label"].null_count < len(evaluations)


def test_an_empty_batch_has_no_evaluations() -> None:
    batch = next(_sample.generate(10, now=NOW)).slice(0, 0)
    assert len(_sample.evaluations(batch)) == 0
