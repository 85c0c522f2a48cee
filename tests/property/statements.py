"""Statements over `spans(…)` and a local table `u (name, id, tag)`, with conditions everywhere."""

from __future__ import annotations

from hypothesis import strategies as st

from spanduck_sql.schema import SPAN_KIND


def quoted(name: str) -> str:
    return f'"{name}"' if "." in name else name


texts = st.sampled_from(["'a'", "'ab'", "'x'", "''", "'it''s'", "'OK'", "'ERROR'", "'%'", "'A'"])
patterns = st.sampled_from(
    ["'a%'", "'%b%'", "'_'", "'%'", "'it''s%'", "'%R'", "''", "'a\\%b'", "'x'"]
)
numbers = st.sampled_from(["0", "1", "2", "2.5", "-1", "7"])
text_columns = st.sampled_from(["name", "status_code", SPAN_KIND])
number_columns = st.sampled_from(["latency_ms", "attributes.n"])


@st.composite
def leaves(draw: st.DrawFn, alias: str) -> str:
    text = f"{alias}{quoted(draw(text_columns))}"
    number = f"{alias}{quoted(draw(number_columns))}"
    shapes = {
        "{t} LIKE {p}": 3,
        "{t} NOT LIKE {p}": 1,
        "{t} ILIKE {p}": 1,
        "{t} LIKE {p} ESCAPE '\\'": 1,
        "contains({t}, {x})": 2,
        "starts_with({t}, {x})": 2,
        "strpos({t}, {x}) > 0": 1,
        "{t} ^@ {x}": 1,
        "{t} = {x}": 2,
        "{t} != {x}": 1,
        "{t} IN ({x}, 'b')": 1,
        "{t} NOT IN ({x}, 'b')": 1,
        "{t} IS NULL": 2,
        "{t} IS NOT NULL": 2,
        "{n} > {v}": 1,
        "{n} BETWEEN {v} AND 5": 1,
        "{n} IS NULL": 1,
        "CAST({t} AS VARCHAR) = {x}": 1,
        "CAST({n} AS DOUBLE) <= {v}": 1,
        "coalesce({t}, 'a') LIKE {p}": 1,
        "{t} IS DISTINCT FROM {x}": 1,
        "lower({t}) = {x}": 1,
        "{t} = NULL": 1,
        "{t} LIKE {p} IS NULL": 1,
        "CASE WHEN {t} = {x} THEN TRUE END": 1,
        '{a}"attributes.ok"': 1,
        "{n} = {v} OR {t} LIKE {p}": 1,
        "TRUE": 1,
    }
    shape = draw(
        st.sampled_from([shape for shape, weight in shapes.items() for _ in range(weight)])
    )
    return shape.format(t=text, n=number, a=alias, x=draw(texts), p=draw(patterns), v=draw(numbers))


def conditions(*aliases: str, local: bool = True) -> st.SearchStrategy[str]:
    """Conditions over calls under these aliases (with their dots) and the local table `u`."""
    others = ["u.id > 1", "u.tag LIKE 't%'", "u.id IS NULL", "u.name = 'a'"]
    leaf = st.one_of(*(leaves(alias) for alias in aliases))
    if local:
        leaf = st.one_of(leaf, leaf, leaf, st.sampled_from(others))
    wrapped = leaf.map(lambda text: f"({text})")
    return st.recursive(
        wrapped,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["AND", "AND", "OR"]), inner).map(
                lambda parts: f"({' '.join(parts)})"
            ),
            st.tuples(inner, inner).map(" AND ".join).map(lambda text: f"({text})"),
            inner.map(lambda text: f"(NOT {text})"),
        ),
        max_leaves=5,
    )


JOINS = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"]
CALLS = [
    "spans('p')",
    "Spans('p', filter := 'latency_ms > 0 OR name IS NULL')",
    "spans(project => 'p')",
]


