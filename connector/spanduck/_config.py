"""Settings: where they come from, what they are, and which source won.

Order: argument, environment, file, default. Presence decides, never truthiness. Resolved once at
the edge (`load_settings`) and passed down; no inner layer looks at the environment.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic import ValidationError as PydanticValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from spanduck._settings_file import FILE_NAME, SECRETS, find_file, read_layers
from spanduck.exceptions import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_GroupT = TypeVar("_GroupT", bound=BaseModel)


def _unit(unit: str) -> dict[str, Any]:
    return {"unit": unit}


class ServiceSettings(BaseModel):
    """How to reach the service: the vendor's own settings, under the vendor's own names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_key: SecretStr | None = Field(None, description="Key of the service.")
    space: str | None = Field(None, description="Space, by name or id.")
    api_host: str = Field("api.arize.com", description="Host of REST, without scheme.")
    api_scheme: Literal["http", "https"] = Field("https", description="Scheme of REST.")
    api_port: int = Field(0, ge=0, le=65535, description="Port of REST; 0 leaves it out.")
    flight_host: str = Field("flight.arize.com", description="Host of Flight.")
    flight_port: int = Field(443, ge=1, le=65535, description="Port of Flight.")
    flight_scheme: str = Field(
        "grpc+tls", description="Scheme of Flight: grpc+tls, or grpc+tcp for plain text."
    )
    region: str | None = Field(None, description="Region; replaces both hosts and the Flight port.")
    base_domain: str = Field("", description="Domain; hosts become api.<domain>, flight.<domain>.")
    single_host: str = Field("", description="One host for REST and Flight.")
    single_port: int = Field(0, ge=0, le=65535, description="One port for REST and Flight.")
    request_verify: bool = Field(default=True, description="Check the server's certificate.")
    ssl_ca_cert: str = Field("", description="File of CA certificates.")
    # Not in the text of the settings, as the headers are not: it may hold a password.
    proxy_url: str = Field("", repr=False, description="Proxy of REST calls.")
    max_chunksize: int = Field(
        10_000,
        ge=1,
        le=100_000,
        description="Rows of a record batch that is sent.",
        json_schema_extra=_unit("rows"),
    )
    default_headers: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="Headers added to every call; lower-case names.",
    )

    @property
    def key(self) -> str:
        """The key in clear.

        Raises:
            ConfigError: There is none.
        """
        if self.api_key is None or not self.api_key.get_secret_value():
            raise ConfigError(
                "no API key is configured",
                next_step="Set ARIZE_API_KEY, or api_key under [service] in spanduck.toml.",
                setting="api_key",
                looked_in=("argument api_key", "environment ARIZE_API_KEY", FILE_NAME),
            )
        return self.api_key.get_secret_value()

    @property
    def rest_url(self) -> str:
        """Base URL of REST, without a trailing slash."""
        host, port = self._host("api", self.api_host), self.single_port or self.api_port
        return f"{self.api_scheme}://{host}:{port}" if port else f"{self.api_scheme}://{host}"

    @property
    def flight_location(self) -> str:
        """Location of Flight, as pyarrow takes it."""
        port = 443 if self.region else self.single_port or self.flight_port
        return f"{self.flight_scheme}://{self._host('flight', self.flight_host)}:{port}"

    def _host(self, kind: str, default: str) -> str:
        if self.region:
            return f"{kind}.{self.region}.arize.com"
        if self.base_domain:
            return f"{kind}.{self.base_domain}"
        return self.single_host or default


class LocalSettings(BaseModel):
    """How spanduck itself behaves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(
        Path(".spanduck"), description="Folder of the embedded server's store and of caches."
    )
    completeness: Literal["strict", "warn"] = Field(
        "strict", description="What an export that ended early does to the query."
    )
    strict: bool = Field(default=True, description="Check filters before they are sent.")
    pushdown: Literal["standard", "conservative"] = Field(
        "standard",
        description="What is assumed of the service when predicates are pushed: conservative pushes"
        " none that a service could answer otherwise for letter case, empty texts or NaN.",
    )
    require_window: bool = Field(
        default=False, description="Refuse scans without bounds on start_time."
    )
    schema_ttl_s: float = Field(
        300.0,
        ge=0,
        description="How long a project's schema is remembered.",
        json_schema_extra=_unit("s"),
    )
    notice_rows: int = Field(
        1_000_000,
        ge=0,
        description="An unbounded, unfiltered scan of more rows is mentioned on stderr.",
        json_schema_extra=_unit("rows"),
    )
    connect_timeout_s: float = Field(
        10.0, gt=0, description="Longest wait for a connection.", json_schema_extra=_unit("s")
    )
    read_timeout_s: float = Field(
        60.0,
        gt=0,
        description="Longest wait for an answer, or for the next batch of a scan.",
        json_schema_extra=_unit("s"),
    )
    write_timeout_s: float = Field(
        600.0,
        gt=0,
        description="Longest wait for an upload or a write-back to be acknowledged.",
        json_schema_extra=_unit("s"),
    )
    max_exports: int = Field(
        64, ge=1, description="Exports open at once; one more fails, it does not wait."
    )
    stream_chunk_rows: int | None = Field(
        None,
        ge=1,
        le=5_000,
        description="Rows of an exported batch; by default 2,000, or 5,000 of few columns.",
        json_schema_extra=_unit("rows"),
    )
    progress: bool | None = Field(
        None, description="Show progress on stderr; by default when it is a terminal."
    )


@dataclass(frozen=True)
class Settings:
    """All settings, resolved.

    Attributes:
        service: How to reach the service.
        local: How spanduck behaves.
        sources: Where each value that is no default came from, by setting name.
    """

    service: ServiceSettings = field(default_factory=ServiceSettings)
    local: LocalSettings = field(default_factory=LocalSettings)
    sources: Mapping[str, str] = field(default_factory=dict)

    def with_service(self, source: str, **changes: Any) -> Settings:
        """Return these settings with some of the service's replaced; `source` says by whom."""
        merged = {**self.service.model_dump(), **changes}
        return dataclasses.replace(
            self,
            service=_validated(ServiceSettings, merged, dict.fromkeys(changes, source)),
            sources={**self.sources, **dict.fromkeys(changes, source)},
        )


