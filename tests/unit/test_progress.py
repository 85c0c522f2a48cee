from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from spanduck._progress import end_progress, owned, progress

if TYPE_CHECKING:
    import pytest


def test_nothing_is_shown_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    with progress(unit="rows") as advance:
        advance("reading", 5)
    assert capfd.readouterr() == ("", "")


def test_each_stage_tells_how_much_is_done_and_how_fast(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with progress(unit="rows", is_wanted=True) as advance:
        advance("reading", 5)
    with progress(unit="values", total=4, is_wanted=True) as advance:
        advance("sending", 1)
        advance("sending", 3)
    shown = capfd.readouterr()
    reading, sending = shown.err.splitlines()
    assert "reading" in reading
    assert "5/?" in reading
    assert "sending" in sending
    assert "4/4" in sending
    assert "values/s" in sending
    assert shown.out == ""


def test_jobs_of_several_threads_share_one_display(capfd: pytest.CaptureFixture[str]) -> None:
    meeting = threading.Barrier(3, timeout=30)

    def work(name: str) -> None:
        with owned(name), progress(unit="rows", total=2, is_wanted=True) as advance:
            meeting.wait()
            advance("reading", 2)
            meeting.wait()

    threads = [threading.Thread(target=work, args=(f"{name}.sql",)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = capfd.readouterr().err.splitlines()
    assert sorted(line.split()[0] for line in lines) == ["a.sql:", "b.sql:", "c.sql:"]
    assert all("2/2" in line for line in lines)


def test_the_display_can_be_ended_under_a_job_that_goes_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with progress(unit="rows", is_wanted=True) as advance:
        advance("reading", 1)
        end_progress()
        end_progress()
        advance("reading", 1)
    assert len(capfd.readouterr().err.splitlines()) == 1
