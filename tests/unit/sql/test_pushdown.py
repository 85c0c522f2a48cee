from __future__ import annotations

import pickle
from typing import Any

import pyarrow as pa
import pytest

from spanduck_sql.expressions import (
    TIMESTAMP_TZ,
    AlwaysTrue,
    And,
    Between,
    Compare,
    Comparison,
    Contains,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Opaque,
    Or,
    Predicate,
)
from spanduck_sql.language.parser import parse
from spanduck_sql.language.printer import to_text
from spanduck_sql.plan import WIRE_NAME_KEY
from spanduck_sql.pushdown import (
    GENERATED_MARK,
    NAN_FIELD_KEY,
    NAN_STORED,
    WIRE_KIND_KEY,
    Window,
    inclusive,
    push_down,
    sent_text,
    split_generated,
    with_generated,
)
from spanduck_sql.schema import CORE_TYPES, JSON_TYPE
from spanduck_sql.visitors import push_not_down

SCHEMA = pa.schema(
    [
        *(pa.field(name, kind) for name, kind in CORE_TYPES.items()),
        pa.field("attributes.n", pa.int64()),
        pa.field("attributes.d", pa.float64()),
        pa.field("attributes.nan", pa.float64(), metadata={NAN_FIELD_KEY: NAN_STORED}),
        pa.field("attributes.counts", pa.int64(), metadata={WIRE_KIND_KEY: b"double"}),
        pa.field("attributes.converted", pa.string(), metadata={WIRE_KIND_KEY: b"integer"}),
        pa.field("attributes.flag", pa.bool_()),
        pa.field("attributes.at", pa.timestamp("us", "UTC")),
        pa.field("attributes.price", pa.decimal128(10, 2)),
        pa.field("attributes.metadata", JSON_TYPE),
        pa.field("attributes.llm.input_messages", pa.list_(JSON_TYPE)),
        pa.field("attributes.env~2", pa.string(), metadata={WIRE_NAME_KEY: b"attributes.env"}),
        pa.field("attributes.a b", pa.string()),
        pa.field('attributes.q"', pa.string()),
        pa.field("attributes.llm.cost.total", pa.string()),
        pa.field("unprefixed", pa.string()),
    ]
)


def text(value: str) -> Literal:
    return Literal(value, "VARCHAR")


def number(value: float) -> Literal:
    return Literal(value, "BIGINT" if isinstance(value, int) else "DOUBLE")


def compare(column: str, op: str, value: str | float) -> Compare:
    literal = text(value) if isinstance(value, str) else number(value)
    return Compare(Comparison(op), column, literal)


def start(op: str, at: int) -> Compare:
    return Compare(Comparison(op), "start_time", Literal(at, TIMESTAMP_TZ))


