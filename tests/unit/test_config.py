from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spanduck._config import Settings, load_settings
from spanduck.exceptions import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(("ARIZE_", "SPANDUCK_")) or name in (
            "REQUESTS_CA_BUNDLE",
            "SSL_CERT_FILE",
        ):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_are_the_vendors_hosts() -> None:
    settings = load_settings()
    assert settings.service.rest_url == "https://api.arize.com"
    assert settings.service.flight_location == "grpc+tls://flight.arize.com:443"
    assert settings.service.api_key is None
    assert settings.sources == {}


def test_an_argument_beats_the_environment_which_beats_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "spanduck.toml").write_text(
        'notice_rows = 7\n[service]\napi_host = "file"\nspace = "file"\napi_port = 1\n'
    )
    monkeypatch.setenv("ARIZE_API_HOST", "environment")
    monkeypatch.setenv("ARIZE_SPACE", "environment")
    settings = load_settings({"space": "argument"})
    assert settings.service.space == "argument"
    assert settings.service.api_host == "environment"
    assert settings.service.api_port == 1
    assert settings.local.notice_rows == 7
    assert settings.sources["space"] == "argument"
    assert settings.sources["api_host"] == "environment ARIZE_API_HOST"
    assert settings.sources["api_port"].endswith("spanduck.toml [service]")


def test_a_false_or_empty_value_overrides_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "spanduck.toml").write_text(
        'require_window = true\n[service]\nspace = "file"\napi_port = 9\n'
    )
    monkeypatch.setenv("ARIZE_API_PORT", "0")
    monkeypatch.setenv("ARIZE_SPACE", "")
    settings = load_settings({"require_window": False})
    assert settings.service.api_port == 0
    assert settings.service.space == ""
    assert settings.local.require_window is False


def test_a_profile_beats_the_service_table(tmp_path: Path) -> None:
    (tmp_path / "spanduck.toml").write_text(
        '[service]\nspace = "base"\napi_host = "base"\n[profiles.staging]\nspace = "staging"\n'
    )
    settings = load_settings(profile="staging")
    assert (settings.service.space, settings.service.api_host) == ("staging", "base")


def test_an_unknown_profile_lists_near_ones(tmp_path: Path) -> None:
    (tmp_path / "spanduck.toml").write_text("[profiles.staging]\n")
    with pytest.raises(ConfigError, match="Did you mean 'staging'"):
        load_settings(profile="stagin")


def test_the_file_is_found_in_a_parent_folder(tmp_path: Path) -> None:
    (tmp_path / "spanduck.toml").write_text('[service]\nspace = "up"\n')
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert load_settings(cwd=tmp_path / "a" / "b").service.space == "up"


def test_an_unknown_setting_lists_near_matches(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'api_key'"):
        load_settings({"api_ky": "x"})
    (tmp_path / "spanduck.toml").write_text('[service]\nspaec = "x"\n')
    with pytest.raises(ConfigError, match="Did you mean 'space'"):
        load_settings()


def test_an_impossible_value_names_setting_value_and_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARIZE_API_PORT", "eighty")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "api_port" in str(caught.value)
    assert "'eighty'" in str(caught.value)
    assert "environment ARIZE_API_PORT" in str(caught.value)


def test_a_secret_is_in_no_text_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ak-very-secret\n")
    (tmp_path / "spanduck.toml").write_text(f'[service]\napi_key_file = "{tmp_path / "key"}"\n')
    settings = load_settings()
    assert settings.service.key == "ak-very-secret"
    assert "ak-very-secret" not in repr(settings) + str(settings) + repr(settings.service)


def test_a_secret_comes_from_a_named_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "spanduck.toml").write_text('[service]\napi_key_env = "MY_KEY"\n')
    with pytest.raises(ConfigError, match="MY_KEY, which is not set"):
        load_settings()
    monkeypatch.setenv("MY_KEY", "k1")
    assert load_settings().service.key == "k1"


def test_a_missing_key_says_where_was_looked() -> None:
    with pytest.raises(ConfigError, match="ARIZE_API_KEY") as caught:
        _ = Settings().service.key
    assert "environment ARIZE_API_KEY" in caught.value.looked_in


@pytest.mark.parametrize(
    ("overrides", "rest", "flight"),
    [
        (
            {"region": "eu-west-1a"},
            "https://api.eu-west-1a.arize.com",
            "grpc+tls://flight.eu-west-1a.arize.com:443",
        ),
        (
            {"base_domain": "ax.example"},
            "https://api.ax.example",
            "grpc+tls://flight.ax.example:443",
        ),
        (
            {
                "single_host": "localhost",
                "single_port": 5,
                "api_scheme": "http",
                "flight_scheme": "grpc+tcp",
            },
            "http://localhost:5",
            "grpc+tcp://localhost:5",
        ),
    ],
)
def test_the_three_ways_to_move_all_hosts(
    overrides: dict[str, object], rest: str, flight: str
) -> None:
    service = load_settings(overrides).service
    assert (service.rest_url, service.flight_location) == (rest, flight)


def test_two_ways_to_move_all_hosts_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="exclude each other"):
        load_settings({"region": "eu-west-1a", "base_domain": "ax.example"})


@pytest.mark.parametrize(
    ("table", "next_step"),
    [
        ("servic", "Did you mean 'service'?"),
        ("profile.staging", "Did you mean 'profiles'?"),
        ("local", "Tables are [service], [profiles.NAME] and [warehouses.NAME]; settings of"),
    ],
)
def test_an_unknown_table_of_the_file_is_told_with_the_tables(
    tmp_path: Path, table: str, next_step: str
) -> None:
    (tmp_path / "spanduck.toml").write_text(f'[{table}]\nspace = "x"\n')
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert f"there is no table [{table.partition('.')[0]}]" in caught.value.message
    assert "spanduck.toml" in caught.value.message
    assert str(caught.value.next_step).startswith(next_step)


def test_a_setting_that_is_a_table_may_stand_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "spanduck.toml").write_text('[default_headers]\nx-team = "a"\n')
    assert load_settings().service.default_headers == {"x-team": "a"}


def test_a_settings_file_that_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "spanduck.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot read the settings file"):
        load_settings()


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "spanduck.toml").write_text("= nonsense")
    with pytest.raises(ConfigError, match=r"spanduck\.toml"):
        load_settings()


def test_the_vendors_name_of_a_setting_is_understood() -> None:
    assert load_settings({"pyarrow_max_chunksize": 5}).service.max_chunksize == 5
    assert load_settings({"space_id": "x"}).service.space == "x"


def test_what_may_hold_a_password_is_in_no_text_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MY_PROXY", "http://me:hush@proxy.example")
    (tmp_path / "spanduck.toml").write_text('[service]\nproxy_url_env = "MY_PROXY"\n')
    settings = load_settings({"default_headers": {"x-token": "hush"}})
    assert settings.service.proxy_url == "http://me:hush@proxy.example"
    assert "hush" not in repr(settings) + str(settings) + str(settings.service)


@pytest.mark.parametrize("value", ["{hush", '{"x": ["hush"]}', '"hush"'])
def test_impossible_headers_are_refused_without_their_values(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ARIZE_DEFAULT_HEADERS", value)
    with pytest.raises(ConfigError, match="default_headers") as caught:
        load_settings()
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
