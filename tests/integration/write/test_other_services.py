"""What is looked up at services that answer otherwise than ours: more rows, other types, no end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck._transport.flight import FlightTransport
from spanduck._write_back.held import HELD_SCHEMA, held_values
from spanduck._write_back.keys import KEY_SCHEMA, matches, span_key
from spanduck.exceptions import IncompleteStreamError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

SPANS = 600
LONG_IDS = [f"{number:0128d}" for number in range(SPANS)]


def held(service: Any, names: list[tuple[str, str]], ids: pa.Array | None = None) -> pa.Table:
    settings = service.settings()
    with FlightTransport(settings) as flight:
        reading = held_values(
            flight, settings, space="s", project="p", kind="eval", names=names, span_ids=ids
        )
        return pa.Table.from_batches(reading, HELD_SCHEMA)


def found(service: Any, key: str, wanted: list[str]) -> Counter[str]:
    settings = service.settings()
    with FlightTransport(settings) as flight:
        reading = matches(
            flight,
            settings,
            space="s",
            project="p",
            key=span_key(key),
            wanted=pa.array(wanted),
        )
        return Counter(pa.Table.from_batches(reading, KEY_SCHEMA)["span_id"].to_pylist())


def filters(service: Any) -> list[str]:
    return [command.filter_expression for command in service.commands]


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_service_that_filters_nothing_has_each_value_told_once(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table], is_refused: bool
) -> None:
    labels = {"eval.Tone.label": ["a"] * SPANS}
    fake_service.tables["p"] = make_wire_spans(SPANS, **{"context.span_id": LONG_IDS}, **labels)
    if is_refused:
        fake_service.misbehaviour.refuses = lambda text: (
            pa.ArrowInvalid("no such filter") if text else None
        )
    got = held(fake_service, [("span", "Tone")], pa.array(LONG_IDS[:400]))
    assert Counter(got["span_id"].to_pylist()) == Counter(LONG_IDS[:400])
    assert sum(" IN " in text for text in filters(fake_service)) > 2
    assert found(fake_service, "span_id", LONG_IDS[:400]) == Counter(LONG_IDS[:400])


@pytest.mark.parametrize("is_refused", [False, True])
def test_keys_within_the_metadata_are_looked_at_again(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table], is_refused: bool
) -> None:
    documents = [f'{{"order_id": "{number:0100d}", "n": {number}}}' for number in range(SPANS)]
    fake_service.tables["p"] = make_wire_spans(SPANS, **{"attributes.metadata": documents})
    if is_refused:
        fake_service.misbehaviour.refuses = lambda text: (
            pa.ArrowInvalid("no such filter") if text else None
        )
    wanted = [f"{number:0100d}" for number in range(200)]
    ids = Counter(f"span-{number:012d}" for number in range(200))
    assert found(fake_service, "attributes.metadata.order_id", wanted) == ids
    assert found(fake_service, "attributes.metadata.n", [str(n) for n in range(200)]) == ids


def test_values_of_other_types_are_told_as_text_and_double(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["p"] = make_wire_spans(
        3,
        **{
            "eval.A.label": pa.array(["x", None, "y"], pa.large_string()),
            "eval.A.score": pa.array([1, 2, None], pa.int32()),
            "eval.A.explanation": pa.array([None, None, "z"], pa.large_string()),
            "eval.B.label": pa.array([7, None, None], pa.int64()),
            "eval.B.score": pa.array([None, "0.5", None]),
        },
    )
    got = held(fake_service, [("span", "A"), ("span", "B")])
    assert sorted(map(str, got.drop_columns(["span_id", "level"]).to_pylist())) == sorted(
        map(
            str,
            [
                {"name": "A", "label": "x", "score": 1.0, "body": None},
                {"name": "A", "label": None, "score": 2.0, "body": None},
                {"name": "A", "label": "y", "score": None, "body": "z"},
                {"name": "B", "label": "7", "score": None, "body": None},
                {"name": "B", "label": None, "score": 0.5, "body": None},
            ],
        )
    )


def test_a_held_score_that_is_no_number_is_named(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["p"] = make_wire_spans(1, **{"eval.A.score": ["high"]})
    with pytest.raises(ValidationError, match=r"eval\.A\.score"):
        held(fake_service, [("span", "A")])


def test_a_stream_that_ends_early_is_no_answer(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["p"] = make_wire_spans(3000, **{"eval.A.label": ["x"] * 3000})
    fake_service.misbehaviour.stop_after = 1
    with pytest.raises(IncompleteStreamError):
        held(fake_service, [("span", "A")])
    with pytest.raises(IncompleteStreamError):
        found(fake_service, "trace", ["trace-000000000001"])


def test_columns_that_came_since_are_seen(
    fake_service: Any, make_wire_spans: Callable[..., pa.Table]
) -> None:
    fake_service.tables["p"] = make_wire_spans(2)
    assert not held(fake_service, [("span", "A")]).num_rows
    fake_service.tables["p"] = make_wire_spans(2, **{"eval.A.label": ["x", "y"]})
    assert held(fake_service, [("span", "A")]).num_rows == 2
