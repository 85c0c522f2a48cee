"""`spanduck.toml`: where it is, and which settings stand in which of its tables."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spanduck.exceptions import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME: Final = "spanduck.toml"
SECRETS: Final = frozenset({"api_key", "proxy_url"})
"""What a file may take from elsewhere, by `*_env` and `*_file`."""

_TABLES: Final = ("service", "profiles", "warehouses")
# The one setting that is a table itself.
_TABLE_SETTINGS: Final = frozenset({"default_headers"})


def find_file(start: Path) -> Path | None:
    """Return the file that `SPANDUCK_CONFIG` names, else the nearest one upwards from a folder."""
    named = os.environ.get("SPANDUCK_CONFIG")
    if named is not None:
        return Path(named)
    for folder in (start, *start.parents):
        candidate = folder / FILE_NAME
        if candidate.exists():
            return candidate
    return None


def read_layers(path: Path | None, profile: str | None) -> list[tuple[str, dict[str, Any]]]:
    """Return the settings of a file by where in it they stand, the first of them counting most.

    Args:
        path: The file; None for none, which has no profile either.
        profile: Which of its `[profiles.NAME]` is wanted.

    Raises:
        ConfigError: It cannot be read, has no such profile, or a table that it cannot have.
    """
    if path is None:
        if profile is not None:
            raise ConfigError(
                f"profile {profile!r} is asked for, but there is no {FILE_NAME}",
                next_step=f"Create {FILE_NAME} with a [profiles.{profile}] table.",
                setting="profile",
            )
        return []
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigError(
            f"cannot read the settings file {path}: {exc}",
            next_step="Mend it, or name another with SPANDUCK_CONFIG.",
        ) from exc
    layers: list[tuple[str, dict[str, Any]]] = []
    profiles = document.pop("profiles", {})
    if profile is not None:
        if profile not in profiles:
            raise ConfigError(
                f"no profile {profile!r} in {path}",
                next_step=did_you_mean(profile, profiles)
                or f"Profiles there: {', '.join(sorted(profiles)) or 'none'}.",
                setting="profile",
            )
        layers.append((f"{path} [profiles.{profile}]", profiles[profile]))
    service = document.pop("service", {})
    document.pop("warehouses", None)
    _refuse_tables(document, path)
    layers += [(f"{path} [service]", service), (str(path), document)]
    return [(name, _resolve_secrets(layer, name)) for name, layer in layers]


def _refuse_tables(document: Mapping[str, Any], path: Path) -> None:
    for name, value in document.items():
        if isinstance(value, dict) and name not in _TABLE_SETTINGS:
            raise ConfigError(
                f"there is no table [{name}] in a settings file: {path}",
                next_step=did_you_mean(name, _TABLES)
                or "Tables are [service], [profiles.NAME] and [warehouses.NAME]; settings of"
                " spanduck itself stand above them.",
                setting=name,
            )


def _resolve_secrets(layer: Mapping[str, Any], place: str) -> dict[str, Any]:
    resolved = dict(layer)
    for secret in SECRETS:
        variable = resolved.pop(f"{secret}_env", None)
        if variable is not None:
            if variable not in os.environ:
                raise ConfigError(
                    f"{place} takes {secret} from the variable {variable}, which is not set",
                    next_step=f"Set {variable}.",
                    setting=secret,
                )
            resolved[secret] = os.environ[variable]
        file_name = resolved.pop(f"{secret}_file", None)
        if file_name is not None:
            try:
                resolved[secret] = Path(file_name).expanduser().read_text(encoding="utf-8").strip()
            except OSError as exc:
                raise ConfigError(
                    f"{place} takes {secret} from the file {file_name}, which cannot be read: "
                    f"{exc.strerror}",
                    next_step="Create the file, readable by you alone.",
                    setting=secret,
                ) from exc
    return resolved
