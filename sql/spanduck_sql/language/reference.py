"""The filter language in tables: operators, how values are read, mistakes, and what SQL becomes.

`docs/filter-language.md` shows these tables, with what the code makes of each example, and
`undocumented` tells what of a filter only we are known to understand. Facts and marks come from
what the vendor publishes; nothing here was tried against the hosted service.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from spanduck_sql.errors import FilterErrorCode
from spanduck_sql.expressions import (
    AlwaysTrue,
    And,
    Between,
    Compare,
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
from spanduck_sql.language.fields import FieldType

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mark(StrEnum):
    """How sure it is that the service understands something."""

    DOCUMENTED = "documented"
    """The vendor describes it."""
    SEEN = "seen"
    """It stands in a public example or in the vendor's code, and is described nowhere."""
    OURS = "ours"
    """Nothing public confirms it: the embedded server takes it, the service may not."""


@dataclass(frozen=True)
class Operator:
    """A way to say something in a filter.

    Attributes:
        name: What to call it.
        syntax: How it is written: `a` is a field, `v` a value, `p` a condition.
        meaning: When it matches.
        mark: How sure it is that the service understands it.
        example: A whole filter.
    """

    name: str
    syntax: str
    meaning: str
    mark: Mark
    example: str


_D, _E, _A = Mark.DOCUMENTED, Mark.SEEN, Mark.OURS

OPERATORS: Final[tuple[Operator, ...]] = (
    Operator("=", "a = v", "equal", _D, "status_code = 'ERROR'"),
    Operator("!=", "a != v", "has a value, and another one", _D, "status_code != 'OK'"),
    Operator("<", "a < v, a <= v, a > v, a >= v", "in order", _D, "latency_ms >= 1000"),
    Operator("<>", "a == v, a <> v", "the same as `=` and `!=`", _E, "name <> 'retry'"),
    Operator("literal first", "v < a", "the value may stand first", _A, "1000 < latency_ms"),
    Operator("= null", "a = null, a != null", "has no value; has one", _D, "parent_id = null"),
    Operator(
        "IS NULL", "a IS NULL, a IS NOT NULL", "the same", _D, "eval.Quality.label IS NOT NULL"
    ),
    Operator("IN", "a IN (v, …)", "equal to one of them", _D, "span_kind IN ('LLM', 'TOOL')"),
    Operator("NOT IN", "a NOT IN (v, …)", "`a != v` for each", _A, "name NOT IN ('a', 'b')"),
    Operator(
        "BETWEEN",
        "a BETWEEN v AND w",
        "`a >= v AND a <= w`",
        _A,
        "attributes.llm.token_count.total BETWEEN 100 AND 200",
    ),
    Operator(
        "NOT BETWEEN",
        "a NOT BETWEEN v AND w",
        "`a < v OR a > w`",
        _A,
        "eval.Quality.score NOT BETWEEN 0.2 AND 0.8",
    ),
    Operator(
        "CONTAINS",
        "a CONTAINS 'x'",
        "the text holds `x`; every character of `x` is ordinary",
        _D,
        "event.attributes CONTAINS 'TimeoutError'",
    ),
    Operator(
        "contains()", "contains(a, 'x')", "the same", _E, "contains(attributes.input.value, '50%')"
    ),
    Operator(
        "NOT CONTAINS",
        "a NOT CONTAINS 'x'",
        "has a text, and it does not hold `x`",
        _A,
        "attributes.output.value NOT CONTAINS 'sorry'",
    ),
    Operator(
        "LIKE",
        "a LIKE 'p'",
        "the whole text is like `p`: `%` is any run of characters, `_` is one",
        _D,
        "attributes.error.type LIKE '%Timeout%'",
    ),
    Operator(
        "NOT LIKE", "a NOT LIKE 'p'", "has a text, and not like `p`", _A, "name NOT LIKE 'a%'"
    ),
    Operator(
        "ILIKE",
        "a ILIKE 'p', a NOT ILIKE 'p'",
        "as LIKE, and letter case does not count",
        _A,
        "attributes.output.value ILIKE '%sorry%'",
    ),
    Operator(
        "ESCAPE",
        "a LIKE 'p' ESCAPE 'c'",
        "the character after `c` is ordinary",
        _A,
        "name LIKE '100!%' ESCAPE '!'",
    ),
    Operator("AND", "p AND q", "both", _D, "status_code = 'ERROR' AND latency_ms > 1000"),
    Operator(
        "OR",
        "p OR q",
        "either; AND binds closer than OR",
        _D,
        "status_code = 'ERROR' OR latency_ms > 1000",
    ),
    Operator(
        "( )",
        "(p)",
        "first",
        _E,
        "name = 'a' AND (status_code = 'ERROR' OR latency_ms > 1000)",
    ),
    Operator(
        "NOT",
        "NOT p",
        "the opposite; binds closer than AND",
        _A,
        "NOT (name = 'a' AND latency_ms < 10)",
    ),
    Operator(
        "booleans",
        "a = true, a = false",
        "a yes or no",
        _A,
        "attributes.metadata.cached = true",
    ),
)
"""Everything the grammar has, in the order a reader wants it."""

