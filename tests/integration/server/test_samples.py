from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from spanduck import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator


def _sample(caller: Any, rate: float, project: str = "sampled", **command: Any) -> set[str]:
    asked = {"projected_columns": ("context.span_id",), **command}
    table = caller.export(project, sample_rate=rate, **asked)
    return set(table["context.span_id"].to_pylist())


@pytest.fixture(scope="module")
def sampled(module_server: Any, tools: Any) -> Iterator[Any]:
    """A caller of a server with 4,000 spans of 1,000 traces."""
    caller = tools.Caller(module_server)
    caller.upload(tools.spans(4_000), "sampled")
    yield caller
    caller.close()


def test_a_sample_is_of_whole_traces_and_of_about_its_size(sampled: Any) -> None:
    for rate in (0.05, 0.3, 0.9):
        table = sampled.export("sampled", sample_rate=rate)
        traces = table["context.trace_id"].to_pylist()
        assert all(traces.count(trace) == 4 for trace in set(traces))
        # Five standard deviations of a thousand traces.
        assert abs(len(set(traces)) - 1_000 * rate) < 5 * (1_000 * rate * (1 - rate)) ** 0.5


def test_a_smaller_sample_is_part_of_a_larger_one(sampled: Any) -> None:
    samples = [_sample(sampled, rate) for rate in (1e-6, 0.01, 0.2, 0.5, 1 - 2**-53, 1)]
    for smaller, larger in pairwise(samples):
        assert smaller <= larger
    assert len(samples[-1]) == 4_000


def test_a_sample_is_the_same_in_another_place_and_after_more_spans(
    sampled: Any, tools: Any
) -> None:
    sampled.upload(tools.spans(4_000), "sampled again")
    sampled.upload(tools.spans(400, first=4_000), "sampled again")
    first = _sample(sampled, 0.25)
    again = _sample(sampled, 0.25, "sampled again")
    assert first == {span for span in again if span < "span-000000004000"}


def test_whether_a_trace_is_in_a_sample_can_be_worked_out(sampled: Any) -> None:
    # Not only the same again: samples of different years and releases are compared.
    def is_in(trace: str) -> bool:
        number = int.from_bytes(hashlib.md5(trace.encode()).digest()[:8], "little")  # noqa: S324
        return number < 0.25 * 2**64

    wanted = {f"span-{n:012d}" for n in range(4_000) if is_in(f"trace-{n // 4:012d}")}
    assert _sample(sampled, 0.25) == wanted


def test_a_sample_survives_a_restart(tmp_path: Any, tools: Any) -> None:
    samples: list[set[str]] = []
    for _ in range(2):
        with embedded.serve(tmp_path / "store") as server:
            caller = tools.Caller(server)
            if not samples:
                caller.upload(tools.spans(400), "sampled")
            samples.append(_sample(caller, 0.5))
            caller.close()
    assert samples[0] == samples[1]


def test_spans_without_a_trace_are_sampled_one_by_one(caller: Any, tools: Any) -> None:
    table = tools.spans(1_000)
    caller.upload(table.set_column(1, "context.trace_id", pa.array([""] * 1_000)), "traceless")
    assert 400 < len(_sample(caller, 0.5, "traceless")) < 600


def test_a_filter_selects_from_the_sample(sampled: Any) -> None:
    sample = _sample(sampled, 0.5)
    text = "name = 'operation 3' OR name = 'operation 5'"
    filtered = _sample(sampled, 0.5, filter_expression=text)
    named = _sample(sampled, 1, filter_expression=text)
    assert filtered == sample & named
    assert 0 < len(filtered) < len(named)


@pytest.mark.parametrize("rate", [0.0, 9.9e-7, -0.5, 1.0000001, 5e300])
def test_a_rate_out_of_range_is_refused(sampled: Any, rate: float) -> None:
    with pytest.raises(pa.ArrowInvalid, match="sampleRate is"):
        sampled.info("sampled", sample_rate=rate)
