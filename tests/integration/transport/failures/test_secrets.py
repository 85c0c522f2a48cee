"""What no failure and no log may show."""

from __future__ import annotations

import json
import logging
import pickle
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from spanduck._transport.rest import RestTransport
from spanduck.exceptions import (
    ConfigError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spanduck._config import Settings


# A class of the folder's conftest, which is no module to import from.
CannedServer: TypeAlias = Any


class TestSecrets:
    def test_the_key_is_in_no_error_and_no_log(
        self,
        server: CannedServer,
        rest: RestTransport,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        body = tmp_path / "body"
        body.write_bytes(b"\xff\xff\xff\xff")
        caplog.set_level(logging.DEBUG)
        quoting = [
            server.problem(
                401,
                detail=f"no key {server.KEY}",
                title=server.KEY,
                instance=server.KEY,
                extra=[{"k": f"<{server.KEY}>"}],
            ),
            server.reply(401, f"Bearer {server.KEY} is wrong".encode()),
            server.reply(422, json.dumps({"error": server.KEY}).encode()),
            server.reply(503, f"<html><title>{server.KEY}</title>".encode(), retry_after="0"),
        ]
        for one in quoting:
            for call in (
                lambda: list(rest.spaces()),
                lambda: rest.upload(body, space="s", rows=1),
            ):
                server.answer(one)
                with pytest.raises(ServiceError) as caught:
                    call()
                error = caught.value
                shown = [str(error), repr(error), repr(error.__dict__), repr(pickle.dumps(error))]
                assert server.KEY not in "".join(shown)
                assert "***" in "".join(shown)
        assert all(server.KEY.encode() in request for request in server.requests)
        assert server.KEY not in caplog.text + "".join(repr(r.__dict__) for r in caplog.records)

    @pytest.mark.parametrize(
        "headers",
        [
            {"x-token": "hush\nhush"},
            {"x-token": "hush\0"},
            {"x-token": "hush\u20ac"},
            {"x token": "hush"},
            {"": "hush"},
            {"größe": "hush"},
            {"Authorization": "hush"},
            {"SDK-Version": "hush"},
            {"Grpc-Metadata-x": "hush"},
        ],
    )
    def test_a_header_that_cannot_be_sent_is_refused_without_its_value(
        self, server: CannedServer, settings: Callable[..., Settings], headers: dict[str, str]
    ) -> None:
        with (
            RestTransport(settings(default_headers=headers)) as rest,
            pytest.raises(ConfigError, match="default_headers") as caught,
        ):
            list(rest.spaces())
        assert caught.value.setting == "default_headers"
        assert "hush" not in str(caught.value) + repr(caught.value.__cause__)
        assert not server.requests

    def test_further_headers_are_sent(
        self, server: CannedServer, settings: Callable[..., Settings]
    ) -> None:
        with RestTransport(settings(default_headers={"X-Tenant": "größe"})) as rest:
            list(rest.spaces())
        assert "x-tenant: größe\r\n".encode("latin-1") in server.requests[0].lower()

    @pytest.mark.parametrize(
        "proxy", ["htp://u:hush@h", "socks5://u:hush@h", "u:hush@h", "http://u:hu/hush@h"]
    )
    def test_an_impossible_proxy_is_refused_without_its_password(
        self, settings: Callable[..., Settings], proxy: str
    ) -> None:
        given = settings(proxy_url=proxy)
        with RestTransport(given) as rest, pytest.raises(ConfigError, match="proxy_url") as caught:
            list(rest.spaces())
        assert "hush" not in str(caught.value) + repr(caught.value.__cause__) + repr(given)
