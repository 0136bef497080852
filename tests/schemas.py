"""docs/schemas, for tests: a schema with those that it refers to."""

import json
import re
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"


def read_schema(name: str) -> dict[str, Any]:
    """With the files that it refers to bundled into its $defs, where their $id makes them found."""
    text = (SCHEMAS / name).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    others = set(re.findall(r'"\$ref": "([\w.-]+\.json)', text))
    if others:
        schema["$defs"] = {**schema.get("$defs", {}), **{other: read_schema(other) for other in sorted(others)}}
    return schema
