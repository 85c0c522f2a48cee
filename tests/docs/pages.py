"""Pages whose examples and tables are made anew, to be compared with what the page shows."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = re.compile(
    r"(?P<fence>```python\n)(?P<program>.*?)(?P<end>```\n)(?:```text\n(?P<shown>.*?)```\n)?",
    re.DOTALL,
)
TABLE = re.compile(
    r"(?P<head><!-- table: (?P<name>[a-z ]+) -->\n)(?P<body>.*?)(?P<foot><!-- end -->)", re.DOTALL
)


def table(*rows: Iterable[str]) -> str:
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def with_output(page: str, name: str) -> str:
    """Return a page with what each of its examples prints now, run in order."""
    # `Any`: whatever the examples name.
    names: dict[str, Any] = {"__name__": "__main__"}

    def run(found: re.Match[str]) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(found["program"], name, "exec"), names)  # noqa: S102 - our own page
        shown = "\n".join(line.rstrip() for line in said.getvalue().rstrip().splitlines())
        text = f"```text\n{shown}\n```\n" if shown else ""
        return found["fence"] + found["program"] + found["end"] + text

    try:
        return EXAMPLE.sub(run, page)
    finally:
        # An example that fails leaves them open.
        for opened in ("client", "con", "theirs"):
            if opened in names:
                names[opened].close()


def assert_up_to_date(page: Path, tables: Mapping[str, Callable[[], str]]) -> None:
    """Compare a page with what its tables and examples are now, or write it anew."""
    text = page.read_text(encoding="utf-8")
    assert {found["name"] for found in TABLE.finditer(text)} == tables.keys()
    real = TABLE.sub(lambda found: found["head"] + tables[found["name"]]() + found["foot"], text)
    real = with_output(real, page.name)
    if os.environ.get("SPANDUCK_UPDATE_DOCS"):
        page.write_text(real, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == real
