"""The way to the service: proxies of a setting and of the environment, and whose certificates count."""

from __future__ import annotations

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.flight as fl  # noqa: TID251 - a server for the tests
import pytest

from spanduck._config import load_settings
from spanduck._transport.flight import FlightTransport
from spanduck._transport.rest import RestTransport
from spanduck._wire import ExportCommand
from spanduck.exceptions import ConfigError, ServiceError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanduck._config import Settings

# Of a CA of its own, for localhost and 127.0.0.1, until 2126. They secure nothing.
CERTIFICATES = Path(__file__).parent / "certificates"
CA, CERTIFICATE, PRIVATE_KEY = (
    CERTIFICATES / name for name in ("ca.pem", "server.pem", "server.key")
)
GOOD = b'{"spaces": [], "pagination": {"has_more": false}}'
# Nobody has this name, so that whoever asks for it without a proxy finds nobody.
ELSEWHERE = "service.invalid"


class Server:
    """A REST service, and a proxy to it: whatever is asked for gets the same answer."""

    def __init__(self, *, tls: bool = False) -> None:
        self.targets: list[str] = []
        self.authorizations: list[str | None] = []
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE, PRIVATE_KEY)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.port = int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(GOOD)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(b"{}")

            def do_CONNECT(self) -> None:
                # The tunnel would need the service behind it; that it is asked for is enough.
                server.status = 502
                self._answer(b"")

            def _answer(self, body: bytes) -> None:
                server.targets.append(f"{self.command} {self.path}")
                server.authorizations.append(self.headers["Proxy-Authorization"])
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "GRPC_PROXY",
        "NO_GRPC_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in (
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def proxy() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def tls_server() -> Iterator[Server]:
    server = Server(tls=True)
    yield server
    server.close()


@pytest.fixture
def tls_flight() -> Iterator[fl.FlightServerBase]:
    class Answering(fl.FlightServerBase):  # type: ignore[misc]  # pyarrow is untyped
        def get_flight_info(self, context: Any, descriptor: Any) -> fl.FlightInfo:
            return fl.FlightInfo(pa.schema([]), descriptor, [], 7, -1)

    pair = (CERTIFICATE.read_bytes(), PRIVATE_KEY.read_bytes())
    with Answering("grpc+tls://127.0.0.1:0", tls_certificates=[pair]) as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Any:
    def make(**overrides: Any) -> Settings:
        given = {"api_key": "ak-1234567890", "space": "s", "connect_timeout_s": 2.0, **overrides}
        return load_settings(given, cwd=tmp_path)

    return make


def at(server: Server, scheme: str = "http") -> dict[str, Any]:
    return {"api_host": "127.0.0.1", "api_scheme": scheme, "api_port": server.port}


def ask(settings: Settings) -> None:
    with RestTransport(settings) as rest:
        assert list(rest.spaces()) == []


def ask_flight(settings: Settings) -> int:
    with FlightTransport(settings) as flight:
        return flight.get_info(ExportCommand("s", "p")).total_records