OPERATOR_BY_NAME: Final = {operator.name: operator for operator in OPERATORS}


@dataclass(frozen=True)
class Reading:
    """How a stored value and a literal meet.

    Attributes:
        field: What kind of field.
        literal: What it is compared with.
        rule: What happens.
        example: A whole filter.
    """

    field: str
    literal: str
    rule: str
    example: str


READINGS: Final[tuple[Reading, ...]] = (
    Reading(
        "text",
        "`'text'`",
        "Exactly that text: letter case and spaces count, and `''` is a text like any other.",
        "status_code = 'ERROR'",
    ),
    Reading("number", "a number", "As DOUBLE.", "latency_ms > 1.5e3"),
    Reading(
        "boolean",
        "`true`, `false`",
        "`=`, `!=` and IN only.",
        "attributes.exception.escaped = true",
    ),
    Reading(
        "time",
        "`'ISO 8601'`",
        "A date (00:00) or a date and time with `T` or one space; UTC where no zone is named;"
        " to the microsecond. Bounds on a span's start belong in `start_time :=`, which every"
        " service understands.",
        "end_time < '2026-01-31T12:00:00Z'",
    ),
    Reading(
        "any other attribute",
        "`'text'`",
        "The stored value as text. A number that is stored as one is compared as a number when"
        " the text is one.",
        "attributes.metadata.tier = 'gold'",
    ),
    Reading(
        "any other attribute",
        "a number",
        "A stored text counts as a number when it is one: digits, point, sign, exponent, with or"
        " without spaces around. `inf`, `1e400` and `1_000` are no numbers.",
        "attributes.metadata.retries >= 3",
    ),
    Reading(
        "any other attribute",
        "`true`, `false`",
        "A stored text counts when it is `true` or `false` in any letter case: metadata keeps"
        " booleans as the text `True` or `False`.",
        "attributes.metadata.cached = true",
    ),
    Reading(
        "any other attribute",
        "LIKE, CONTAINS",
        "The stored value as text.",
        "attributes.metadata CONTAINS 'gold'",
    ),
)
"""Each kind of field with each kind of value it takes."""

LITERALS_BY_TYPE: Final = {
    FieldType.STRING: "a text",
    FieldType.NUMBER: "a number",
    FieldType.BOOLEAN: "`true` or `false`",
    FieldType.TIMESTAMP: "a time as text",
    FieldType.ANY: "anything",
}


@dataclass(frozen=True)
class Mistake:
    """A kind of error.

    Attributes:
        code: For programs.
        when: What causes it.
        examples: Filters with that mistake.
    """

    code: FilterErrorCode
    when: str
    examples: tuple[str, ...]


