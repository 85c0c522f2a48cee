"""`spanduck config`: what is set, where it came from, and whether the service answers."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import Any, TypeAlias

import pytest

from spanduck._config import LocalSettings, ServiceSettings

# Classes of the folder's conftest, which is no module to import from.
Command: TypeAlias = Any

KEY = "ak-very-secret-12345"
SETTINGS = f"""
notice_rows = 7

[service]
api_host = "ax.example"
proxy_url = "http://me:{KEY}@proxy.example:3128"

[service.default_headers]
x-gateway = "{KEY}"

[profiles.staging]
space = "staging"
"""


def told(command: Command, *arguments: str, **variables: str) -> dict[str, Any]:
    done = command("config", "--format", "json", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr
    document = json.loads(done.stdout)
    return {item["name"]: item for item in document["settings"]} | {"document": document}


def test_every_setting_has_a_value_a_source_and_a_help(bare_command: Command) -> None:
    settings = told(bare_command)
    document = settings.pop("document")
    assert settings.keys() == {*ServiceSettings.model_fields, *LocalSettings.model_fields}
    for item in settings.values():
        assert item["help"].endswith("."), item
        assert re.fullmatch(r"(ARIZE|SPANDUCK)_[A-Z_]+", item["variable"])
    assert settings["read_timeout_s"]["value"] == 60
    assert settings["read_timeout_s"]["unit"] == "s"
    assert {settings[name]["source"] for name in ("space", "api_host", "home")} == {"default"}
    assert document["rest_url"] == "https://api.arize.com"
    # Nothing is started to show settings.
    assert not (bare_command.folder / ".spanduck").exists()


def test_each_value_says_where_it_came_from(bare_command: Command) -> None:
    (bare_command.folder / "spanduck.toml").write_text(SETTINGS, encoding="utf-8")
    settings = told(
        bare_command, SPANDUCK_PROFILE="staging", ARIZE_API_KEY=KEY, SPANDUCK_READ_TIMEOUT_S="5"
    )
    file = str(bare_command.folder / "spanduck.toml")
    sources = {name: settings[name]["source"] for name in settings if name != "document"}
    assert sources["api_key"] == "environment ARIZE_API_KEY"
    assert sources["read_timeout_s"] == "environment SPANDUCK_READ_TIMEOUT_S"
    assert sources["api_host"] == f"{file} [service]"
    assert sources["space"] == f"{file} [profiles.staging]"
    assert sources["notice_rows"] == file
    assert settings["api_key"]["value"] == "***"
    assert settings["proxy_url"]["value"] == "http://***@proxy.example:3128"
    assert settings["default_headers"]["value"] == {"x-gateway": "***"}
    assert settings["notice_rows"]["value"] == 7
    assert settings["document"]["rest_url"] == "https://ax.example"


def test_the_table_is_for_people(bare_command: Command) -> None:
    (bare_command.folder / "spanduck.toml").write_text(SETTINGS, encoding="utf-8")
    done = bare_command("config", ARIZE_API_KEY=KEY)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert re.search(r"\*\*\* +environment ARIZE_API_KEY", lines["api_key"])
    assert re.search(r"60 s +default", lines["read_timeout_s"])
    assert lines["api_host"].rstrip().endswith("spanduck.toml [service]")
    assert KEY not in done.stdout + done.stderr
    assert "https://ax.example" in done.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ARIZE_API_PORT": "eighty"}, ["api_port", "'eighty'", "environment ARIZE_API_PORT"]),
        ({"ARIZE_DEFAULT_HEADERS": f"{{{KEY}"}, ["default_headers", "JSON"]),
        ({"ARIZE_DEFAULT_HEADERS": f'{{"x": ["{KEY}"]}}'}, ["default_headers"]),
        ({"SPANDUCK_PROFILE": "nobody"}, ["nobody"]),
    ],
)
def test_an_impossible_setting_is_bad_usage(
    bare_command: Command, variables: dict[str, str], words: list[str]
) -> None:
    done = bare_command("config", **variables)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert KEY not in done.stderr


class TestCheck:
    def test_both_halves_the_space_and_its_projects_are_told(self, command: Command) -> None:
        done = command("config", "--check")
        assert done.returncode == 0, done.stderr
        rest, space, flight = done.stdout.splitlines()
        assert re.match(r"rest +http://127\.0\.0\.1:\d+ +ok", rest)
        assert re.match(r"space +default \(\S+\) +ok +1 project\b", space)
        assert re.match(r"flight +grpc\+tcp://127\.0\.0\.1:\d+ +ok", flight)
        assert done.stderr == ""

    def test_programs_get_json(self, command: Command) -> None:
        done = command("config", "--check", "-f", "json")
        document = json.loads(done.stdout)
        assert document["ok"]
        assert (document["space_name"], document["projects"]) == ("default", 1)
        assert document["flight"]["error"] is None

    def test_with_nothing_configured_it_is_the_local_server(self, bare_command: Command) -> None:
        done = bare_command("config", "--check", "-f", "json")
        address = json.loads((bare_command.folder / ".spanduck" / "server.json").read_text())
        os.kill(address["pid"], signal.SIGTERM)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert document["projects"] == 0
        assert document["space_id"] == address["space_id"]

    @pytest.mark.parametrize(
        ("variables", "states", "words"),
        [
            ({"ARIZE_API_PORT": "1"}, ["failed", "not tried", "ok"], ["rest: ", "api_port"]),
            ({"ARIZE_FLIGHT_PORT": "1"}, ["ok", "ok", "failed"], ["flight: ", "ARIZE_FLIGHT_PORT"]),
            ({"ARIZE_FLIGHT_SCHEME": "grpc+tls"}, ["ok", "ok", "failed"], ["grpc+tcp"]),
            ({"ARIZE_API_KEY": KEY}, ["failed", "not tried", "failed"], ["ARIZE_API_KEY"]),
            (
                {"ARIZE_SPACE": "defalt"},
                ["ok", "failed", "ok"],
                ["space: ", "Did you mean 'default'"],
            ),
            ({"ARIZE_SPACE": ""}, ["ok", "failed", "ok"], ["ARIZE_SPACE", "'default'"]),
        ],
    )
    def test_which_half_failed_is_told_with_the_next_step(
        self, command: Command, variables: dict[str, str], states: list[str], words: list[str]
    ) -> None:
        done = command("config", "--check", **variables, SPANDUCK_CONNECT_TIMEOUT_S="2")
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        shown = [re.split(r" {2,}", line.strip())[2] for line in done.stdout.splitlines()]
        assert shown == states
        for word in words:
            assert word in done.stderr
        assert KEY not in done.stdout + done.stderr

    def test_a_failure_is_json_too(self, command: Command) -> None:
        done = command("config", "--check", "-f", "json", ARIZE_API_KEY=KEY)
        assert done.returncode == 1
        document = json.loads(done.stdout)
        assert not document["ok"]
        assert document["rest"]["error"]["type"] == "AuthenticationError"
        assert document["rest"]["error"]["next_step"]
        assert document["projects"] is None
