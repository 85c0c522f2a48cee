"""The Python client of the service's spans."""

from __future__ import annotations

from spanduck._client.annotation_configs import Configs
from spanduck._client.exports import Exports
from spanduck._client.lists import Lists
from spanduck._client.records import Records
from spanduck._client.updates import Updates
from spanduck._client.uploads import Uploads

__all__ = ["SpansClient"]


class SpansClient(Uploads, Exports, Updates, Lists, Records, Configs):
    """Uploads, exports and updates spans; method and argument names are the vendor's.

    ::

        with spanduck.SpansClient() as client:
            client.log(project_name="my-llm-app", dataframe=spans)
            frame = client.export_to_df(project_name="my-llm-app")

    Connections are opened by the first call that needs one, and closed with the client, which is
    a context manager. One client may be used from several threads at once; in an event loop, call
    its methods by `asyncio.to_thread`. With no API key configured it uses the embedded server of
    the local folder, and starts it if need be.

    Args:
        settings: Resolved settings, instead of arguments, environment and `spanduck.toml`.
        profile: Which `[profiles.NAME]` of `spanduck.toml` applies.
        **overrides: Settings by name: `api_key`, `space` (or `space_id`), `api_host`,
            `flight_host`, … and the local ones such as `read_timeout_s`.

    Attributes:
        settings: The settings in force; the key is masked in their text.

    Every method takes the space from the settings when it is left out, and `project` and `space`
    as synonyms of `project_name` and `space_id`. A `space_id` is sent as it is; a `space` may be
    a name, which is looked up once.

    Raises:
        ConfigError: A setting is unknown or has an impossible value.
    """
