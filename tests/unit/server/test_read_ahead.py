from __future__ import annotations

from spanduck.server.list_items import Selection
from spanduck.server.list_rows import Found
from spanduck.server.read_ahead import Batch, ReadAhead

SELECTION = Selection((), {}, {}, has_kind=True)


def batch(count: int, *, commits: int = 1, is_last: bool = False) -> Batch:
    found = [Found(-n, "trace", f"span-{n}", 0, n) for n in range(count)]
    return Batch(commits, found, is_last, SELECTION, {}, {})


def test_a_batch_is_given_once() -> None:
    ahead, kept = ReadAhead(), batch(5)
    ahead.keep("c", kept)
    assert ahead.take("c", commits=1, limit=5) is kept
    assert ahead.take("c", commits=1, limit=5) is None
    assert ahead.take("other", commits=1, limit=5) is None


def test_a_batch_of_another_state_is_not_given() -> None:
    ahead = ReadAhead()
    ahead.keep("c", batch(5))
    assert ahead.take("c", commits=2, limit=5) is None


def test_a_batch_that_is_too_short_is_given_only_at_the_end() -> None:
    ahead = ReadAhead()
    ahead.keep("c", batch(5))
    assert ahead.take("c", commits=1, limit=6) is None
    last = batch(5, is_last=True)
    ahead.keep("c", last)
    assert ahead.take("c", commits=1, limit=6) is last


def test_the_oldest_walks_are_forgotten() -> None:
    ahead = ReadAhead()
    for number in range(100):
        ahead.keep(f"c{number}", batch(1))
    assert ahead.take("c0", commits=1, limit=1) is None
    assert ahead.take("c99", commits=1, limit=1) is not None
