from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from spanduck._config import LocalSettings
from spanduck._scan import schema_cache
from spanduck._scan.planner import ScanRequest, is_unbounded, plan_scan
from spanduck._scan.scan import delivered_schema, export_command
from spanduck._scan.schema_cache import ProjectSchema, declared_schema
from spanduck._scan.window import microseconds, sent_window
from spanduck.exceptions import ConfigError
from spanduck_sql.expressions import (
    TIMESTAMP_TZ,
    And,
    Compare,
    Comparison,
    IsNull,
    Literal,
    Not,
    any_of,
)
from spanduck_sql.plan import WIRE_NAME_KEY, wire_name
from spanduck_sql.pushdown import (
    NAN_FIELD_KEY,
    NAN_STORED,
    WIRE_KIND_KEY,
    Window,
    with_generated,
)
from spanduck_sql.schema import CORE_TYPES, JSON_TYPE, LIST_DICT_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 4, 5, 6, 7, 8, tzinfo=UTC)
SETTINGS = LocalSettings()
WIRE = pa.schema(
    [
        ("time", pa.timestamp("ms", "UTC")),
        ("start_time", pa.int64()),
        ("eval.Q.score", pa.float64()),
        ("attributes.b", pa.string()),
        ("attributes.Env", pa.string()),
        ("attributes.env", pa.string()),
        ("attributes.metadata", pa.string()),
    ]
)


def request(window: Window | None = None) -> ScanRequest:
    return ScanRequest("p", "s", declared_schema(WIRE), window or Window())


def start(op: str, at: int) -> Compare:
    return Compare(Comparison(op), "start_time", Literal(at, TIMESTAMP_TZ))


def test_an_open_window_is_every_span_the_service_may_hold() -> None:
    assert sent_window(Window(), NOW) == (
        datetime(2026, 3, 4, tzinfo=UTC) - timedelta(days=1826),
        datetime(2026, 3, 4, tzinfo=UTC) + timedelta(days=367),
    )


def test_a_bound_is_widened_to_the_whole_second() -> None:
    at = microseconds(NOW)
    assert sent_window(Window(at, at), NOW) == (
        datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        datetime(2026, 3, 4, 5, 6, 8, tzinfo=UTC),
    )
    whole = microseconds(NOW.replace(microsecond=0))
    assert sent_window(Window(whole, whole), NOW) == (NOW.replace(microsecond=0),) * 2


def test_a_bound_before_1970_is_rounded_outwards() -> None:
    assert sent_window(Window(-1, -1), NOW) == (
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
    )


def test_a_bound_outside_the_calendar_is_its_end() -> None:
    sent = sent_window(Window(-(2**63), 2**63 - 1), NOW)
    assert sent == (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))


def test_the_declared_schema_is_core_first_then_groups_by_name() -> None:
    schema = declared_schema(WIRE)
    assert schema.names == [
        *CORE_TYPES,
        "attributes.Env",
        "attributes.b",
        "attributes.env~2",
        "attributes.metadata",
        "eval.Q.score",
    ]
    field = schema.field("attributes.env~2")
    assert field.metadata == {WIRE_NAME_KEY: b"attributes.env"}
    assert wire_name(field) == "attributes.env"
    assert schema.field("attributes.metadata").type == JSON_TYPE


def test_no_declared_type_disables_pushdown() -> None:
    kinds = [pa.string_view(), pa.list_view(pa.string()), pa.large_string(), pa.null(),
             pa.dictionary(pa.int32(), pa.string()), pa.struct([("a", pa.int64())])]  # fmt: skip
    fields = [(f"attributes.x{index}", kind) for index, kind in enumerate(kinds)]
    fields += [(name, pa.list_view(pa.string_view())) for name in LIST_DICT_COLUMNS]
    for field in declared_schema(pa.schema(fields)):
        assert "view" not in str(field.type)


