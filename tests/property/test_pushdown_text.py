"""No name, no value and no length breaks the text of a filter that is made of SQL."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spanduck._scan.schema_cache import declared_schema
from spanduck_sql.expressions import (
    And,
    Contains,
    In,
    Literal,
    Not,
    Predicate,
    conjuncts,
)
from spanduck_sql.language.parser import parse
from spanduck_sql.language.printer import to_text
from spanduck_sql.pushdown import (
    GENERATED_MARK,
    Window,
    push_down,
    split_generated,
    with_generated,
)

DECLARED: Final = declared_schema(pa.schema([pa.field("name", pa.string())]))


@settings(max_examples=200)
@given(
    names=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True),
    texts=st.lists(st.text(max_size=8), min_size=1, max_size=4),
    user=st.sampled_from(["", "name = 'a'", "parent_id = null OR status_code != 'x' -- y"]),
)
@example(names=["a' OR 1 = 1 --"], texts=["\\"], user="")
@example(names=[GENERATED_MARK], texts=[GENERATED_MARK], user="name = 'a'")
@example(names=['"'], texts=[f"') AND {GENERATED_MARK}('"], user="name = 'a'")
def test_no_name_and_no_value_changes_the_structure(
    names: list[str], texts: list[str], user: str
) -> None:
    wire = pa.schema([pa.field(f"attributes.{name}", pa.string()) for name in names])
    schema = declared_schema(wire)
    columns = [item.name for item in schema if item.name.startswith("attributes.")]
    literals = tuple(Literal(text, "VARCHAR") for text in texts)
    asked: list[Predicate] = [In(column, literals) for column in columns]
    asked += [Contains(column, text) for column in columns for text in texts]
    asked += [Not(In(column, literals)) for column in columns]
    pushed = push_down(asked, Window(), schema=schema).filter
    if pushed is None:
        return
    assert parse(to_text(pushed)) == pushed
    text = with_generated(user, pushed)
    given_text, generated = split_generated(text)
    assert generated == pushed
    assert given_text == (to_text(parse(user)) if user else "")
    assert parse(text) == (And(parse(user), pushed) if user else pushed)


@settings(max_examples=100)
@given(
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=6),
    most=st.integers(0, 4_000),
    user=st.sampled_from([None, "parent_id IS NULL OR status_code = 'ü'"]),
)
def test_the_text_stays_within_its_limit(sizes: list[int], most: int, user: str | None) -> None:
    lists = [
        In("name", tuple(Literal(f"ü{size}-{index}", "VARCHAR") for index in range(size)))
        for size in dict.fromkeys(sizes)
    ]
    given_tree = None if user is None else parse(user)
    pushed = push_down(lists, Window(), schema=DECLARED, given=given_tree, max_text=most)
    kept = () if pushed.filter is None else conjuncts(pushed.filter)
    assert len(kept) + len(pushed.not_pushed) == len(lists)
    if pushed.filter is not None:
        assert len(with_generated(user or "", pushed.filter).encode()) <= most
    dropped = {text for text, _ in pushed.not_pushed}
    lengths = [len(item.literals) for item in lists if str(item) in dropped]
    remaining = [len(item.literals) for item in lists if str(item) not in dropped]
    assert not lengths or not remaining or max(remaining) <= min(lengths)
