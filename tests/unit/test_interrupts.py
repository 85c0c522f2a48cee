"""Ctrl-C ends work where it can be accounted for."""

from __future__ import annotations

import signal
import threading
from contextvars import ContextVar

import pytest

from spanduck._interrupts import run_beside

LONG_S = 60.0
_word: ContextVar[str] = ContextVar("_word", default="")


def press_ctrl_c() -> None:
    """As the terminal does: the main thread has the handler."""
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def main_thread_listens() -> None:
    assert threading.current_thread() is threading.main_thread()


def test_what_the_work_returns_is_returned_and_what_it_raises_is_raised() -> None:
    def fail() -> None:
        raise ValueError("no")

    assert run_beside(lambda: 1, cancel=int, grace_s=LONG_S) == 1
    with pytest.raises(ValueError, match="no"):
        run_beside(fail, cancel=int, grace_s=LONG_S)


def test_the_work_has_the_context_of_the_caller() -> None:
    token = _word.set("here")
    assert run_beside(_word.get, cancel=int, grace_s=LONG_S) == "here"
    _word.reset(token)


def test_in_another_thread_the_work_runs_in_that_one() -> None:
    seen: list[threading.Thread] = []

    def work() -> None:
        seen.append(run_beside(threading.current_thread, cancel=int, grace_s=LONG_S))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [thread]


def test_ctrl_c_cancels_and_waits_for_the_work_to_end() -> None:
    stop, ended = threading.Event(), threading.Event()

    def work() -> None:
        press_ctrl_c()
        stop.wait(LONG_S)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        run_beside(work, cancel=stop.set, grace_s=LONG_S)
    assert ended.is_set()


def test_what_the_first_cancel_came_too_early_for_is_cancelled_again() -> None:
    stop = threading.Event()
    calls: list[int] = []

    def cancel() -> None:
        calls.append(1)
        if len(calls) > 2:
            stop.set()

    def work() -> bool:
        press_ctrl_c()
        return stop.wait(LONG_S)

    with pytest.raises(KeyboardInterrupt):
        run_beside(work, cancel=cancel, grace_s=LONG_S)
    assert len(calls) == 3


def test_work_that_does_not_end_is_waited_for_only_so_long() -> None:
    stop = threading.Event()

    def work() -> bool:
        press_ctrl_c()
        return stop.wait(LONG_S)

    with pytest.raises(KeyboardInterrupt):
        run_beside(work, cancel=int, grace_s=0.01)
    stop.set()


@pytest.mark.parametrize("grace_s", [0.01, LONG_S])
def test_a_result_that_nobody_gets_is_discarded(grace_s: float) -> None:
    stop, discarded = threading.Event(), threading.Event()

    def work() -> str:
        press_ctrl_c()
        stop.wait(LONG_S)
        return "result"

    def cancel() -> None:
        if grace_s == LONG_S:
            stop.set()

    with pytest.raises(KeyboardInterrupt):
        run_beside(work, cancel=cancel, grace_s=grace_s, discard=lambda _: discarded.set())
    stop.set()
    assert discarded.wait(LONG_S)


def test_what_the_work_says_of_its_end_is_not_what_is_raised() -> None:
    stop = threading.Event()

    def work() -> None:
        press_ctrl_c()
        stop.wait(LONG_S)
        raise RuntimeError("Query interrupted")

    with pytest.raises(KeyboardInterrupt) as told:
        run_beside(work, cancel=stop.set, grace_s=LONG_S)
    assert told.value.__context__ is None