def test_a_plan_asks_for_what_is_read_and_no_more() -> None:
    plan = plan_scan(
        request(Window(10**15 + 1, None)),
        ["attributes.env~2"],
        [start("<", 2 * 10**15), Compare(Comparison.EQ, "name", Literal("x", "VARCHAR"))],
        settings=SETTINGS,
        now=NOW,
    )
    assert plan.columns == ("attributes.env~2",)
    assert plan.wire_columns == ("attributes.env", "start_time", "name")
    assert delivered_schema(plan).names == ["attributes.env~2"]
    assert str(plan.residual) == (
        "(\"start_time\" >= TIMESTAMPTZ '2001-09-09 01:46:40.000001+00:00'"
        " AND \"start_time\" < TIMESTAMPTZ '2033-05-18 03:33:20+00:00' AND \"name\" = 'x')"
    )
    assert plan.filter_text == "name = 'x'"
    assert plan.not_pushed == ()
    command = export_command(plan)
    assert command.start_time == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    assert command.end_time == datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)


def test_a_plan_without_columns_asks_for_one() -> None:
    plan = plan_scan(request(), [], [], settings=SETTINGS, now=NOW)
    assert plan.wire_columns == ("start_time",)
    assert is_unbounded(plan, NOW)


def test_a_plan_survives_pickling_and_prints() -> None:
    plan = plan_scan(request(), ["name"], [start(">", 5)], settings=SETTINGS, now=NOW)
    assert pickle.loads(pickle.dumps(plan)) == plan  # noqa: S301 - our own
    shown = plan.to_dict()
    assert shown["columns"] == ["name"]
    assert shown["residual"] == "\"start_time\" > TIMESTAMPTZ '1970-01-01 00:00:00.000005+00:00'"
    assert not is_unbounded(plan, NOW)


def test_contradicting_bounds_are_an_empty_plan() -> None:
    for window, predicate in (
        (Window(20, 10), None),
        (Window(5, 6), start(">", 5)),
        (Window(None, 5), start(">=", 5)),
    ):
        conjuncts = [] if predicate is None else [predicate]
        plan = plan_scan(request(window), ["name"], conjuncts, settings=SETTINGS, now=NOW)
        assert plan.is_empty


NAMED = Compare(Comparison.EQ, "name", Literal("x", "VARCHAR"))
FILTERED = ScanRequest("p", "s", declared_schema(WIRE), filter_text="parent_id=null OR name = 'y'")


def test_the_callers_filter_is_sent_as_it_is_when_nothing_is_added() -> None:
    plan = plan_scan(FILTERED, ["name"], [start(">", 5)], settings=SETTINGS, now=NOW)
    assert plan.filter_text == plan.given_filter == "parent_id=null OR name = 'y'"
    assert not plan.is_generated


def test_what_the_engine_asks_for_is_added_to_the_callers_filter() -> None:
    plan = plan_scan(FILTERED, ["name"], [NAMED, start(">", 5)], settings=SETTINGS, now=NOW)
    assert plan.filter_text == "(parent_id IS NULL OR name = 'y') AND (name = 'x')"
    assert plan.given_filter == "parent_id=null OR name = 'y'"
    assert plan.without_generated().filter_text == plan.given_filter
    assert plan.to_dict()["given_filter"] == plan.given_filter
    assert NAMED in (plan.residual.operands if isinstance(plan.residual, And) else ())


def test_a_statements_part_travels_without_its_mark_and_once() -> None:
    text = with_generated("parent_id = null", any_of((NAMED, IsNull("status_code"))))
    asked = ScanRequest("p", "s", declared_schema(WIRE), filter_text=text)
    repeated = [NAMED, any_of((NAMED, IsNull("status_code"))), IsNull("parent_id")]
    plan = plan_scan(asked, ["name"], repeated, settings=SETTINGS, now=NOW)
    assert plan.filter_text == (
        "(parent_id IS NULL) AND ((name = 'x' OR status_code IS NULL) AND name = 'x')"
    )
    assert plan.given_filter == "parent_id IS NULL"
    alone = ScanRequest("p", "s", declared_schema(WIRE), filter_text=with_generated("", NAMED))
    plan = plan_scan(alone, ["name"], [], settings=SETTINGS, now=NOW)
    assert (plan.given_filter, plan.filter_text) == ("", "name = 'x'")


def test_nothing_is_added_to_a_filter_that_cannot_be_read() -> None:
    asked = ScanRequest("p", "s", declared_schema(WIRE), filter_text="who knows?")
    plan = plan_scan(asked, ["name"], [NAMED, start(">", 5)], settings=SETTINGS, now=NOW)
    assert plan.filter_text == plan.given_filter == "who knows?"
    assert [text for text, _ in plan.not_pushed] == [str(NAMED)]
    assert "sent as it is written" in plan.not_pushed[0][1]
    assert not is_unbounded(plan, NOW)