ERROR = compare("status_code", "=", "ERROR")
FX = Opaque("f(name)", "f(…) is no part of the filter language", ("name",))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (ERROR, "status_code = 'ERROR'"),
        (push_not_down(Not(ERROR)), "status_code != 'ERROR'"),
        (In("name", (text("a"), text("b"))), "name IN ('a', 'b')"),
        (In("name", (text("a"), text("a"))), "name = 'a'"),
        (Not(In("name", (text("a"), text("b")))), "name != 'a' AND name != 'b'"),
        (Not(In("name", (text("a"), text("it's"), text("")))), "name != 'a'"),
        (In("name", (text("a"), text("b"), text("it's"))), "name IN ('a', 'b') OR name LIKE 'it%s'"),
        (compare("name", "=", "it's"), "name LIKE 'it%s'"),
        (compare("name", "=", "a_b\\\n%c"), "name LIKE 'a%b%c'"),
        (compare("latency_ms", ">", 1000), "latency_ms > 1000"),
        (compare("attributes.d", ">=", 1.5), "attributes.d >= 1.5"),
        (compare("attributes.d", "=", -0.0), "attributes.d = 0"),
        (compare("attributes.n", "!=", 2**53 - 1), "attributes.n != 9007199254740991"),
        (In("attributes.n", (number(1), number(2.5))), "attributes.n IN (1, 2.5)"),
        (Not(In("attributes.n", (number(1), number(2)))), "attributes.n != 1 AND attributes.n != 2"),
        (
            Between("attributes.d", number(1), number(2.5)),
            "attributes.d >= 1 AND attributes.d <= 2.5",
        ),
        (Not(Between("attributes.d", number(1), number(2))), "attributes.d < 1 OR attributes.d > 2"),
        (compare("attributes.counts", ">", 5), "attributes.counts > 5"),
        (compare("attributes.nan", "<", 5), "attributes.nan < 5"),
        (Between("attributes.nan", number(1), number(2)), "attributes.nan >= 1 AND attributes.nan <= 2"),
        (Not(IsNull("attributes.nan")), "attributes.nan IS NOT NULL"),
        (Like("name", "%50\\%%", "\\"), "name CONTAINS '50%'"),
        (Like("name", "%a%"), "name CONTAINS 'a'"),
        (Like("name", "%it's%"), "name LIKE '%it%s%'"),
        (Like("name", "a_b%"), "name LIKE 'a_b%'"),
        (Like("name", "a!_b%", "!"), "name LIKE 'a%b%'"),
        (Like("name", "a%%b"), "name LIKE 'a%b'"),
        (Like("name", "a\\b"), "name LIKE 'a%b'"),
        (Contains("name", "50%_"), "name CONTAINS '50%_'"),
        (Contains("name", "it's"), "name LIKE '%it%s%'"),
        (IsNull("parent_id"), "parent_id IS NULL"),
        (Not(IsNull("parent_id")), "parent_id IS NOT NULL"),
        (IsNull("attributes.flag"), "attributes.flag IS NULL"),
        (IsNull("attributes.at"), "attributes.at IS NULL"),
        (IsNull("attributes.converted"), "attributes.converted IS NULL"),
        (Not(IsNull("attributes.metadata")), "attributes.metadata IS NOT NULL"),
        (Not(IsNull("attributes.llm.input_messages")), "attributes.llm.input_messages IS NOT NULL"),
        (compare("attributes.env~2", "=", "x"), "attributes.env = 'x'"),
        (compare("attributes.a b", "=", "x"), "\"attributes.a b\" = 'x'"),
        (
            compare("attributes.openinference.span.kind", "=", "LLM"),
            "attributes.openinference.span.kind = 'LLM'",
        ),
        (Or(And(ERROR, FX), And(IsNull("parent_id"), FX)), "status_code = 'ERROR' OR parent_id IS NULL"),
        (And(ERROR, FX), "status_code = 'ERROR'"),
        (Not(Or(ERROR, FX)), "status_code != 'ERROR'"),
        (
            And(Or(ERROR, IsNull("name")), IsNull("parent_id")),
            "(status_code = 'ERROR' OR name IS NULL) AND parent_id IS NULL",
        ),
        (Or(And(start(">", 5), ERROR), And(start("<", 3), IsNull("name"))),
         "status_code = 'ERROR' OR name IS NULL"),
    ],
)  # fmt: skip
def test_it_is_sent_as(predicate: Predicate, expected: str) -> None:
    tree, reason = inclusive(predicate, SCHEMA)
    assert tree is not None
    assert reason == ""
    assert to_text(tree) == expected
    assert parse(expected) == tree


