"""Fuzz the filter language: any text parses or is refused properly, and what parses prints back.

    python tests/fuzz/fuzz_filter.py SECONDS [--seed N] [--keep FOLDER]

Coverage leads the search where atheris is installed (`pip install atheris`), else mutations are
drawn at random. Both start from the conformance cases and `tests/fuzz/corpus`, which a fast test
replays. A text that breaks the law is written to the working directory and ends the run with an
error. `--keep` names a folder that collects what atheris found worth keeping.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spanduck_sql.expressions import Predicate

HERE: Final = Path(__file__).parent
CASES: Final = HERE.parent / "conformance" / "filter_cases.jsonl"
CORPUS: Final = HERE / "corpus"
LIMIT_S: Final = 1.0
MAX_LENGTH: Final = 65_536
HAS_ATHERIS: Final = importlib.util.find_spec("atheris") is not None

IMPORTED: Final = (
    importlib.import_module("atheris").instrument_imports(include=["spanduck_sql.language"])
    if HAS_ATHERIS and __name__ == "__main__"
    else contextlib.nullcontext()
)
with IMPORTED:
    from spanduck_sql.errors import FilterError
    from spanduck_sql.language.binding import bind
    from spanduck_sql.language.generate import condition
    from spanduck_sql.language.parser import parse
    from spanduck_sql.language.printer import to_text


def check(text: str) -> bool:
    """Hold one text to the law; return whether it is a filter.

    Processor time is measured, because the machine may be busy with other things.
    """
    began = time.process_time()
    try:
        tree = parse(text)
    except FilterError as error:
        check_error(error, text)
        tree = None
    took = time.process_time() - began
    assert took < LIMIT_S, f"parsing took {took:.1f} s"
    if tree is None:
        return False
    printed = to_text(tree)
    if len(printed) <= MAX_LENGTH:
        assert parse(printed) == tree, f"{printed!r} reads as another tree"
    check_meaning(text, tree)
    return True


def check_error(error: FilterError, text: str) -> None:
    """Hold an error to its promises: a code, a place inside the text, and a report."""
    assert error.code is not None
    assert error.message
    assert len(error.message) + len(error.hint) < 1_000, "the text is repeated at length"
    assert str(error).startswith(f"[{error.code}] {error.message}")
    assert json.loads(json.dumps(error.to_dict()))["code"] == error.code
    if error.position is not None:
        assert error.end is not None
        assert 0 <= error.position <= error.end <= len(text)


def check_meaning(text: str, tree: Predicate) -> None:
    """Bind a tree to an open schema and make its condition; a misfit is told with its place."""
    try:
        bound = bind(tree, None, text=text)
    except FilterError as error:
        check_error(error, text)
        return
    condition(bound)


def seeds() -> list[str]:
    """Return the texts to begin with."""
    cases = [json.loads(line)["dsl"] for line in CASES.read_text("utf-8").splitlines()]
    kept = [decoded(path.read_bytes()) for path in sorted(CORPUS.iterdir())]
    return [*cases, *kept]


def decoded(data: bytes) -> str:
    """Return the text of a file of the corpus, whatever is in it."""
    return data.decode("utf-8", "replace")


_PIECES: Final = re.compile(r"\w+|\s+|'[^']*'|\"[^\"]*\"|.", re.DOTALL)
_VOCABULARY: Final = (
    *"()[].,;'\"`=<>!-+/*_%\\?:@#$ \n\t\0é²\u00a0\u200b\ud800\u2018\u201d",
    *("AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ILIKE", "CONTAINS", "BETWEEN", "ESCAPE"),
    *("TRUE", "false", "==", "!=", "<>", "<=", ">=", "--", "/*", "*/", "''", '""', "(", ")"),
    *("a", "name", "latency_ms", "attributes.metadata", "span.", "evals.", "eval.A.label", ".5"),
    *("1e308", "1e309", "-0", "0x1F", "1_000", "'x'", '"a b"', "['k']", "[0]", "IN (", " AND a=1"),
)


def mutated(text: str, others: Sequence[str], draw: random.Random) -> str:
    """Return a text a few steps away from `text`, along its tokens more often than not."""
    pieces = _PIECES.findall(text)
    for _ in range(draw.choice((1, 1, 2, 3, 8))):
        at = draw.randrange(len(pieces) + 1)
        end = min(len(pieces), at + draw.choice((1, 1, 2, 5)))
        match draw.randrange(7):
            case 0:
                del pieces[at:end]
            case 1:
                pieces.insert(at, draw.choice(_VOCABULARY))
            case 2:
                pieces[at:end] = [draw.choice(_VOCABULARY)]
            case 3:
                other = _PIECES.findall(draw.choice(others))
                start = draw.randrange(len(other) + 1)
                pieces[at:at] = other[start : start + draw.choice((1, 3, 9, 99))]
            case 4:
                pieces[at:end] = pieces[at:end] * draw.choice((*(2, 3) * 20, 50, 101, 3_000))
            case 5:
                times = draw.choice((*(1, 2) * 5, 99, 100, 101))
                pieces = ["(" * times, *pieces, ")" * times]
            case _:
                pieces[at:at] = [chr(draw.randrange(draw.choice((128, 0x3000, 0x110000))))]
    return "".join(pieces)[: MAX_LENGTH + 1]


def run_random(seconds: float, seed: int) -> int:
    """Mutate at random for a while; return the number of texts."""
    draw = random.Random(seed)
    pool = seeds()
    count = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        text = mutated(draw.choice(pool), pool, draw)
        try:
            is_filter = check(text)
        except Exception as error:
            path = Path(f"crash-{seed}-{count}")
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            shown = f"{type(error).__name__}: {error}"[:500]
            raise SystemExit(
                f"{text[:200]!r}, written to {path}, breaks the law: {shown}"
            ) from error
        # What parses leads to more that parses; short, so that the pool does not grow heavy.
        if is_filter and len(text) < 400 and len(pool) < 20_000:
            pool.append(text)
        count += 1
    return count


def run_atheris(seconds: float, seed: int, keep: Path | None) -> None:
    """Let atheris search; it does not return."""
    atheris = importlib.import_module("atheris")
    pool = seeds()

    def mutate(data: bytes, max_size: int, number: int) -> bytes:
        draw = random.Random(number)
        if draw.random() < 0.3:
            return bytes(atheris.Mutate(data, max_size))
        text = mutated(decoded(data), pool, draw)
        return text.encode("utf-8", "surrogatepass")[:max_size]

    folder = keep or Path(tempfile.mkdtemp(prefix="spanduck-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    write(pool, folder)
    arguments = [
        f"-max_total_time={max(1, round(seconds))}",
        f"-max_len={MAX_LENGTH}",
        f"-seed={seed}",
        "-timeout=60",
        "-print_final_stats=1",
    ]
    atheris.Setup(
        [sys.argv[0], *arguments, str(folder)],
        lambda data: check(decoded(data)) and None,
        custom_mutator=mutate,
    )
    atheris.Fuzz()


def write(texts: Iterable[str], folder: Path) -> None:
    """Write texts as files of a corpus."""
    for index, text in enumerate(texts):
        data = text.encode("utf-8", "surrogatepass")
        (folder / f"seed-{index:04d}").write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the span filter language.")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    if HAS_ATHERIS:
        run_atheris(arguments.seconds, arguments.seed, arguments.keep)
    count = run_random(arguments.seconds, arguments.seed)
    print(f"{count:,} texts, no law broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
