"""The JSON Schema of responses.yaml, with which editors complete and check the file.

It knows the form and the placeholders; `python -m bot responses check` checks what depends on
YAML's own text, or on the settings.
"""

import json
from typing import Any

from bot.sentences.file import LOCALES, MAX_CHARACTERS
from bot.sentences.kinds import FALLBACKS, JUDGED, JUDGED_OR_ANSWERED, OPTIONAL, QUESTIONS, Kind
from bot.sentences.placeholders import PLACEHOLDERS

_HAS_CONFIDENCE = r"\{confidence\}"


def schema_text() -> str:
    """The file responses.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """The schema as JSON types, of draft 7, which editors know best."""
    lists = {kind.value: {"$ref": f"#/definitions/{kind}"} for kind in Kind}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Every sentence that Review Concierge says to a customer",
        "type": "object",
        "properties": {
            **lists,
            "locales": {
                "description": "Sentences in other languages; what one lacks is said in English.",
                "type": "object",
                "propertyNames": {"enum": list(LOCALES)},
                "additionalProperties": {
                    "type": "object",
                    "properties": lists,
                    "additionalProperties": False,
                },
            },
        },
        "required": [kind.value for kind in Kind if kind not in OPTIONAL],
        "additionalProperties": False,
        "definitions": {
            "sentence": _sentence(_placeholders(None)),
            "sentence_on_a_verdict": _sentence(_placeholders(JUDGED[0])),
            **{kind.value: _list(kind) for kind in Kind},
        },
    }


def _list(kind: Kind) -> dict[str, Any]:
    name = "sentence_on_a_verdict" if kind in JUDGED else "sentence"
    sentence = {"$ref": f"#/definitions/{name}"}
    described: dict[str, Any] = {"description": _description(kind), "type": "array", "minItems": 1}
    if kind in QUESTIONS:
        question = {
            "type": "object",
            "properties": {"say": sentence, "yes": {"enum": ["positive", "negative"]}},
            "required": ["say", "yes"],
            "additionalProperties": False,
        }
        described["items"] = {"anyOf": [sentence, question]}
    else:
        described["items"] = sentence
    if kind in JUDGED_OR_ANSWERED:
        without = {"not": {"pattern": _HAS_CONFIDENCE}}
        said = {"type": "object", "properties": {"say": without}}
        described["contains"] = {"anyOf": [{"type": "string", **without}, said]}
    return described


def _description(kind: Kind) -> str:
    placeholders = ", ".join(
        f"{{{name}}} ({PLACEHOLDERS[name].meaning})" for name in _placeholders(kind)
    )
    optional = ""
    if kind in FALLBACKS:
        optional = f"Optional: without it, {FALLBACKS[kind]} is used. "
    elif kind in OPTIONAL:
        optional = "Optional. "
    return f"{optional}Placeholders: {placeholders}."


def _placeholders(kind: Kind | None) -> list[str]:
    """The placeholders allowed in a list; for None, in every list."""
    return [name for name in PLACEHOLDERS if name != "confidence" or kind in JUDGED]


def _sentence(placeholders: list[str]) -> dict[str, Any]:
    known = "|".join(placeholders)
    return {
        "type": "string",
        "maxLength": MAX_CHARACTERS,
        "allOf": [
            {"pattern": r"\S"},
            {"not": {"pattern": rf"\{{(?!(?:{known})\}})[^{{}}\n]*\}}"}},
        ],
    }
