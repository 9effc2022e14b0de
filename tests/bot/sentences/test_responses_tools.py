"""`python -m bot responses`: check, preview, and the schema for editors."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from bot.errors import ResponsesError
from bot.sentences.kinds import OPTIONAL, Kind
from bot.sentences.responses import Responses, default_responses_file
from bot.sentences.schema import schema_text
from bot.settings import Settings

ROOT = Path(__file__).parents[3]
SHIPPED = default_responses_file().read_text("utf-8")
SCHEMA = json.loads((ROOT / "responses.schema.json").read_text("utf-8"))

MINIMAL = "".join(f"{kind}:\n  - One.\n" for kind in Kind if kind not in OPTIONAL)
GERMAN = """\
locales:
  de:
    positive:
      - "Danke, {user}!"
    unsure:
      - say: "Hat es dir gefallen?"
        yes: positive
"""


def _run(*words: str, folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    names = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [sys.executable, "-m", "bot", "responses", *words],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_check_says_what_is_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "responses.yaml").write_text(MINIMAL + GERMAN)
    lists = len(Kind) - len(OPTIONAL)
    result = _run("check", folder=tmp_path)
    expected = (
        f"responses.yaml can be used: {lists} sentences in {lists} lists (en), "
        "2 sentences in 2 lists (de).\n"
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, expected, "")
    result = _run("check", folder=ROOT)
    assert (result.returncode, result.stderr) == (0, "")


def test_check_names_the_line_of_an_error(tmp_path: Path) -> None:
    (tmp_path / "responses.yaml").write_text(MINIMAL + GERMAN)
    (tmp_path / "other.yaml").write_text(MINIMAL + GERMAN.replace("{user}", "{name}"))
    line = MINIMAL.count("\n") + 4
    for words, settings in ((["other.yaml"], {}), ([], {"RESPONSES_FILE": "other.yaml"})):
        result = _run("check", *words, folder=tmp_path, **settings)
        assert (result.returncode, result.stdout) == (6, "")
        assert result.stderr.startswith(
            f"error: other.yaml, line {line}: {{name}} in this sentence of 'positive' is no "
        )
    # There is room for the help line of the settings, or the file cannot be used.
    long = MINIMAL.replace("One.", '"{help_line}' + "x" * 1_950 + '"', 1)
    (tmp_path / "long.yaml").write_text(long)
    assert _run("check", "long.yaml", folder=tmp_path, HELP_LINE="116 123").returncode == 0
    result = _run("check", "long.yaml", folder=tmp_path, HELP_LINE="x" * 60)
    assert (result.returncode, result.stdout) == (6, "")
    assert "'positive' has 2,010 characters" in result.stderr


def test_preview_shows_every_sentence_as_a_customer_sees_it(tmp_path: Path) -> None:
    shipped = _run("preview", folder=ROOT, HELP_LINE="Samaritans, 116 123").stdout
    assert "or to a help line: Samaritans, 116 123. If you are in danger" in shipped
    assert "Did I get that right?  [a yes means: negative]\n" in shipped
    assert "\n  - I read what you thought of a film, in English, and reply." in shipped
    assert "\n    - Send me a direct message.\n" in shipped  # a text of several lines
    assert "{" not in shipped
    lists = yaml.load(SHIPPED, Loader=yaml.BaseLoader)
    assert all(f"\n{name}:\n" in shipped for name in lists)
    first_lines = sum(line.startswith("  - ") for line in shipped.splitlines())
    assert first_lines == sum(map(len, lists.values()))

    sentence = '"Hi {user} on {server}, {confidence}\\e[31m!"'
    (tmp_path / "my.yaml").write_text(
        MINIMAL.replace("  - One.", f"  - {sentence}\n  - Hi.", 1) + GERMAN
    )
    result = _run("preview", "my.yaml", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    english, german = result.stdout.split("Language: de\n")
    assert english.startswith(
        "Language: en\n\npositive:\n  - Hi Maria on Film Club, 92% [31m!\n  - Hi.\n"
    )
    assert "\npositive_strong: as positive\n" in english
    assert "\nboth: a sentence that comes with the bot\n" in english
    assert "\npositive:\n  - Danke, Maria!\n" in german
    assert "\npositive_strong: as positive\n" in german
    assert "\nnegative_strong: as in English\n" in german
    assert "\nleans_negative: as unsure\n" in german
    assert "\ngreeting: as in English\n" in german


def test_preview_of_a_wrong_file_ends_as_check_does(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("positive: One.\n" + MINIMAL.split("\n", 2)[2])
    for command in ("preview", "check"):
        result = _run(command, "my.yaml", folder=tmp_path)
        assert (result.returncode, result.stdout) == (6, "")
        assert result.stderr.startswith("error: my.yaml, line 1: 'positive' must be a list")


# The schema


class Yaml12Loader(yaml.SafeLoader):
    """Reads "yes" as a word, as editors do: in YAML 1.2 it is no truth value."""


Yaml12Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _is_valid(content: str) -> bool:
    data = yaml.load(content, Loader=Yaml12Loader)
    return bool(jsonschema.Draft7Validator(SCHEMA).is_valid(data))


def test_the_schema_in_the_repository_is_what_the_code_generates() -> None:
    assert (ROOT / "responses.schema.json").read_text("utf-8") == schema_text()
    result = _run("schema", folder=ROOT)
    assert (result.returncode, result.stdout, result.stderr) == (0, schema_text(), "")


def test_the_schema_accepts_the_shipped_file_which_names_it() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert _is_valid(SHIPPED)
    assert SHIPPED.startswith("# yaml-language-server: $schema=responses.schema.json\n")
    assert _is_valid(MINIMAL + GERMAN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("negative:\n  - One.\n", ""),
        ("busy:", "funny: [a]\nbusy:"),
        ("positive:\n  - One.", "positive: []"),
        ("positive:\n  - One.", "positive: One."),
        ("positive:\n  - One.", "positive:\n  - 5"),
        ("positive:\n  - One.", "positive:\n  - '  '"),
        ("positive:\n  - One.", "positive:\n  - " + "x" * 2_001),
        ("positive:\n  - One.", 'positive:\n  - "{name}"'),
        ("positive:\n  - One.", 'positive:\n  - "{ user }"'),
        ("positive:\n  - One.", 'positive:\n  - "{confidence}"'),
        ("greeting:\n  - One.", 'greeting:\n  - "{confidence}"'),
        ("unsure:\n  - One.", 'unsure:\n  - say: "{confidence}?"\n    yes: positive'),
        ("unsure:\n  - One.", "unsure:\n  - say: Good?\n    yes: both"),
        ("unsure:\n  - One.", "unsure:\n  - say: Good?"),
        ("unsure:\n  - One.", 'unsure:\n  - say: "Good, {name}?"\n    yes: positive'),
        ("positive:\n  - One.", "positive:\n  - say: Good\n    yes: positive"),
        ("  de:", "  xx:"),
        ("  de:", "  en:"),
        ("    unsure:", "    unshure:"),
        ("Danke, {user}!", "Danke, {kunde}!"),
    ],
)
def test_the_schema_refuses_what_the_bot_refuses(tmp_path: Path, old: str, new: str) -> None:
    content = MINIMAL + GERMAN
    assert old in content
    wrong = content.replace(old, new, 1)
    assert not _is_valid(wrong)
    (tmp_path / "my.yaml").write_text(wrong)
    with pytest.raises(ResponsesError):
        Responses.load(tmp_path / "my.yaml")


@pytest.mark.parametrize(
    "sentence",
    [
        "Hi {user}, {server}, {owner}, {help_line}!",
        "an open { bracket",
        "a closed } bracket",
        "{\\n}",
        "{{user}}",
        "x" * 2_000,
    ],
)
def test_the_schema_accepts_what_the_bot_accepts(tmp_path: Path, sentence: str) -> None:
    content = MINIMAL.replace("One.", f'"{sentence}"', 1)
    assert _is_valid(content)
    (tmp_path / "my.yaml").write_text(content)
    assert Responses.load(tmp_path / "my.yaml").count == len(Kind) - len(OPTIONAL)


CHECKS = """\
- text: "what a wonderful film"
  kind: positive
