"""Other calls while the server and a client are busy."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest

# Classes of the folder's conftest, which is no module to import from.
Bench: TypeAlias = Any
Figures: TypeAlias = Any

SECONDS = 15.0


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


@pytest.mark.parametrize("load", ["nothing", "an export and a busy client"])
def test_other_calls_are_answered_meanwhile(loaded: Bench, figures: Figures, load: str) -> None:
    if load == "nothing":
        took = loaded.measure("probe", "small", SECONDS / 3)["ms"]
    else:
        with loaded.start("busy", "large", SECONDS + 4) as busy:
            took = loaded.measure("probe", "small", SECONDS)["ms"]
            busy.communicate(timeout=600)
        assert busy.returncode == 0
    for kind, values in took.items():
        limit = "< 100" if load != "nothing" else ""
        figures.tell(
            f"{kind} call beside {load}, p99", p99(values), "ms", limit=limit, bound_by="two cores"
        )
        assert p99(values) < 100