MISTAKES: Final[tuple[Mistake, ...]] = (
    Mistake(FilterErrorCode.EMPTY, "nothing but white space", (" ",)),
    Mistake(
        FilterErrorCode.SYNTAX,
        "a character, a word or the order of words",
        ("status_code 'ERROR'", "(latency_ms > 5 AND status_code = 'ERROR'", "name = 'it's'"),
    ),
    Mistake(
        FilterErrorCode.LITERAL_EXPECTED,
        "a field name where a value belongs",
        ('status_code = "ERROR"',),
    ),
    Mistake(
        FilterErrorCode.UNKNOWN_FIELD,
        "a name that no field can have; or, when asked to be strict, one the project lacks",
        ("statuscode = 'ERROR'", "model_name = 'gpt-4o'", "eval.Quality.lable = 'good'"),
    ),
    Mistake(
        FilterErrorCode.TYPE_MISMATCH,
        "a value or an operator that does not fit the field",
        ("latency_ms > '1000'", "status_code = 200", "start_time > 'yesterday'"),
    ),
    Mistake(FilterErrorCode.NULL_IN_LIST, "null among the values of IN", ("name IN ('a', null)",)),
    Mistake(
        FilterErrorCode.NULL_COMPARE,
        "null where only a value can be compared",
        ("latency_ms > null",),
    ),
)
"""Every kind of error, each with texts that make one."""


@dataclass(frozen=True)
class Condition:
    """A SQL condition, for what becomes of it.

    Attributes:
        sql: A condition on columns of `spans(…)`.
        note: What is worth knowing about it.
    """

    sql: str
    note: str = ""


CONDITIONS: Final[tuple[Condition, ...]] = (
    Condition("status_code = 'ERROR'"),
    Condition("latency_ms > 1000"),
    Condition("latency_ms BETWEEN 100 AND 200"),
    Condition("status_code IN ('ERROR', 'UNSET')"),
    Condition("status_code <> 'OK'"),
    Condition("status_code NOT IN ('OK', 'UNSET')"),
    Condition("parent_id IS NULL"),
    Condition("parent_id IS NOT NULL"),
    Condition("name LIKE '%retry%'"),
    Condition("name LIKE 'chat%'"),
    Condition("contains(\"attributes.input.value\", 'refund')"),
    Condition("starts_with(name, 'chat')"),
    Condition("(status_code = 'ERROR' AND lower(name) = 'a') OR latency_ms > 9000", "a wider text"),
    Condition("name = 'it''s'", "a quote is never sent: nobody documents how to escape it"),
    Condition("start_time >= TIMESTAMPTZ '2026-01-31 00:00:00+00'", "becomes the window"),
    Condition("name NOT LIKE 'a%'"),
    Condition("name ILIKE '%retry%'"),
    Condition("lower(name) = 'chat'"),
    Condition("name > 'm'"),
    Condition("status_code = ''"),
    Condition("status_code IS DISTINCT FROM 'OK'"),
)
"""SQL that shows what travels, and what does not."""


def undocumented(predicate: Predicate) -> tuple[Operator, ...]:
    """Return what a filter says that the vendor documents nowhere, each once, as it is printed."""
    return tuple(dict.fromkeys(OPERATOR_BY_NAME[name] for name in _names(predicate)))


# A stack, for the nesting that a parser allows may be more than Python's own.
def _names(predicate: Predicate) -> Iterator[str]:
    pending = [predicate]
    while pending:
        node = pending.pop()
        match node:
            case And() | Or():
                pending += reversed(node.operands)
            case Not(IsNull()):
                pass
            case Not(Like(ignores_case=False, escape=None)):
                yield "NOT LIKE"
            case Not(In() | Between() | Contains() as inner):
                yield f"NOT {_NAME_BY_CLASS[type(inner)]}"
                yield from _of_literals(inner)
            case Not(Like() as inner):
                pending.append(inner)
            case Not(inner):
                yield "NOT"
                pending.append(inner)
            case Between():
                yield "BETWEEN"
            case Like(escape=escape, ignores_case=ignores_case):
                yield from ("ILIKE",) if ignores_case else ()
                yield from ("ESCAPE",) if escape is not None else ()
            case Compare() | In():
                yield from _of_literals(node)
            case Contains() | IsNull() | Opaque() | AlwaysTrue():
                pass


_NAME_BY_CLASS: Final = {In: "IN", Between: "BETWEEN", Contains: "CONTAINS"}


def _of_literals(node: Predicate) -> Iterator[str]:
    literals: tuple[Literal, ...] = ()
    match node:
        case Compare(literal=literal):
            literals = (literal,)
        case In(literals=found):
            literals = found
    if any(isinstance(literal.value, bool) for literal in literals):
        yield "booleans"
