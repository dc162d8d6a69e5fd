"""The project's JSON Schemas and their verdicts.

jsonschema is the reference and words what is wrong. jsonschema-rs says yes to what is right, several hundred times
faster; only what it refuses is judged again by the reference, which is also where an integer or a number that
jsonschema-rs cannot take gets its verdict.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from guard.errors import GuardError
from merge.delta import valid_stream


def load(name: str) -> dict[str, Any]:
    """The schema `schemas/<name>.schema.json`: inside the package when installed, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    folder = here / "schemas"
    if not folder.is_dir():
        folder = here.parent / "schemas"
    schema: dict[str, Any] = json.loads((folder / f"{name}.schema.json").read_text(encoding="utf-8"))
    return schema


@cache
def conforms(name: str) -> Callable[[Any], bool]:
    """A function that says whether a value satisfies a schema."""
    import jsonschema_rs  # here: commands that judge nothing need not load it

    quick = jsonschema_rs.validator_for(load(name))

    def verdict(value: Any) -> bool:
        try:
            if quick.is_valid(value):
                return True
        except ValueError:  # a number it cannot take
            pass
        return next(problems(name, value), None) is None

    return verdict


def problems(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with a value, as pairs (JSON path, sentence), each once, in the order of the paths."""
    from jsonschema import Draft202012Validator  # here: only a refusal needs the words

    errors = Draft202012Validator(load(name)).iter_errors(value)
    return iter(sorted({(error.json_path, _sentence(error)) for error in errors}))


def _sentence(error: Any) -> str:
    """An error in words: those of the schema where jsonschema would only show a piece of it."""
    if error.validator in ("pattern", "not", "anyOf"):
        return f"{_short(json.dumps(error.instance, ensure_ascii=False))} does not fit: {error.schema['description']}"
    return _short(str(error.message))


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:150]} ... {text[-40:]}"


def check_stream(stream: str) -> None:
    """Raise `GuardError` for a text that cannot name a stream."""
    if not valid_stream(stream):
        why: str = load("delta")["properties"]["stream_id"]["description"]
        raise GuardError("usage", f"{stream!r} cannot name a stream", why, "a stream id such as night-1")
