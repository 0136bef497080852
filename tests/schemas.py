"""docs/schemas, for tests: a schema with those that it refers to."""

import functools
import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"


def read_schema(name: str) -> dict[str, Any]:
    """With the files that it refers to bundled into its $defs, where their $id makes them found."""
    text = (SCHEMAS / name).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    others = set(re.findall(r'"\$ref": "([\w.-]+\.json)', text))
    if others:
        schema["$defs"] = {**schema.get("$defs", {}), **{other: read_schema(other) for other in sorted(others)}}
    return schema


@functools.cache
def validator_of(kind: str) -> Draft202012Validator:
    """Of gilscope.KIND. (jsonschema.validate() would check the schema each time: eight times the work.)"""
    return Draft202012Validator(read_schema(f"{kind}.schema.json"))
