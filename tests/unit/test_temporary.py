"""Temporary folders are removed, also those of processes that could not."""

from __future__ import annotations

import os
import stat
import tempfile
from typing import TYPE_CHECKING

import pytest

from spanduck._temporary import private_folder, remove_all, remove_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX = "spanduck-test-"
LONG_AGO = 1_000_000_000


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders of the test are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    remove_all()


def left_behind(place: Path, name: str, *, lock: bool = True) -> Path:
    """A folder of a process that was killed: a lock ends with its process."""
    folder = place / f"{PREFIX}{name}"
    folder.mkdir()
    (folder / "values").write_text("secret")
    if lock:
        (folder / "lock").touch()
    return folder


def test_a_folder_is_the_users_own_and_is_removed_with_what_is_in_it(place: Path) -> None:
    folder = private_folder(PREFIX)
    assert folder.parent == place
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "values").write_text("secret")
    for _ in range(2):
        remove_folder(folder)
        assert list(place.iterdir()) == []


def test_all_are_removed_by_a_process_that_ends_without_its_finalizers(place: Path) -> None:
    for _ in range(3):
        (private_folder(PREFIX) / "values").touch()
    remove_all()
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_one(place: Path) -> None:
    left_behind(place, "one")
    left_behind(place, "two")
    folder = private_folder(PREFIX)
    assert list(place.iterdir()) == [folder]


def test_what_somebody_still_uses_is_left_alone(place: Path) -> None:
    used = private_folder("spanduck-test-used-")
    # Of another prefix, so that all are looked at again.
    folder = private_folder(PREFIX)
    assert set(place.iterdir()) == {used, folder}


def test_a_folder_that_is_being_made_is_left_alone_for_a_day(place: Path) -> None:
    new = left_behind(place, "new", lock=False)
    old = left_behind(place, "old", lock=False)
    os.utime(old, (LONG_AGO, LONG_AGO))
    folder = private_folder(PREFIX)
    assert set(place.iterdir()) == {new, folder}


def test_what_only_looks_like_a_folder_is_left_alone(place: Path) -> None:
    elsewhere = left_behind(place.parent, "elsewhere")
    (place / f"{PREFIX}link").symlink_to(elsewhere)
    (place / f"{PREFIX}file").touch()
    folder = private_folder(PREFIX)
    assert len(list(place.iterdir())) == 3
    assert folder.exists()
    assert (elsewhere / "values").exists()
