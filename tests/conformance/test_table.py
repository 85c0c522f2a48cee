"""The table itself: its rows, its differences, and what it needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conformance.clients import (
    CLIENTS,
    HOSTED,
    HOSTED_ENDPOINT,
    ON_HOSTED,
    ROWS,
    hosted_endpoint,
)
from tests.conformance.differences import DIFFERENCES
from tests.conformance.environments import environment

if TYPE_CHECKING:
    from arize import ArizeClient

    from spanduck.embedded import EmbeddedServer

FOLDER = Path(__file__).parent


@pytest.mark.parametrize(
    ("row", "where"), [(row, where) for row, known in DIFFERENCES.items() for where in known]
)
def test_a_known_difference_names_a_row_and_a_test(row: str, where: str) -> None:
    assert row in CLIENTS
    module, _, test = where.partition("::")
    name = test.partition("[")[0]
    assert re.search(rf"^def {name}\(", (FOLDER / module).read_text("utf-8"), re.MULTILINE)


def test_what_is_absent_is_skipped_unless_it_is_required() -> None:
    with pytest.raises(pytest.skip.Exception, match="`make environments`"):
        environment("nobody", required=())
    with pytest.raises(pytest.fail.Exception, match="`make environments`"):
        environment("nobody", required=("nobody",))


def test_a_hosted_service_is_in_the_table_only_where_it_is_named() -> None:
    assert any(row.endswith(ON_HOSTED) for row in ROWS) == (HOSTED_ENDPOINT is not None)


def test_every_client_joins_on_a_hosted_service(
    server: EmbeddedServer, vendor: ArizeClient
) -> None:
    environment("sdk-8.30")
    hosted = {
        "API_KEY": server.api_key,
        "SPACE": server.space_id,
        "PROJECT": "hosted",
        "API_HOST": "127.0.0.1",
        "API_SCHEME": "http",
        "API_PORT": str(server.rest_port),
        "FLIGHT_HOST": "127.0.0.1",
        "FLIGHT_PORT": str(server.flight_port),
        "FLIGHT_SCHEME": "grpc+tcp",
    }
    test = f"{FOLDER / 'test_delete.py'}::test_spans_are_deleted"
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "hosted", test],
        env={**os.environ, **{HOSTED + name: text for name, text in hosted.items()}},
        cwd=FOLDER.parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert f"{len(CLIENTS)} passed" in finished.stdout, finished.stdout
    projects = vendor.projects.list(name="hosted ", space=server.space_id).projects
    assert len(projects or []) == len(CLIENTS)


def test_half_a_hosted_service_is_refused() -> None:
    with pytest.raises(ValueError, match=f"also needs {HOSTED}SPACE, {HOSTED}PROJECT") as caught:
        hosted_endpoint({f"{HOSTED}API_KEY": "hosted-key-7391", "PATH": "/bin"})
    assert "hosted-key-7391" not in str(caught.value)
