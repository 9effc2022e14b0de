"""Checks traffic against Discord's own OpenAPI document (OpenAPI 3.1, so JSON Schema 2020-12)."""

import copy
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .world import Json


class Contract:
    """Validators for the bodies of each operation, compiled on first use."""

    def __init__(self, openapi: Path) -> None:
        document = json.loads(openapi.read_text(encoding="utf-8"))
        lenient = copy.deepcopy(document)
        # discord.py sends some ids as numbers, which Discord takes though its document does not.
        lenient["components"]["schemas"]["SnowflakeType"]["type"] = ["string", "integer"]
        self._paths: Json = document["paths"]
        self._documents = {"response": document, "request": lenient}
        self._registry: Registry[Any] = Registry().with_contents(
            [(f"urn:{side}", contents) for side, contents in self._documents.items()],
            default_specification=DRAFT202012,
        )
        self._validators: dict[tuple[str, ...], Draft202012Validator | None] = {}

    def request(self, method: str, route: str, body: object) -> list[str]:
        """What is wrong with a request's JSON, in words; empty where nothing is."""
        return self._check("request", (route, method.lower(), "requestBody"), body)

    def response(self, method: str, route: str, status: int, body: object) -> list[str]:
        """What is wrong with a response's JSON; server errors (5xx) are not in the document."""
        responses = self._paths.get(route, {}).get(method.lower(), {}).get("responses", {})
        key = next((key for key in (str(status), f"{status // 100}XX") if key in responses), None)
        if key is None:
            return (
                [] if status >= 500 else [f"{method} {route}: no status {status} in the contract"]
            )
        if status >= 400 and isinstance(body, dict):
            # The document types the detail codes as integers; Discord sends names.
            body = {name: value for name, value in body.items() if name != "errors"}
        return self._check("response", (route, method.lower(), "responses", key), body)

    def _check(self, side: str, where: tuple[str, ...], body: object) -> list[str]:
        key = (side, *where)
        if key not in self._validators:
            self._validators[key] = self._validator(side, where)
        validator = self._validators[key]
        broken = None if validator is None else best_match(validator.iter_errors(body))
        if broken is None:
            return []
        return [f"{where[1].upper()} {where[0]} {side}: {broken.json_path}: {broken.message}"]

    def _validator(self, side: str, where: tuple[str, ...]) -> Draft202012Validator | None:
        """The validator of the JSON body at this place; None where the document has none."""
        place, node = ["paths", *where], self._paths
        for key in where:
            node = node.get(key, {})
        if "$ref" in node:  # a shared response
            place = node["$ref"].removeprefix("#/").split("/")
            node = self._documents[side]["components"]["responses"][place[-1]]
        if "application/json" not in node.get("content", {}):
            return None
        place += ["content", "application/json", "schema"]
        pointer = "/".join(
            quote(key.replace("~", "~0").replace("/", "~1"), safe="~@") for key in place
        )
        return Draft202012Validator({"$ref": f"urn:{side}#/{pointer}"}, registry=self._registry)