def test_nothing_is_added_to_a_sample_nor_to_what_was_refused() -> None:
    marked = with_generated("parent_id = null", NAMED)
    sampled = ScanRequest("p", "s", declared_schema(WIRE), filter_text=marked, sample_rate=0.5)
    asked = ScanRequest("p", "s", declared_schema(WIRE), filter_text=marked)
    refused = "(parent_id IS NULL) AND (name = 'x' AND status_code IS NULL)"
    predicates = [IsNull("status_code"), start(">", 5)]
    for one, word in ((sampled, "sample_rate"), (asked, "refused")):
        plan = plan_scan(
            one, ["name"], predicates, settings=SETTINGS, now=NOW, is_refused=refused.__eq__
        )
        assert plan.filter_text == plan.given_filter == "parent_id IS NULL"
        assert [predicate for predicate, _ in plan.not_pushed] == [str(IsNull("status_code"))]
        assert word in plan.not_pushed[0][1]
        assert plan.start_time == datetime(1970, 1, 1, tzinfo=UTC)


def test_what_is_implied_is_sent_and_not_applied_again() -> None:
    implied = [any_of((Not(IsNull("eval.Q.score")), Not(IsNull("attributes.b")))), IsNull("nobody")]
    plan = plan_scan(request(), ["name"], [NAMED], settings=SETTINGS, now=NOW, implied=implied)
    assert plan.filter_text == (
        "name = 'x' AND (eval.Q.score IS NOT NULL OR attributes.b IS NOT NULL)"
    )
    assert plan.residual == NAMED
    assert plan.not_pushed == ()


def test_a_conservative_plan_sends_less() -> None:
    careful = LocalSettings(pushdown="conservative")
    predicates = [Compare(Comparison.NE, "name", Literal("x", "VARCHAR"))]
    assert plan_scan(request(), ["name"], predicates, settings=SETTINGS, now=NOW).filter_text
    plan = plan_scan(request(), ["name"], predicates, settings=careful, now=NOW)
    assert plan.filter_text == ""
    assert "conservative" in plan.not_pushed[0][1]


def test_the_declared_schema_tells_what_the_service_holds() -> None:
    wire = pa.schema(
        [
            pa.field("attributes.x", pa.float64(), metadata={NAN_FIELD_KEY: NAN_STORED}),
            pa.field("attributes.f", pa.float32()),
            pa.field("attributes.llm.token_count.total", pa.float64()),
            pa.field("eval.Q.score", pa.string()),
            pa.field("attributes.d", pa.dictionary(pa.int32(), pa.string())),
            pa.field("attributes.session.id", pa.int64()),
            pa.field("attributes.n", pa.int32()),
        ]
    )
    declared = declared_schema(wire)
    found = {item.name: item.metadata for item in declared if item.name in wire.names}
    assert found == {
        "attributes.x": {NAN_FIELD_KEY: NAN_STORED},
        "attributes.f": {WIRE_KIND_KEY: b"other"},
        "attributes.llm.token_count.total": {WIRE_KIND_KEY: b"double"},
        "eval.Q.score": {WIRE_KIND_KEY: b"text"},
        "attributes.d": None,
        "attributes.session.id": {WIRE_KIND_KEY: b"integer"},
        "attributes.n": None,
    }


def test_a_required_window_may_come_from_a_predicate() -> None:
    strict = LocalSettings(require_window=True)
    with pytest.raises(ConfigError, match="require_window"):
        plan_scan(request(), ["name"], [], settings=strict, now=NOW)
    plan_scan(request(), ["name"], [start(">", 5)], settings=strict, now=NOW)


def test_what_the_service_holds_is_remembered_in_the_file(tmp_path: Path) -> None:
    wire = pa.schema([pa.field("attributes.x", pa.float64(), metadata={NAN_FIELD_KEY: NAN_STORED})])
    entry = schema_cache._Entry(ProjectSchema(wire, declared_schema(wire), 5), 1.0)
    schema_cache._write(tmp_path / "schemas" / "x.arrow", entry)
    again = schema_cache._read(tmp_path / "schemas" / "x.arrow")
    assert again == entry
    assert again.schema.declared.field("attributes.x").metadata == {NAN_FIELD_KEY: NAN_STORED}