@st.composite
def joined(draw: st.DrawFn) -> str:
    """A call on either side of any join, with conditions everywhere."""
    call, kind = f"{draw(st.sampled_from(CALLS))} s", draw(st.sampled_from(JOINS))
    sides = draw(st.permutations([call, "u"]))
    on = draw(
        st.one_of(
            st.just("s.name = u.name"),
            conditions("s."),
            conditions("s.").map(lambda text: f"s.name = u.name AND {text}"),
        )
    )
    is_filtering = kind in {"SEMI JOIN", "ANTI JOIN"}
    if is_filtering:
        where = draw(conditions("s.", local=False) if sides[0] == call else st.just("u.id > 0"))
        items = "s.*" if sides[0] == call else "u.*"
    else:
        where, items = (
            draw(conditions("s.")),
            draw(st.sampled_from(["s.*, u.*", "count(*)", "*, count(*) OVER ()"])),
        )
    return f"SELECT {items} FROM {sides[0]} {kind} {sides[1]} ON {on} WHERE {where}"


@st.composite
def three_ways(draw: st.DrawFn) -> str:
    """Three sources, one of them maybe a second call, nested, beside a comma, or in parentheses."""
    third = draw(st.sampled_from(["u v", "spans('p') v"]))
    first, second = (draw(st.sampled_from(JOINS[:4])) for _ in range(2))
    on, on_both = draw(conditions("s.")), draw(conditions("s.", "v." if "spans" in third else "s."))
    shape = draw(
        st.sampled_from(
            [
                "u {first} spans('p') s ON {on} {second} {third} ON {on_both}",
                "spans('p') s {first} u ON {on} {second} {third} ON {on_both}",
                "{third} {second} (u {first} spans('p') s ON {on}) ON {on_both}",
                "{third}, u {first} spans('p') s ON {on}",
                "spans('p') s, u {first} {third} ON u.name = v.name AND {on}",
                "{third} {second} u {first} spans('p') s ON {on} ON {on_both}",
                "(spans('p') s {first} u ON {on}) POSITIONAL JOIN {third}",
                "spans('p') s {first} u USING (name) {second} {third} ON {on_both}",
                "u {first} spans('p') s USING (name) CROSS JOIN {third}",
                "u ASOF LEFT JOIN spans('p') s ON u.name = s.name AND u.id >= s.latency_ms CROSS JOIN {third}",
                "spans('p') s ASOF JOIN u ON u.name = s.name AND s.latency_ms >= u.id CROSS JOIN {third}",
            ]
        )
    )
    source = shape.format(first=first, second=second, third=third, on=on, on_both=on_both)
    return f"SELECT s.*, u.*, v.* FROM {source} WHERE {draw(conditions('s.'))}"


INNER = [
    "SELECT * FROM spans('p')",
    "SELECT *, upper(name) AS shout FROM spans('p') x",
    "SELECT x.*, 1 AS one FROM spans('p') AS x",
    'SELECT name, status_code, "{kind}", latency_ms, "attributes.n", "attributes.ok" FROM spans(\'p\')',
    "SELECT status_code AS name, name AS status_code, * EXCLUDE (name, status_code) FROM spans('p')",
    "SELECT * REPLACE (upper(name) AS name) FROM spans('p')",
    "SELECT * RENAME (name AS status_code, status_code AS name) FROM spans('p')",
    "SELECT DISTINCT * FROM spans('p')",
    "SELECT * FROM spans('p') ORDER BY ALL LIMIT 3",
    "SELECT *, count(*) OVER () AS c FROM spans('p')",
    "SELECT x.* FROM u LEFT JOIN spans('p') x ON x.name = u.name",
    "SELECT x.* FROM spans('p') x FULL JOIN u ON x.name = u.name AND x.name LIKE 'a%'",
    "SELECT coalesce(name, 'a') AS name, * EXCLUDE (name) FROM spans('p')",
    "SELECT * FROM spans('p') UNION ALL SELECT * FROM spans('p')",
    "FROM spans('p')",
    "SELECT *, row_number() OVER (ORDER BY latency_ms) AS r FROM spans('p') QUALIFY r < 5",
]