@pytest.mark.parametrize(
    ("predicate", "words"),
    [
        (compare("name", "=", ""), "empty text"),
        (In("name", (text("a"), text(""))), "empty text"),
        (compare("name", "!=", "it's"), "quotes"),
        (compare("name", "=", "'"), "quotes"),
        (compare("name", "<", "a"), "order of texts"),
        (Between("name", text("a"), text("b")), "order of texts"),
        (compare("name", "=", 5), "another type"),
        (compare("name", "=", f"x{GENERATED_MARK}"), "quotes"),
        (Like("name", "a", ignores_case=True), "ILIKE is not documented"),
        (Not(Like("name", "a%")), "NOT LIKE is not documented"),
        (Like("name", "%"), "no ordinary character"),
        (Like("name", "a!", "!"), "ends in its escape"),
        (Not(Contains("name", "a")), "NOT contains"),
        (Contains("name", ""), "no ordinary character"),
        (Contains("attributes.n", "1"), "another type"),
        (compare("attributes.n", "=", 2**53), "2^53"),
        (compare("attributes.n", "<", 1e16), "2^53"),
        (compare("attributes.d", "<", float("inf")), "finite"),
        (compare("attributes.n", "=", "5"), "another type"),
        (compare("attributes.nan", ">", 5), "NaN"),
        (compare("attributes.nan", "!=", 5), "NaN"),
        (Not(compare("attributes.nan", "<", 5)), "NaN"),
        (Not(Between("attributes.nan", number(1), number(2))), "NaN"),
        (Not(In("attributes.nan", (number(1), number(2)))), "NaN"),
        (compare("attributes.converted", "=", "5"), "another type than the column"),
        (Compare(Comparison.EQ, "attributes.flag", Literal(value=True, type="BOOLEAN")), "booleans"),
        (Compare(Comparison.EQ, "attributes.at", Literal(5, TIMESTAMP_TZ)), "times"),
        (compare("attributes.price", "=", 1.5), "this type"),
        (compare("attributes.metadata", "=", "{}"), "JSON"),
        (IsNull("attributes.metadata"), "JSON"),
        (IsNull("attributes.llm.input_messages"), "JSON"),
        (start("!=", 5), "window"),
        (IsNull("end_time"), "window"),
        (compare('attributes.q"', "=", "x"), "name cannot be written"),
        (compare("attributes.llm.cost.total", "=", "x"), "takes a number"),
        (compare("unprefixed", "=", "x"), "no field"),
        (compare("nobody", "=", "x"), "no column"),
        (FX, "f(…)"),
        (Or(ERROR, FX), "f(…)"),
        (Not(And(ERROR, FX)), "f(…)"),
        (AlwaysTrue(), "nothing about a column"),
    ],
)  # fmt: skip
def test_it_stays_with_the_engine_for_a_reason(predicate: Predicate, words: str) -> None:
    tree, reason = inclusive(predicate, SCHEMA)
    assert tree is None
    assert words in reason


@pytest.mark.parametrize(
    ("predicate", "is_sent"),
    [
        (ERROR, True),
        (In("name", (text("a"), text("b"))), True),
        (Contains("name", "x"), True),
        (IsNull("parent_id"), True),
        (compare("latency_ms", ">", 5), True),
        (compare("attributes.n", "!=", 5), True),
        (Not(In("attributes.n", (number(1), number(2)))), True),
        (compare("attributes.d", "<", 5), True),
        (Not(IsNull("latency_ms")), True),
        (Not(IsNull("attributes.metadata")), True),
        (push_not_down(Not(ERROR)), False),
        (Not(In("name", (text("a"), text("b")))), False),
        (Not(IsNull("parent_id")), False),
        (Not(IsNull("attributes.llm.input_messages")), False),
        (compare("attributes.d", ">", 5), False),
        (Not(IsNull("attributes.d")), False),
        (IsNull("attributes.counts"), False),
    ],
)
def test_a_conservative_push_assumes_less(predicate: Predicate, is_sent: bool) -> None:
    assert inclusive(predicate, SCHEMA)[0] is not None
    assert (inclusive(predicate, SCHEMA, "conservative")[0] is not None) is is_sent


@pytest.mark.parametrize("other", ["span_kind", "attributes.openinference"])
def test_whether_a_core_field_is_missing_is_not_asked_where_it_may_be_read_elsewhere(
    other: str,
) -> None:
    predicate = IsNull("attributes.openinference.span.kind")
    assert inclusive(predicate, SCHEMA)[0] is not None
    schema = SCHEMA.append(pa.field(other, pa.string()))
    assert "another column" in inclusive(predicate, schema)[1]
    assert inclusive(Not(predicate), schema)[0] is not None


