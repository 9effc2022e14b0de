"""What may become of a file: hypothesis strategies for the property-based tests."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

bounded = settings(
    max_examples=60,
    deadline=None,  # other work shares the processors
    derandomize=True,  # the same examples everywhere: a failure is not a matter of luck
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

MAX_CHARACTERS = 1_000

_HOSTILE: st.SearchStrategy[Any] = st.sampled_from(
    [
        *("", "\0", "\ud800", "\x1b[31m", "\u202e", "[/red]", "[link=x]y[/link]", "\r\n", "../x"),
        *("/etc/passwd", "~nouser/x", "x" * 300, "x" * 5_000, "*" * 1_500, "Infinity", "-0"),
        *(-1, 0, 1, 2**31, 2**63, 2**64, 10**30, -(10**400), 1e308, 5e-324, 0.5, True, False, None),
        *(float("nan"), float("inf"), [], {}, [[]], {"": {}}),
    ]
)
_json_values = _HOSTILE | st.recursive(
    _HOSTILE | st.text(max_size=8) | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
json_values = _json_values.map(copy.deepcopy)  # one list or object must not be put in two places
_FRAGMENTS = st.sampled_from(
    [
        *(bytes([byte]) for byte in b'\0\n\r",\t;{[]}:\\\xff'),
        *(b"\xef\xbb\xbf", b"\xff\xfe", b"\x1b[31m", b"\xe2\x80\xae", b"\\ud800"),
        *(b"9" * 400, b"[" * 5_000, b"a" * 200_000),
    ]
)


@contextmanager
def refused_with_a_sentence(*errors: type[Exception]) -> Iterator[None]:
    """Within, an error of these types is right where it is a short, printable sentence."""
    try:
        yield
    except errors as error:
        require_sentence(error)


def require_sentence(error: Exception) -> None:
    assert str(error).isprintable()
    assert 0 < len(str(error)) < MAX_CHARACTERS


@st.composite
def mutated_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """The content after one to four accidents: bytes changed, lost, repeated or put in."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 2, 8, 100, 10_000])))
        match draw(st.sampled_from(["flip", "lose", "repeat", "insert", "cut"])):
            case "flip" if start < len(content):
                flipped = content[start] ^ draw(st.integers(1, 255))
                content = content[:start] + bytes([flipped]) + content[start + 1 :]
            case "lose":
                content = content[:start] + content[end:]
            case "repeat":
                content = content[:end] + content[start:]
            case "cut":
                content = content[:start]
            case _:
                new = draw(_FRAGMENTS | st.binary(max_size=20))
                content = content[:start] + new + content[start:]
    return content


@st.composite
def mutated_json(draw: st.DrawFn, value: Any) -> Any:
    """The value with one to three of its parts replaced, removed or added."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        place = value
        while isinstance(place, dict | list) and place:
            keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if isinstance(inner, dict | list) and inner and draw(st.integers(0, 9)) > 1:
                place = inner
                continue
            match draw(st.sampled_from(["replace", "replace", "replace", "remove", "add"])):
                case "remove":
                    del place[key]
                case "add" if isinstance(place, dict):
                    place[draw(st.text(max_size=5))] = draw(json_values)
                case _:
                    place[key] = draw(json_values)
            break
    return value


def state_files(valid: Any) -> st.SearchStrategy[bytes]:
    """What may be in a small JSON file: anything, or something near what it should hold."""
    text = json.dumps(valid).encode()
    return (
        st.binary(max_size=100)
        | json_values.map(_dump)
        | mutated_bytes(text)
        | mutated_json(valid).map(_dump)
    )


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()
