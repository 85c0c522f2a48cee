from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from spanduck._config import LocalSettings
from spanduck._scan.planner import ScanRequest, is_unbounded, plan_scan
from spanduck._scan.scan import delivered_schema, export_command
from spanduck._scan.schema_cache import declared_schema
from spanduck._scan.window import microseconds, sent_window
from spanduck.exceptions import ConfigError
from spanduck_sql.expressions import TIMESTAMP_TZ, Compare, Comparison, Literal
from spanduck_sql.plan import WIRE_NAME_KEY, wire_name
from spanduck_sql.pushdown import Window
from spanduck_sql.schema import CORE_TYPES, JSON_TYPE, LIST_DICT_COLUMNS

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
    assert plan.not_pushed == (
        ("\"name\" = 'x'", "only bounds on start_time travel; applied to the arriving batches"),
    )
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


def test_a_required_window_may_come_from_a_predicate() -> None:
    strict = LocalSettings(require_window=True)
    with pytest.raises(ConfigError, match="require_window"):
        plan_scan(request(), ["name"], [], settings=strict, now=NOW)
    plan_scan(request(), ["name"], [start(">", 5)], settings=strict, now=NOW)