def test_a_conjunct_is_told_only_when_it_is_absent_from_filter_and_window() -> None:
    conjuncts = [start(">", 5), And(ERROR, FX), start("!=", 7), Or(ERROR, FX), AlwaysTrue()]
    pushed = push_down(conjuncts, Window(None, 100), schema=SCHEMA)
    assert pushed.window == Window(6, 100)
    assert pushed.filter == ERROR
    assert [predicate for predicate, _ in pushed.not_pushed] == [
        str(FX),
        str(start("!=", 7)),
        str(Or(ERROR, FX)),
    ]
    assert pickle.loads(pickle.dumps(pushed)) == pushed  # noqa: S301 - our own


def test_what_the_user_asks_for_is_not_asked_twice() -> None:
    given = parse("status_code = 'ERROR' AND name = 'a'")
    pushed = push_down([ERROR, IsNull("parent_id")], Window(), schema=SCHEMA, given=given)
    assert pushed.filter == IsNull("parent_id")
    assert pushed.not_pushed == ()
    alone = push_down([ERROR], Window(), schema=SCHEMA, given=given)
    assert (alone.filter, alone.not_pushed) == (None, ())


def test_the_longest_list_is_left_out_first() -> None:
    long = In("name", tuple(text(f"{index:04}") for index in range(300)))
    short = In("name", tuple(text(f"{index:04}") for index in range(100)))
    pushed = push_down([long, ERROR, short], Window(), schema=SCHEMA, max_text=2_000)
    assert pushed.filter == And(ERROR, short)
    ((predicate, reason),) = pushed.not_pushed
    assert predicate == str(long)
    assert "2,000 bytes" in reason


def test_a_list_too_long_is_no_part_of_an_alternative() -> None:
    long = In("name", tuple(text(f"{index:04}") for index in range(5_000)))
    pushed = push_down([Or(long, ERROR), IsNull("parent_id")], Window(), schema=SCHEMA)
    assert pushed.filter == IsNull("parent_id")
    assert [predicate for predicate, _ in pushed.not_pushed] == [str(Or(long, ERROR))]


def test_a_long_disjunction_is_no_deep_recursion() -> None:
    many = Or(*(compare("attributes.n", "=", index) for index in range(2_000)))
    tree, _ = inclusive(many, SCHEMA)
    assert isinstance(tree, Or)
    assert len(tree.operands) == 2_000
    assert parse(to_text(tree)) == tree


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", "{mark}(status_code = 'ERROR' OR name IS NULL)"),
        (
            "a = 1 -- and so on",
            "(a = 1) AND {mark}(status_code = 'ERROR' OR name IS NULL)",
        ),
        ("a = 1 or b = 2", "(a = 1 OR b = 2) AND {mark}(status_code = 'ERROR' OR name IS NULL)"),
        ("who knows?", "who knows?"),
    ],
)
def test_our_part_of_a_text_is_marked(user: str, expected: str) -> None:
    generated = Or(ERROR, IsNull("name"))
    made = with_generated(user, generated)
    assert made == expected.format(mark=GENERATED_MARK)
    is_filter = user != "who knows?"
    given = to_text(parse(user)) if user and is_filter else user
    assert split_generated(made) == (given, generated if is_filter else None)
    plain = sent_text(user, generated)
    assert GENERATED_MARK not in plain
    assert sent_text(user, None) == user
    if is_filter:
        assert parse(plain) == parse(made)


@pytest.mark.parametrize(
    "user",
    [
        "name = 'x'",
        f"name = '{GENERATED_MARK}(a = 1)'",
        f"{GENERATED_MARK}(a = 1) OR (b = 2)",
        f"{GENERATED_MARK}( a=1 )",
        f"name = 'x' AND {GENERATED_MARK}(a = 1)",
        f"(name = 'x') OR {GENERATED_MARK}(a = 1)",
        f"(name = 'x') AND {GENERATED_MARK}()",
        f"(name  =  'x') AND {GENERATED_MARK}(a = 1)",
        f"() AND {GENERATED_MARK}(a = 1)",
        f"{GENERATED_MARK}()",
    ],
)
def test_a_text_of_any_other_form_is_the_users(user: str) -> None:
    assert split_generated(user) == (user, None)


def test_a_users_own_mark_stays_in_the_users_part() -> None:
    user = f"name = ') AND {GENERATED_MARK}(x'"
    made: Any = with_generated(user, ERROR)
    assert split_generated(made) == (user, ERROR)
