from __future__ import annotations

import contextlib
import time

import pytest

from spanduck_sql.errors import FilterError, FilterErrorCode
from spanduck_sql.language.tokens import MAX_TEXT, Kind, lex


def kinds(text: str) -> list[tuple[Kind, str]]:
    return [(token.kind, token.value) for token in lex(text)[:-1]]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a.b.c", [(Kind.NAME, "a.b.c")]),
        ("a-b-1", [(Kind.NAME, "a-b-1")]),
        ("a--b", [(Kind.NAME, "a")]),
        ("a.0.b", [(Kind.NAME, "a.0.b")]),
        ("x.in", [(Kind.NAME, "x.in")]),
        ("ключ_1", [(Kind.NAME, "ключ_1")]),
        ("in Like NULL", [(Kind.KEYWORD, "IN"), (Kind.KEYWORD, "LIKE"), (Kind.KEYWORD, "NULL")]),
        # Letters whose upper case is ASCII are no keywords.
        ("\u0131s", [(Kind.NAME, "\u0131s")]),
        ('"a ""b"""', [(Kind.QUOTED, 'a "b"')]),
        ("'a ''b'''", [(Kind.STRING, "a 'b'")]),
        ("'a\\'", [(Kind.STRING, "a\\")]),
        ("'-- /* x'", [(Kind.STRING, "-- /* x")]),
        ("a .\n b", [(Kind.NAME, "a"), (Kind.TAIL, ".b")]),
        ("a./* x */0.b", [(Kind.NAME, "a"), (Kind.TAIL, ".0.b")]),
        (".5", [(Kind.TAIL, ".5")]),
        (".5e3", [(Kind.NUMBER, ".5e3")]),
        ("1-2", [(Kind.NUMBER, "1"), (Kind.NUMBER, "-2")]),
        ("5. +.5E-3", [(Kind.NUMBER, "5."), (Kind.NUMBER, "+.5E-3")]),
        ("==<>!=<=", [(Kind.OTHER, "==<>!=<=")]),
        ("= == <> != <= >=", [(Kind.COMPARISON, op) for op in ("=", "==", "<>", "!=", "<=", ">=")]),
        ("=-5", [(Kind.COMPARISON, "="), (Kind.NUMBER, "-5")]),
        ("/* a */ /* /* */ b -- c", [(Kind.NAME, "b")]),
        ("a -- x\rb", [(Kind.NAME, "a"), (Kind.NAME, "b")]),
    ],
)
def test_a_text_is_cut_into_tokens(text: str, tokens: list[tuple[Kind, str]]) -> None:
    assert kinds(text) == tokens


def test_a_token_knows_its_place() -> None:
    assert [(token.position, token.end) for token in lex("  é >= 'x'\n")] == [
        (2, 3),
        (4, 6),
        (7, 10),
        (10, 10),
    ]


@pytest.mark.parametrize(
    ("text", "message", "position", "end"),
    [
        ("a = 'b", "this text is not closed", 4, 5),
        ('a = "b', "this name is not closed", 4, 5),
        ("a /* b * /", "this comment is not closed", 2, 4),
        ("a = 1_000", "1_000 is not a number", 4, 9),
        ("a = 1.2.3", "1.2.3 is not a number", 4, 9),
        ("a = 5and", "5and is not a number", 4, 8),
        ("a.5x = 1", "a part of a name cannot begin with a digit", 1, 4),
        ("é = '\ud83d'", "U+D83D is half of a surrogate pair, and no character", 5, 6),
        ("é.²x = 1", "a name cannot begin with '²'", 2, 3),
    ],
)
def test_what_is_no_token_is_refused(text: str, message: str, position: int, end: int) -> None:
    with pytest.raises(FilterError) as caught:
        lex(text)
    error = caught.value
    assert (error.message, error.position, error.end) == (message, position, end)
    assert error.code is FilterErrorCode.SYNTAX
    assert error.hint


@pytest.mark.parametrize("text", ["", " ", "\n\t\u00a0\u2003"])
def test_nothing_but_white_space_is_empty(text: str) -> None:
    with pytest.raises(FilterError, match="filter must not be empty") as caught:
        lex(text)
    assert caught.value.code is FilterErrorCode.EMPTY


def test_the_length_is_limited() -> None:
    assert len(lex("a" * MAX_TEXT)) == 2
    with pytest.raises(FilterError, match="65,537 characters; the limit is 65,536") as caught:
        lex("a" * (MAX_TEXT + 1))
    assert caught.value.code is FilterErrorCode.SYNTAX
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "piece",
    [
        *("'", '"', "''a", '"a""', "/*", "/* */", "--", "--\n", "a.", "a-", "a .", ". ", "./**/"),
        *("1", "1.", "1e", "9_", "-", "+-", "=!", "`", "\u201c", "$", "$a", ":", "(", "[0", "a.0x"),
        *("é²", "\0", "a = 'b' OR ", "not ", "((a=1) or "),
    ],
)
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    text = (piece * MAX_TEXT)[:MAX_TEXT]
    began = time.process_time()
    with contextlib.suppress(FilterError):
        lex(text)
    # Hundreds of times what it takes; a pass for each token would take minutes.
    assert time.process_time() - began < 5