class TestProxies:
    def test_reads_and_uploads_go_through_the_proxy_of_the_setting(
        self, proxy: Server, settings: Any, tmp_path: Path
    ) -> None:
        body = tmp_path / "body"
        body.write_bytes(b"x")
        given = settings(
            api_host=ELSEWHERE, api_scheme="http", proxy_url=f"http://me:pw@127.0.0.1:{proxy.port}"
        )
        with RestTransport(given) as rest:
            list(rest.spaces())
            rest.upload(body, space="s", rows=1)
        assert proxy.targets == [
            f"GET http://{ELSEWHERE}/v2/spaces?limit=100",
            f"POST http://{ELSEWHERE}/v1/pandas_arrow",
        ]
        assert proxy.authorizations == ["Basic bWU6cHc="] * 2

    def test_the_setting_is_read_from_the_environment_and_holds_for_this_machine_too(
        self, proxy: Server, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ARIZE_PROXY_URL", f"http://127.0.0.1:{proxy.port}")
        ask(settings(api_host="localhost", api_scheme="http", api_port=1))
        assert proxy.targets == ["GET http://localhost:1/v2/spaces?limit=100"]

    @pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
    def test_without_it_the_proxies_of_the_environment_are_used(
        self, proxy: Server, settings: Any, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        ask(settings(api_host=ELSEWHERE, api_scheme="http"))
        assert proxy.targets == [f"GET http://{ELSEWHERE}/v2/spaces?limit=100"]

    def test_https_asks_the_proxy_for_a_tunnel_and_says_when_it_refuses(
        self, proxy: Server, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:hush@127.0.0.1:{proxy.port}")
        with pytest.raises(UnavailableError, match="proxy") as caught:
            ask(settings(api_host=ELSEWHERE))
        assert proxy.targets[0] == f"CONNECT {ELSEWHERE}:443"
        assert "HTTPS_PROXY" in str(caught.value)
        assert "hush" not in str(caught.value) + repr(caught.value.__cause__)

    @pytest.mark.parametrize("exempt", [ELSEWHERE, "*", ".invalid"])
    def test_no_proxy_exempts_hosts(
        self, proxy: Server, settings: Any, monkeypatch: pytest.MonkeyPatch, exempt: str
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", exempt)
        with pytest.raises(UnavailableError, match=ELSEWHERE):
            ask(settings(api_host=ELSEWHERE, api_scheme="http"))
        assert proxy.targets == []

    def test_this_machine_needs_no_exemption(
        self, proxy: Server, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        ask(settings(**at(proxy)))
        assert proxy.targets == ["GET /v2/spaces?limit=100"]

    def test_flight_uses_the_proxy_of_the_environment_for_other_machines(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[bytes] = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(5)

            def refuse() -> None:
                connection, _ = listener.accept()
                asked.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                connection.close()

            thread = threading.Thread(target=refuse)
            thread.start()
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{listener.getsockname()[1]}")
            with pytest.raises(UnavailableError):
                ask_flight(
                    settings(flight_host=ELSEWHERE, flight_scheme="grpc+tcp", flight_port=99)
                )
            thread.join()
        assert asked[0].startswith(f"CONNECT {ELSEWHERE}:99".encode())


class TestCertificates:
    def test_one_of_an_unknown_ca_is_refused_and_the_setting_named(
        self, tls_server: Server, settings: Any
    ) -> None:
        with pytest.raises(UnavailableError, match="ssl_ca_cert") as caught:
            ask(settings(**at(tls_server, "https")))
        # Asking again would not help.
        assert not caught.value.retryable

    def test_a_ca_of_a_file_is_trusted(self, tls_server: Server, settings: Any) -> None:
        ask(settings(**at(tls_server, "https"), ssl_ca_cert=str(CA)))

    @pytest.mark.parametrize(
        "variable", ["ARIZE_SSL_CA_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"]
    )
    def test_the_file_comes_from_the_environment_too(
        self, tls_server: Server, settings: Any, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        monkeypatch.setenv(variable, str(CA))
        ask(settings(**at(tls_server, "https")))

    def test_it_is_not_looked_at_when_that_is_set(
        self, tls_server: Server, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ARIZE_REQUEST_VERIFY", "no")
        ask(settings(**at(tls_server, "https"), ssl_ca_cert="/nowhere.pem"))

    def test_plain_text_reads_no_file(self, proxy: Server, settings: Any) -> None:
        ask(settings(**at(proxy), ssl_ca_cert="/nowhere.pem"))

    def test_a_file_without_certificates_is_named(
        self, tls_server: Server, settings: Any, tmp_path: Path
    ) -> None:
        bad = tmp_path / "bad.pem"
        bad.write_text("no certificate")
        with pytest.raises(ConfigError, match=r"bad\.pem") as caught:
            ask(settings(**at(tls_server, "https"), ssl_ca_cert=str(bad)))
        assert caught.value.setting == "ssl_ca_cert"

    def test_tls_where_plain_text_is_spoken_names_the_scheme(
        self, proxy: Server, settings: Any
    ) -> None:
        with pytest.raises(ServiceError, match="api_scheme"):
            ask(settings(**at(proxy, "https")))


class TestFlightCertificates:
    def at(self, server: Any) -> dict[str, Any]:
        return {"flight_host": "127.0.0.1", "flight_port": server.port, "flight_scheme": "grpc+tls"}

    def test_one_of_an_unknown_ca_is_refused_and_the_setting_named(
        self, tls_flight: Any, settings: Any
    ) -> None:
        with pytest.raises(UnavailableError, match="ssl_ca_cert") as caught:
            ask_flight(settings(**self.at(tls_flight)))
        assert not caught.value.retryable

    def test_a_ca_of_a_file_is_trusted(self, tls_flight: Any, settings: Any) -> None:
        assert ask_flight(settings(**self.at(tls_flight), ssl_ca_cert=str(CA))) == 7

    def test_it_is_not_looked_at_when_that_is_set(self, tls_flight: Any, settings: Any) -> None:
        given = settings(**self.at(tls_flight), request_verify=False, ssl_ca_cert="/nowhere.pem")
        assert ask_flight(given) == 7

    def test_plain_text_where_tls_is_spoken_is_unavailable(
        self, tls_flight: Any, settings: Any
    ) -> None:
        given = {**self.at(tls_flight), "flight_scheme": "grpc+tcp"}
        with pytest.raises(UnavailableError):
            ask_flight(settings(**given))
