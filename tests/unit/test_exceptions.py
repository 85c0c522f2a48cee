from __future__ import annotations

import inspect
import pickle

import pytest

import spanduck.exceptions as module
from spanduck.exceptions import (
    Error,
    FilterError,
    IncompleteStreamError,
    Problem,
    RejectedError,
    did_you_mean,
)

CLASSES = [
    value
    for name, value in vars(module).items()
    if inspect.isclass(value) and issubclass(value, Exception)
]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_is_ours_and_survives_pickling(cls: type[Error]) -> None:
    error = cls("it failed on 'x'", next_step="Try 'y'.")
    error.__dict__["status"] = 404
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert isinstance(copy, Error)
    assert type(copy) is cls
    assert str(copy) == str(error) == "it failed on 'x'. Try 'y'."
    assert copy.__dict__ == error.__dict__


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_ends_in_error_and_is_in_the_drawn_tree(cls: type[Error]) -> None:
    assert cls.__name__.endswith("Error")
    assert cls.__name__ in (module.__doc__ or "")


def test_fields_keep_their_types() -> None:
    error = IncompleteStreamError("x", rows_received=3, rows_expected=5)
    assert (error.rows_received, error.rows_expected, error.retryable) == (3, 5, True)


def test_a_filter_error_shows_a_caret_under_the_token() -> None:
    error = FilterError("unknown operator", text="a =! 1", position=2)
    assert str(error) == "unknown operator (col 3)\n  a =! 1\n    ^"


def test_near_matches_ignore_case_and_come_best_first() -> None:
    assert (
        did_you_mean("STATUS", ["status", "statuses", "x"])
        == "Did you mean 'status' or 'statuses'?"
    )
    assert did_you_mean("zzz", ["status"]) == ""


def test_a_problem_tells_the_services_code() -> None:
    assert Problem(400, extras={"error_code": "BAD"}).error_code == "BAD"
    assert Problem(400, extras={"error_code": 7}).error_code == "7"
    assert Problem(400).error_code == ""


def test_a_service_error_keeps_its_problem_document() -> None:
    problem = Problem(422, "Unprocessable", "limit is 0", extras={"field": "limit"})
    copy = pickle.loads(pickle.dumps(RejectedError("no", status=422, problem=problem)))  # noqa: S301
    assert copy.problem == problem