_SYNONYMS: Final = {
    "pyarrow_max_chunksize": "max_chunksize",
    "space_id": "space",
    "space_name": "space",
}
_UNSHOWN: Final = SECRETS | {"default_headers"}
PREFIX_BY_GROUP: Final[dict[type[BaseModel], str]] = {
    ServiceSettings: "ARIZE_",
    LocalSettings: "SPANDUCK_",
}
"""How the environment variables of a group begin; the rest is the setting in upper case."""
# Variables that other tools set for the same purpose; the vendor's SDK reads them in this order.
_CA_FALLBACKS: Final = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    *,
    profile: str | None = None,
    config_file: Path | None = None,
    cwd: Path | None = None,
) -> Settings:
    """Resolve every setting from arguments, environment, file and defaults, in that order.

    Args:
        overrides: Settings given as arguments; a None means that it was not given.
        profile: Which `[profiles.NAME]` of the file applies; else `SPANDUCK_PROFILE`.
        config_file: The file; else `SPANDUCK_CONFIG`, else the nearest `spanduck.toml` upwards from
            `cwd`.
        cwd: Where the search starts; the working directory by default.

    Raises:
        ConfigError: A name is unknown, a value impossible, a file unreadable. The value of a secret
            is not shown.
    """
    given = _renamed(overrides or {})
    path = config_file or find_file(cwd or Path.cwd())
    file_layers = read_layers(path, profile or os.environ.get("SPANDUCK_PROFILE"))
    layers = [("argument", given), *((name, _renamed(layer)) for name, layer in file_layers)]
    service, service_sources = _resolved(ServiceSettings, layers)
    local, local_sources = _resolved(LocalSettings, layers)
    _check_one_override(service)
    return Settings(service, local, {**service_sources, **local_sources})


def _resolved(
    group: type[_GroupT], layers: list[tuple[str, dict[str, Any]]]
) -> tuple[_GroupT, dict[str, str]]:
    argument, *file = (
        (name, {key: value for key, value in layer.items() if key in group.model_fields})
        for name, layer in layers
    )
    environment = _environment_layers(group, PREFIX_BY_GROUP[group])
    values, origin = _merge([argument, *environment, *file])
    return _validated(group, values, origin), origin


def _renamed(overrides: Mapping[str, Any]) -> dict[str, Any]:
    known = [name for group in PREFIX_BY_GROUP for name in group.model_fields]
    given: dict[str, Any] = {}
    for name, value in overrides.items():
        setting = _SYNONYMS.get(name, name)
        if setting not in known:
            raise ConfigError(
                f"there is no setting {name!r}",
                next_step=did_you_mean(name, known)
                or f"Known settings: {', '.join(sorted(known))}.",
                setting=name,
            )
        if value is not None:
            given[setting] = value
    return given


def _environment_layers(
    group: type[BaseModel], prefix: str
) -> Iterable[tuple[str, dict[str, Any]]]:
    # pydantic-settings reads variables by prefix and decodes structured ones (default_headers).
    reader = type(
        f"_{group.__name__}Environment",
        (group, BaseSettings),
        {"model_config": {"env_prefix": prefix}},
    )
    try:
        found = EnvSettingsSource(reader, env_prefix=prefix)()
    except SettingsError:
        # Its one structured setting. What was there may be secret, and the cause quotes it.
        raise ConfigError(
            "setting default_headers has an impossible value: it is no JSON object",
            next_step='Write ARIZE_DEFAULT_HEADERS=\'{"name": "value"}\'.',
            setting="default_headers",
        ) from None
    for name, value in found.items():
        yield f"environment {prefix}{name.upper()}", {name: value}
    if group is ServiceSettings:
        for variable in _CA_FALLBACKS:
            if variable in os.environ:
                yield f"environment {variable}", {"ssl_ca_cert": os.environ[variable]}


def _merge(
    layers: Iterable[tuple[str, Mapping[str, Any]]],
) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for source, layer in layers:
        for name, value in layer.items():
            if name not in values:
                values[name] = value
                origin[name] = source
    return values, origin


def _validated(
    group: type[_GroupT], values: Mapping[str, Any], origin: Mapping[str, str]
) -> _GroupT:
    try:
        return group.model_validate(dict(values))
    except PydanticValidationError as exc:
        first = exc.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0])
        shown = "" if name in _UNSHOWN else f" {values.get(name)!r}"
        raise ConfigError(
            f"setting {name} has an impossible value{shown}: {first['msg']}",
            next_step=f"It came from {origin.get(name, 'a default')}.",
            setting=name,
        ) from None


def _check_one_override(service: ServiceSettings) -> None:
    values = {
        "region": service.region,
        "single_host/single_port": service.single_host or service.single_port,
        "base_domain": service.base_domain,
    }
    used = [names for names, value in values.items() if value]
    if len(used) > 1:
        raise ConfigError(
            f"{' and '.join(used)} exclude each other",
            next_step="Keep one of them.",
            setting=used[0],
        )