- text: "the plot was \\e dreadful"
  kind: positive
"""


def test_check_tries_the_sentences_under_test(tmp_path: Path, checkpoint: Path) -> None:
    (tmp_path / "responses.yaml").write_text(MINIMAL)
    (tmp_path / "checks.yaml").write_text(CHECKS)
    result = _run("check", folder=tmp_path)
    assert result.returncode == 0
    assert "checks.yaml can be used, but there is no checkpoint yet" in result.stdout
    shutil.copytree(checkpoint.parent, tmp_path / "checkpoints")
    result = _run("check", folder=tmp_path)
    assert result.returncode == 12
    assert "checks.yaml: 1 of 2 sentences under test are kept.\n" in result.stdout
    broken = "  number 2 (line 3): negative, not positive: the plot was \\x1b dreadful\n"
    assert broken in result.stdout  # for the operator's own terminal
    assert "error: The serving checkpoint breaks sentences of checks.yaml: 2." in result.stderr
    assert "dreadful" not in result.stderr
    (tmp_path / "checks.yaml").write_text(CHECKS[: CHECKS.index('- text: "the')])
    result = _run("check", folder=tmp_path)
    assert result.returncode == 0
    assert "checks.yaml: 1 of 1 sentences under test are kept." in result.stdout


def test_check_names_the_line_of_an_error_in_the_sentences_under_test(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "elsewhere"):
        folder.mkdir(exist_ok=True)
        (folder / "checks.yaml").write_text(CHECKS + "- text: x\n  kind: y\n")
    (tmp_path / "elsewhere" / "responses.yaml").write_text(MINIMAL)
    result = _run("check", folder=tmp_path)  # the packaged sentences
    assert result.returncode == 6
    assert result.stderr.startswith("error: checks.yaml, line 6: 'kind' must be one of")
    result = _run("check", "elsewhere/responses.yaml", folder=tmp_path)
    assert result.stderr.startswith("error: elsewhere/checks.yaml, line 6")
