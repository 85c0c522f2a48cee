from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from spanduck import embedded
from spanduck._config import LocalSettings, ServiceSettings, Settings
from spanduck._folder import FolderLock, is_locked, read_address
from spanduck.exceptions import StoreError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _settings(home: Path) -> Settings:
    return Settings(ServiceSettings(), LocalSettings(home=home))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home folder whose server, if any, is ended after the test."""
    yield tmp_path / "home"
    address = read_address(tmp_path / "home")
    if address is not None and is_locked(tmp_path / "home"):
        os.kill(address.pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while is_locked(tmp_path / "home"):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_with_a_key_nothing_is_started(home: Path) -> None:
    settings = Settings(ServiceSettings(api_key="k"), LocalSettings(home=home))
    assert embedded.ensure_default(settings) is settings
    assert not home.exists()


def test_without_a_key_a_server_is_started_and_then_joined(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = embedded.ensure_default(_settings(home))
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert str(home) in said.err
    assert first.service.key not in said.err
    second = embedded.ensure_default(_settings(home))
    assert capfd.readouterr().err == ""
    assert second.service == first.service
    assert first.service.rest_url.startswith("http://127.0.0.1:")
    assert first.service.flight_location.startswith("grpc+tcp://127.0.0.1:")
    assert first.service.space == "default"


def test_the_server_is_in_a_session_of_its_own(home: Path) -> None:
    embedded.ensure_default(_settings(home))
    address = read_address(home)
    assert address is not None
    assert os.getsid(address.pid) == address.pid


def test_a_server_that_was_killed_is_replaced(home: Path) -> None:
    first = embedded.ensure_default(_settings(home))
    address = read_address(home)
    assert address is not None
    os.kill(address.pid, signal.SIGKILL)
    while is_locked(home):
        time.sleep(0.01)
    assert read_address(home) == address
    second = embedded.ensure_default(_settings(home))
    assert second.service.key != first.service.key
    replaced = read_address(home)
    assert replaced is not None
    assert replaced.pid != address.pid


def test_racing_starters_end_with_one_server(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from spanduck import embedded;"
        "from spanduck._config import LocalSettings, ServiceSettings, Settings;"
        "s = embedded.ensure_default("
        "Settings(ServiceSettings(), LocalSettings(home=Path(sys.argv[1]))));"
        "import json; print(json.dumps([s.service.api_port, s.service.key]))"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    answers = [starter.communicate(timeout=60) for starter in starters]
    found = [json.loads(out) for out, _ in answers]
    assert all(answer == found[0] for answer in found)
    # The one that started the server says so; the others joined it.
    assert sorted(err.count(b"local server was started") for _, err in answers) == [0, 0, 0, 1]


def test_somebody_who_holds_the_lock_and_does_not_answer_is_reported(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_SHARED_LIMIT_S", 0.5)
    with FolderLock(home), pytest.raises(UnavailableError, match="did not answer within"):
        embedded.ensure_default(_settings(home))


@pytest.mark.parametrize("is_within", [False, True])
def test_a_home_that_is_a_file_is_told_with_the_next_step(home: Path, *, is_within: bool) -> None:
    home.write_text("span_id\n")
    with pytest.raises(StoreError, match="it is no folder") as caught:
        embedded.ensure_default(_settings(home / "deeper" if is_within else home))
    assert str(home) in caught.value.message
    assert "SPANDUCK_HOME" in str(caught.value.next_step)
    assert home.read_text() == "span_id\n"


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    home.mkdir()
    (home / "store.duckdb").write_bytes(b"this is no database" * 1_000)
    with pytest.raises(StoreError, match="cannot be opened"):
        embedded.ensure_default(_settings(home))
