from __future__ import annotations

import pytest

from spanduck_sql.statements import projects_read


@pytest.mark.parametrize(
    ("text", "projects"),
    [
        ("SELECT x FROM spans('a')", ["a"]),
        (
            "FROM SPANS('a', start_time := now()) s JOIN evaluations('b') e USING (span_id)",
            ["a", "b"],
        ),
        ("WITH w AS (FROM spans('a')) SELECT * FROM w, spans('a')", ["a"]),
        ("SELECT 'spans(''x'')'", []),
        ("FROM spans(?)", []),
        ("FROM spans()", []),
        ("SELECT (", []),
        ("", []),
    ],
)
def test_projects_are_read_from_the_calls(text: str, projects: list[str]) -> None:
    assert projects_read(text) == projects
