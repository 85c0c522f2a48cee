"""The vendor's command line, as it is installed, on the embedded server.

It is pointed there by its profile alone: it has no setting for a port of REST, but sends what the
profile calls a host as it is.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.conformance.environments import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    import pandas as pd
    from tests.conformance.clients import Client

    Ax: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]

    from spanduck.embedded import EmbeddedServer

TIME_LIMIT_S = 120
# Of its own errors of a call, where the program itself went well.
CALL_FAILED = 4
PROFILE = """
[profile]
name = "local"

[auth]
auth_method = "api-key"
api_key = "${{AX_KEY}}"

[routing]
api_host = "127.0.0.1:{rest_port}"
api_scheme = "http"
flight_host = "127.0.0.1"
flight_port = "{flight_port}"
flight_scheme = "grpc+tcp"

# It would ask a package index for newer versions of itself.
[update]
enabled = false
"""


@pytest.fixture
def ax(server: EmbeddedServer, tmp_path: Path) -> Ax:
    """Return a function that runs the command in an empty folder, its home."""
    program = environment("ax-cli") / "ax"
    settings = tmp_path / ".arize"
    (settings / "profiles").mkdir(parents=True)
    ports = {"rest_port": server.rest_port, "flight_port": server.flight_port}
    (settings / "profiles" / "local.toml").write_text(PROFILE.format(**ports), encoding="utf-8")
    (settings / ".active_profile").write_text("local", encoding="utf-8")

    def run(
        *arguments: str, given: str = "", key: str = server.api_key
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments],
            env={
                "HOME": str(tmp_path),
                "AX_KEY": key,
                "no_proxy": "127.0.0.1",
                "TQDM_DISABLE": "1",
                # Its messages are not cut into lines of a terminal.
                "COLUMNS": "1000",
            },
            cwd=tmp_path,
            input=given,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=False,
        )

    return run


@pytest.fixture
def logged(connect: Callable[..., Client], make_spans: Callable[..., pd.DataFrame]) -> Client:
    """A client whose project holds six spans in two traces."""
    client = connect("spanduck")
    client.log(make_spans(6, **{"attributes.session.id": ["a", "a", "a", "b", "b", "b"]}))
    return client


def span_ids(*numbers: int) -> list[str]:
    return [f"span-{number:010}" for number in numbers]


def printed(finished: subprocess.CompletedProcess[str]) -> Any:
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_spans_are_listed(ax: Ax, logged: Client) -> None:
    spans = printed(
        ax("spans", "export", logged.project, "--space", logged.space, "--limit", "2", "--stdout")
    )
    assert [span["context"]["span_id"] for span in spans] == span_ids(5, 4)
    assert [(span["kind"], span["status_code"]) for span in spans] == [
        ("TOOL", "UNSET"),
        ("LLM", "ERROR"),
    ]
    assert spans[0]["attributes"] == {"openinference.span.kind": "TOOL", "session.id": "b"}


def test_spans_are_exported_by_flight(ax: Ax, logged: Client) -> None:
    chosen = ["--all", "--filter", "status_code = 'ERROR'", "--stdout"]
    spans = printed(ax("spans", "export", logged.project, "--space", logged.space, *chosen))
    assert [span["context.span_id"] for span in spans] == span_ids(1, 4)
    assert [span["attributes.session.id"] for span in spans] == ["a", "b"]
    assert [span["latency_ms"] for span in spans] == [1500.0, 1500.0]


def test_whole_traces_are_written_to_a_file(ax: Ax, logged: Client, tmp_path: Path) -> None:
    chosen = ["--filter", "attributes.session.id = 'b'", "--output-dir", str(tmp_path / "out")]
    finished = ax("traces", "export", logged.project, "--space", logged.space, *chosen)
    assert finished.returncode == 0, finished.stderr
    (file,) = tmp_path.glob("out/*/*.json")
    spans = json.loads(file.read_text(encoding="utf-8"))
    assert sorted(span["context"]["span_id"] for span in spans) == span_ids(3, 4, 5)


def test_spans_are_annotated(ax: Ax, logged: Client) -> None:
    known, unknown = (
        json.dumps([{"record_id": id_, "values": [{"name": "accuracy", "label": label}]}])
        for id_, label in ((span_ids(3)[0], "good"), ("no-such-span", "bad"))
    )
    command = ["spans", "annotate", logged.project, "--space", logged.space, "--file", "-"]
    finished = ax(*command, given=known)
    assert finished.returncode == 0, finished.stderr
    finished = ax(*command, given=unknown)
    assert (finished.returncode, finished.stdout) == (CALL_FAILED, "")
    assert "no-such-span" in finished.stderr
    labels = {id_: row["annotation.accuracy.label"] for id_, row in logged.rows_by_id().items()}
    assert {id_: label for id_, label in labels.items() if label} == {span_ids(3)[0]: "good"}


def test_spans_are_deleted(ax: Ax, logged: Client) -> None:
    command = ["spans", "delete", logged.project, "--space", logged.space, "--span-id"]
    finished = ax(*command, ",".join(span_ids(0, 4)), "--force")
    # It still reads any answer with a body as the part of a deletion, which such an answer was up to
    # SDK 8.37.0; the program that it is today gets no other.
    assert (finished.returncode, finished.stdout) == (0, "")
    assert "2 of 2 span(s) deleted" in finished.stderr
    assert sorted(logged.rows_by_id()) == span_ids(1, 2, 3, 5)


def test_a_bad_filter_is_shown_with_its_place(ax: Ax, logged: Client) -> None:
    filtered = ["--filter", "statuscode = 'ERROR'", "--stdout"]
    finished = ax("spans", "export", logged.project, "--space", logged.space, *filtered)
    assert (finished.returncode, finished.stdout) == (CALL_FAILED, "")
    assert "did you mean status_code" in finished.stderr
    assert "^^^^^^^^^^" in finished.stderr


def test_a_wrong_key_shows_nothing(ax: Ax, logged: Client) -> None:
    key = "wrong-key-7391"
    finished = ax("spans", "export", logged.project, "--space", logged.space, "--stdout", key=key)
    assert (finished.returncode, finished.stdout) == (CALL_FAILED, "")
    assert "401" in finished.stderr
    assert key not in finished.stderr