@st.composite
def nested(draw: st.DrawFn) -> str:
    """Conditions outside of a subquery or a CTE, and inside."""
    inner = draw(st.sampled_from(INNER)).format(kind=SPAN_KIND)
    is_open = not any(word in inner for word in ("ORDER", "UNION", "QUALIFY", "JOIN"))
    if is_open and draw(st.booleans()):
        inner += f" WHERE {draw(conditions('', local=False))}"
    outer = draw(conditions(draw(st.sampled_from(["s.", ""])), local=False))
    body = draw(
        st.sampled_from(
            [
                "SELECT * FROM ({inner}) s WHERE {outer}",
                "WITH s AS ({inner}) SELECT * FROM s WHERE {outer}",
                "WITH r AS ({inner}), s AS (SELECT * FROM r) SELECT * FROM s WHERE {outer}",
                "WITH s AS NOT MATERIALIZED ({inner}) SELECT count(*) FROM s WHERE {outer}",
                "WITH r AS ({inner}) SELECT * FROM r s WHERE {outer} UNION ALL SELECT * FROM r",
                "WITH s AS ({inner}) SELECT * FROM s WHERE {outer} AND latency_ms <= (SELECT max(latency_ms) FROM s)",
                "WITH r AS ({inner}) SELECT * FROM r UNION ALL SELECT * FROM r s WHERE {outer}",
                "SELECT * FROM ({inner}) s WHERE EXISTS (FROM u WHERE u.name = s.name AND {outer})",
                "SELECT * FROM u LEFT JOIN ({inner}) s ON s.name = u.name WHERE {outer}",
                "SELECT * FROM u LEFT JOIN ({inner}) s ON s.name = u.name AND ({outer})",
                "SELECT u.* FROM u WHERE EXISTS (FROM ({inner}) s WHERE s.name = u.name AND {outer})",
                "SELECT u.* FROM u WHERE u.name NOT IN (SELECT s.name FROM ({inner}) s WHERE {outer})",
                "SELECT u.*, (SELECT count(*) FROM ({inner}) s WHERE {outer} AND s.name = u.name) FROM u",
                "SELECT * FROM u, LATERAL (SELECT * FROM ({inner}) s WHERE s.name = u.name AND {outer}) l",
                "SELECT * FROM (SELECT s.name, s.status_code FROM ({inner}) s WHERE {outer}) EXCEPT SELECT 'a', 'OK'",
                "SELECT * FROM (SELECT * FROM ({inner}) s USING SAMPLE 100%) s WHERE {outer}",
            ]
        )
    )
    return body.format(inner=inner, outer=outer)


ITEMS = [
    "{s}name, {s}status_code",
    "{s}name AS n, {s}status_code",
    "{s}status_code AS name, {s}name AS status_code",
    "upper({s}name) AS name, {s}status_code AS c",
]
KEYS = [
    "{s}name, {s}status_code",
    "{s}name, upper({s}name), {s}status_code",
    "1, 2",
    "ALL",
    "ROLLUP ({s}name, {s}status_code)",
    "CUBE ({s}name, {s}status_code)",
    "GROUPING SETS (({s}name), ({s}status_code))",
    "{s}name, ROLLUP ({s}status_code)",
]
PARTS = [
    "{s}name LIKE 'a%'",
    "name LIKE 'a%'",
    "name = 'x'",
    "status_code LIKE '%R%'",
    "({s}name LIKE 'a%' OR count(*) > 1)",
    "({s}name LIKE 'a%' OR {s}status_code LIKE 'E%')",
    "contains({s}status_code, 'R')",
    "{s}name IS NULL",
    "max({s}latency_ms) > 1",
    "NOT ({s}name LIKE 'x%')",
]


@st.composite
def grouped(draw: st.DrawFn) -> str:
    """HAVING over keys, and over items of the SELECT that are called like a column."""
    source, s = draw(
        st.sampled_from(
            [
                ("spans('p') s", ""),
                ("spans('p') s", "s."),
                ("u RIGHT JOIN spans('p') s ON s.name = u.tag", "s."),
                ("u LEFT JOIN spans('p') s ON s.name = u.name", "s."),
            ]
        )
    )
    having = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=2))
    chosen = f"SELECT {draw(st.sampled_from(ITEMS))}, count(*) FROM {source}"
    text = f"{chosen} GROUP BY {draw(st.sampled_from(KEYS))} HAVING {' AND '.join(having)}"
    return text.format(s=s)


@st.composite
def merged(draw: st.DrawFn) -> str:
    """Names without an alias beside USING and NATURAL, which make one column of two."""
    sides = draw(st.permutations([draw(st.sampled_from(CALLS)), "u"]))
    kind = draw(st.sampled_from(JOINS[:4]))
    how = draw(st.sampled_from(["{0} {kind} {1} USING (name)", "{0} NATURAL {kind} {1}"]))
    where = draw(conditions(""))
    return f"SELECT * FROM {how.format(*sides, kind=kind)} WHERE {where}"
