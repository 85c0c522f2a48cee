"""What a row of the table is known to do otherwise: section 14 of the protocol reference.

Each is a strict expected failure, so that a difference that ends fails the build. What differs only
in how it is said is in `clients.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from spanduck.exceptions import ValidationError


@dataclass(frozen=True)
class Difference:
    """What the client raises instead, and why."""

    raises: type[Exception]
    reason: str


GRANULARITY = Difference(
    TypeError, "up to 8.42.0 only spans can be annotated, no traces and no sessions"
)
COLUMNS = Difference(TypeError, "up to 8.42.0 a list chooses no columns and cuts no texts")
SAMPLES = Difference(TypeError, "an export of 8.30 takes no sample_rate")

# By row, by `module::test`, or `module::test[case]` for one case of a test with several.
DIFFERENCES: dict[str, dict[str, Difference]] = {
    "vendor 8.30": {
        "test_annotate.py::test_what_the_service_refuses[no root]": GRANULARITY,
        "test_annotate.py::test_what_the_service_refuses[no such session]": GRANULARITY,
        "test_annotate.py::test_traces_and_sessions_are_annotated_at_their_roots": GRANULARITY,
        "test_delete.py::test_a_window_bounds_the_delete": Difference(
            TypeError, "a deletion takes no window before 8.37.1"
        ),
        "test_list.py::test_columns_are_chosen_and_texts_are_cut": COLUMNS,
        "test_list.py::test_bad_arguments_are_refused[both column lists]": COLUMNS,
        "test_exports.py::test_a_sample_keeps_whole_traces_and_is_the_same_again": SAMPLES,
    },
    "spanduck": {
        "test_spans.py::test_a_span_doubled_by_a_join_of_the_client_is_one_span": Difference(
            ValidationError, "two evaluations of one name and span are refused before they are sent"
        ),
    },
}


def difference(client: str, module: str, test: str, row: str) -> Difference | None:
    """Return what is known of a test, whose name carries the row among its cases."""
    known = DIFFERENCES.get(client, {})
    name, _, cases = test.removesuffix("]").partition("[")
    case = "-".join(part for part in cases.replace(row, "").split("-") if part)
    return known.get(f"{module}::{name}[{case}]", known.get(f"{module}::{name}"))
