"""The documents: commands are checked or run, examples compared, links followed.

Heavy commands are parsed by the command line that would run them, and cheap ones are run on a tiny
checkpoint. A program that no check knows fails, so that no command goes unchecked.
"""

import importlib
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer
import typer.main
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from bot.errors import BotError
from bot.frontends.discord.client import PERMISSIONS
from bot.sentences.responses import Kind
from bot.serving.cluster import ENVIRONMENT
from bot.settings import Settings
from docs import discord_picture, page_picture
from tests.bot.frontends.browser import find_missing
from tests.conftest import call_trainer
from trainer.config import RECIPES, RecipeName, TrainingConfig

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("trainer/**/*.md")])
CHANGELOG = ROOT / "CHANGELOG.md"
"""Its commands are those of past releases."""
APPS = {"trainer", "bot"}
SCRIPTS = {"review-trainer": "trainer", "review-concierge": "bot"}
PYTEST_OPTIONS = {"-x", "-q", "-m"}
RAY_ENVIRONMENT = {*ENVIRONMENT, "RAY_AUTH_MODE"}
RAY_START = {"--head", "--port", "--address", "--include-dashboard"}
ROOMS = "trainer|bot|tests|docs|benchmarks|deploy|.ci|.github"
UNIT = (ROOT / "deploy" / "review-concierge.service").read_text("utf-8")


class CommandError(Exception):
    """A command that would not do what the document says."""


# Reading the documents


def tokens(page: Path) -> Iterator[Token]:
    """All of a page, inline ones too."""
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


def blocks(page: Path, language: str) -> list[str]:
    return [t.content for t in tokens(page) if t.type == "fence" and t.info == language]


def inline_code(page: Path) -> list[str]:
    return [token.content for token in tokens(page) if token.type == "code_inline"]


def commands(page: Path) -> list[list[str]]:
    """The commands of the shell blocks, and those in a sentence, as words."""
    lines = [
        line
        for block in blocks(page, "sh")
        for line in block.replace("\\\n", " ").splitlines()
        if shlex.split(line, comments=True)
    ]
    for code in inline_code(page):
        if _is_command(code):  # without arguments it is named, not given
            lines.append(f"{code} --help" if re.fullmatch(r"python -m [\w.]+", code) else code)
    found = []
    for line in lines:
        words = shlex.split(line, comments=True)
        for separator in [i for i, word in enumerate(words) if word in ("&&", "|")][::-1]:
            found.append(words[separator + 1 :])
            words = words[:separator]
        found.append(words)
    return found


def _is_command(code: str) -> bool:
    programs = (
        r"make|python|pip|pre-commit|trainer|bot|review-trainer|review-concierge|\.venv/bin/\w+"
    )
    return re.match(rf"(?:{programs}|cp|chmod|docker|sha256sum|sudo) [-\w./\"]", code) is not None


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the table whose first heading this is, as the text of their cells."""
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = text.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def in_backticks(rows: list[list[str]]) -> set[str]:
    """What the first column names."""
    return {name for row in rows for name in re.findall("`([^`]+)`", row[0])}


# Checking a command


def command_of(module: str) -> Any:
    """The command line of `python -m MODULE`."""
    if module in APPS:
        return typer.main.get_command(importlib.import_module(f"{module}.__main__").app)
    if not module.startswith("benchmarks."):
        raise CommandError(f"no check knows the module {module}")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError:
        raise CommandError(f"there is no module {module}") from None
    if not hasattr(found, "main"):
        found = importlib.import_module(f"{module}.__main__")
    app = typer.Typer()
    app.command()(found.main)
    return typer.main.get_command(app)


def parse(command: Any, arguments: list[str]) -> None:
    """As the command line does before it begins."""
    if arguments[:1] == ["--help"]:
        return
    try:
        context = command.make_context("it", list(arguments))
        if rest := [*getattr(context, "_protected_args", ()), *context.args]:
            _, command, arguments = command.resolve_command(context, rest)
            parse(command, arguments)
    except typer.TyperException as error:
        raise CommandError(error.format_message()) from None


def _without_redirection(words: list[str]) -> list[str]:
    return next((words[:end] for end, word in enumerate(words) if word in ("<", ">")), words)


def as_module(words: list[str]) -> tuple[str, list[str]]:
    """The module that a command runs, and its arguments; no module for another program."""
    words = _without_redirection(words)
    program, arguments = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "python" and arguments[:1] == ["-m"]:
        return arguments[1], arguments[2:]
    if program in SCRIPTS:
        return SCRIPTS[program], arguments
    if program.startswith("/opt/review-concierge/bin/"):
        program = Path(program).name
    return (program, arguments) if program in {"trainer", "bot", "pip"} else ("", arguments)


def check(words: list[str]) -> None:
    """Raises CommandError where a command would be refused."""
    module, arguments = as_module(words)
    if module:
        _check_module(module, arguments)
        return
    match words:
        case ["make", *targets]:
            _check_run("make", "--dry-run", *targets)
        case ["sudo", *rest]:
            check(rest)
        case ["docker", "compose", command, *rest]:
            _check_compose(command, _without_redirection(rest))
        case ["docker", "run", "--env-file", ".env"]:
            pass
        case ["tar", "-c", "responses.yaml" | "checkpoints/NAME"]:
            pass
        case ["cp", "--recursive", "checkpoints", _]:
            pass
        case ["install", "--mode", "600", ".env", _]:
            pass
        case ["cp", file, _]:
            _check_exists(file)
        case ["python3.11", "-m", "venv", folder] | ["install", "--directory", *_, folder]:
            assert folder in UNIT
        case ["useradd" | "chown", *_, name] | ["chown", *_, name, _] if name in UNIT:
            pass
        case ["systemctl" | "journalctl", *rest]:
            _check_exists(f"deploy/{next(w for w in rest[1:] if w[0] != '-')}.service")
        case ["chmod", "600", ".env"] | ["chmod", "644", "deploy/prometheus/key"]:
            pass
        case ["sha256sum", "--check", "checksums.sha256"]:
            pass
        case [".venv/bin/torchrun", "--nproc-per-node", _, "-m", module, *arguments]:
            _check_module(module, arguments)
        case ["export", *assignments]:
            if unknown := {a.partition("=")[0] for a in assignments} - RAY_ENVIRONMENT:
                raise CommandError(f"no check knows {unknown}")
        case ["ray", "start", *options]:
            if unknown := {o.partition("=")[0] for o in options} - RAY_START:
                raise CommandError(f"no check knows ray start {unknown}")
        case ["ray", "get-auth-token", "--generate"] | ["ray", "stop"]:
            pass
        case ["curl", *_]:
            pass  # tests/bot/test_http_command.py runs them
        case ["pre-commit", "install"]:
            _check_exists(".pre-commit-config.yaml")
        case _:
            raise CommandError(f"no check knows {shlex.join(words)}")


def _check_compose(command: str, words: list[str]) -> None:
    """`docker compose COMMAND`, which is not installed: what it starts is looked up."""
    if command not in ("build", "up", "ps", "logs", "run", "cp", "exec", "stop", "pull"):
        raise CommandError(f"no check knows docker compose {command}")
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    taking = {"--entrypoint", "--build-arg"}
    names = [
        index
        for index, word in enumerate(words)
        if word[0] != "-" and words[index - 1] not in taking
    ]
    found = names if names and words[names[0]] in services else []
    if not names and command not in ("run", "exec", "logs"):
        return
    if not found:
        raise CommandError("this names no service of compose.yaml")
    options, arguments = words[: found[0]], words[found[0] + 1 :]
    program = options[options.index("--entrypoint") + 1] if "--entrypoint" in options else None
    if command == "run" and program in (None, *SCRIPTS):
        parse(command_of(SCRIPTS[program or "review-concierge"]), arguments)
    elif command == "run" and [program, *arguments] != ["tar", "-x"]:
        raise CommandError(f"no check knows {program}")


def _check_module(module: str, arguments: list[str]) -> None:
    if module == "pip":  # refuses options that it does not know before it helps
        _check_run(sys.executable, "-m", "pip", *arguments, "--help")
    elif module == "pytest":
        options = [word for word in arguments if word.startswith("-")]
        if unknown := set(options) - PYTEST_OPTIONS:
            raise CommandError(f"no check knows pytest's {unknown}")
        for word in arguments:
            if word.startswith("tests/"):
                _check_exists(word)
    else:
        parse(command_of(module), arguments)


def _check_run(*words: str) -> None:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise CommandError(done.stderr.strip())


def _check_exists(path: str) -> None:
    if not (ROOT / path).exists():
        raise CommandError(f"there is no {path}")


@pytest.mark.parametrize("page", [p for p in PAGES if p != CHANGELOG], ids=lambda p: p.name)
def test_every_command_would_be_taken(page: Path) -> None:
    problems = []
    for words in commands(page):
        try:
            check(words)
        except CommandError as error:
            problems.append(f"{shlex.join(words)}: {error}")
    assert problems == []


@pytest.mark.parametrize(
    "command",
    [
        "make nonsense",
        "python -m trainer fit --datasett x",
        "python -m trainer fit --recipe better",
        "python -m trainer evaluate --checkpoint x",
        "python -m trainer checkpoints delete NAME",
        ".venv/bin/python -m bot classify --explains",
        "python -m benchmarks.nothing",
        "python -m benchmarks.speed --slow",
        "review-trainer fits",
        "pip install --nonsense x",
        "pytest tests",
        "python -m pytest tests/no_such_test.py",
        "frobnicate --all",
        "docker compose run --rm web http",
        "docker compose run --rm http https",
        "docker compose destroy",
        "sudo systemctl start review",
    ],
)
def test_a_command_that_would_be_refused_is_found(command: str) -> None:
    with pytest.raises(CommandError):
        check(shlex.split(command))


def test_the_documents_have_commands() -> None:
    """The checks above are worth something only if commands are found."""
    found = [shlex.join(words) for page in PAGES for words in commands(page)]
    assert len(found) > 60
    assert "make run" in found
    assert "cp .env.example .env" in found  # in a list
    assert any("compare" in line and "--base-model gpt2" in line for line in found)  # two lines


def test_every_option_that_is_named_exists() -> None:
    known = {"--help", "--check"}
    for module in ("trainer", "bot", *(f"benchmarks.{n}" for n in ("speed", "ablation"))):
        waiting = [command_of(module)]
        while waiting:
            command = waiting.pop()
            waiting += getattr(command, "commands", {}).values()
            known |= {name for parameter in command.params for name in parameter.opts}
    named = {
        (page.name, option)
        for page in PAGES
        for code in inline_code(page)
        for option in re.findall(r"^--[a-z][a-z-]+", code)
    }
    assert {pair for pair in named if pair[1] not in known} == set()


# Running what is cheap


@pytest.fixture
def workplace(checkpoint: Path, tmp_path: Path) -> Path:
    """A working directory with two checkpoints, of which the first serves, and reviews to read."""
    for name in ("OTHER", "NAME"):
        shutil.copytree(checkpoint, tmp_path / "checkpoints" / name)
    assert call_trainer("checkpoints", "promote", "OTHER", cwd=tmp_path).returncode == 0
    (sample,) = blocks(ROOT / "docs/operating.md", "yaml")
    (tmp_path / "checks.yaml").write_text(sample)
    (tmp_path / "reviews.txt").write_text("what a wonderful film\nsuch a boring plot indeed\n")
    return tmp_path


def run_bot(*arguments: str, cwd: Path) -> list[dict[str, Any]]:
    """What `python -m bot` prints, with the reviews on its standard input."""
    with (cwd / "reviews.txt").open() as reviews:
        done = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=reviews,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_commands_that_are_cheap_do_what_they_say(workplace: Path, reviews: Path) -> None:
    ran = set()
    for words in [w for page in ("README.md", "docs/operating.md") for w in commands(ROOT / page)]:
        module, arguments = as_module(words)
        arguments = [str(reviews) if word.startswith("path/to/") else word for word in arguments]
        match module, arguments[:1]:
            case "trainer", ["checkpoints" | "evaluate" as name]:
                done = call_trainer(*arguments, cwd=workplace)
                assert done.returncode == 0, done.stderr
                assert done.stdout
            case "bot", ["classify" as name]:
                assert len(run_bot(*arguments, cwd=workplace)) == 2
            case _:
                continue
        ran |= {name, *arguments[1:2]}
    assert {"classify", "--explain", "evaluate", "checkpoints", "promote", "rollback"} <= ran


def test_examples_of_output_have_the_fields_that_are_printed(workplace: Path) -> None:
    printed = {
        "explanation" in answer: answer
        for arguments in (("classify",), ("classify", "--explain"))
        for answer in run_bot(*arguments, cwd=workplace)[:1]
    }
    examples = [
        json.loads(block)
        for page in ("README.md", "docs/operating.md")
        for block in blocks(ROOT / page, "json")
    ]
    assert len(examples) == 3
    for example in examples:
        answer = printed["explanation" in example]
        assert list(example) == list(answer)
        assert list(example["probabilities"]) == list(answer["probabilities"])
        if "explanation" in example:
            assert list(example["explanation"][0]) == list(answer["explanation"][0])


def test_the_python_examples_run(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[TrainingConfig | None] = []

    def train(config: TrainingConfig | None = None) -> None:
        trained.append(config)

    monkeypatch.setattr("trainer.training.fit.fine_tune_model", train)  # takes minutes
    monkeypatch.chdir(workplace)
    for page in ("README.md", "docs/training.md"):
        for block in blocks(ROOT / page, "python"):
            if "import" in block:
                exec(compile(block, page, "exec"), {})
    assert len(trained) == 2


@pytest.mark.parametrize(
    ("page", "section", "files", "count"),
    [
        ("training", "One training step", ["loop"], 9),
        ("scaling", "Training on several processes", ["loop", "parallel"], 3),
    ],
)
def test_the_lines_of_the_loop_are_those_of_the_file(
    page: str, section: str, files: list[str], count: int
) -> None:
    path = ROOT / f"docs/{page}.md"
    text = path.read_text("utf-8").partition(f"## {section}\n")[2].partition("\n## ")[0]
    quoted = [block for block in blocks(path, "python") if block in text]
    assert len(quoted) == count
    # The formatter breaks lines in another place where they are indented less.
    code = [(ROOT / f"trainer/training/{file}.py").read_text("utf-8") for file in files]
    rest = re.sub(r"\s", "", "".join(code))
    for block in quoted:
        _, found, rest = rest.partition(re.sub(r"\s", "", block))
        assert found, f"not in the loop, or in another order:\n{block}"


# Tables that repeat what the code says


def test_the_options_of_fit_are_all_there_with_the_defaults_of_the_recipes() -> None:
    rows = table("docs/training.md", "option")
    fit = command_of("trainer").commands["fit"]
    assert in_backticks(rows) == {name for parameter in fit.params for name in parameter.opts} - {
        "--help"
    }
    default = {row[0].strip("`"): row[1] for row in rows}
    best, plain = RECIPES[RecipeName.BEST], RECIPES[RecipeName.PLAIN]
    assert default["--epochs"] == f"{best.epochs} (plain: {plain.epochs})"
    assert default["--windows"] == str(best.windows) == str(plain.windows)
    rates = [float(rate) for rate in re.findall(r"\de-\d", default["--learning-rate"])]
    assert rates == [plain.learning_rate, best.learning_rate, best.narrow_learning_rate]


def test_the_settings_are_all_there() -> None:
    rows = table("docs/operating.md", "setting in `.env`")
    assert in_backticks(rows) == {name.upper() for name in Settings.model_fields}


def test_the_exit_codes_are_all_there() -> None:
    codes = {int(row[0]) for row in table("docs/operating.md", "code")}
    errors = {error.exit_code for error in BotError.__subclasses__()}
    assert codes == {0, 1, 2, 130} | errors


def test_the_figures_are_all_there() -> None:
    files = (ROOT / "bot/frontends/http").glob("*metrics.py")
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    pages = (ROOT / "docs/http.md").read_text("utf-8")
    names = set(re.findall(r"`(concierge_\w+)`", pages))
    assert {name.removesuffix("_total") for name in names} == set(
        re.findall(r'"(concierge_\w+)"', source)
    )


def test_the_alerts_are_all_there() -> None:
    alerts = re.findall(r"alert: (\w+)", (ROOT / "deploy/prometheus/alerts.yml").read_text())
    assert in_backticks(table("docs/deploying.md", "alert")) == set(alerts)


def test_the_kinds_of_reply_are_all_there() -> None:
    kinds = in_backticks(table("docs/discord.md", "kind"))
    assert kinds == set(Kind) - {Kind.HELP, Kind.PRIVACY}


# Links and form


def test_the_permissions_of_the_invitation_are_all_there() -> None:
    names = {name.replace("read_messages", "view_channel") for name, has in PERMISSIONS if has}
    page = (ROOT / "docs" / "discord.md").read_text("utf-8")
    table = page.partition("| permission | for |\n")[2].partition("\n\n")[0]
    listed = {name.lower().replace(" ", "_") for name in re.findall(r"\*([^*]+)\*", table)}
    assert listed == names


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_and_path_leads_somewhere(page: Path) -> None:
    broken = []
    for token in tokens(page):
        target = str(token.attrs.get("href") or token.attrs.get("src") or "")
        if not target or re.match("[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(target)
    for code in inline_code(page):
        if page != CHANGELOG and re.fullmatch(rf"(?:{ROOMS})/[\w./-]+", code):
            broken += [] if (ROOT / code).exists() else [code]
    assert broken == []


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_is_short_and_tables_hold_what_was_measured() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130
    for page in PAGES:
        columns = re.findall(
            r"^\|.*\| *targets? *\|", page.read_text(encoding="utf-8"), re.M | re.I
        )
        assert columns == [], page


@pytest.mark.skipif(find_missing() is not None, reason=str(find_missing()))
def test_the_picture_of_the_page_is_taken_from_a_real_conversation(
    workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    take = page_picture.take

    def take_and_read(driver: Chrome, address: str) -> bytes:
        png = take(driver, address)
        said.append(driver.find_element(By.TAG_NAME, "body").text)
        return png

    monkeypatch.setattr(page_picture, "take", take_and_read)
    picture = tmp_path / "page.png"
    page_picture.main(workplace, picture)
    for sentence in (page_picture.PRAISE, page_picture.MIXED):
        assert sentence in said[0]
    for file in (picture, page_picture.PICTURE):
        width, height = struct.unpack(">II", file.read_bytes()[16:24])
        assert (width, height) == page_picture.SIZE


def test_the_picture_of_discord_is_drawn_from_a_real_conversation(
    workplace: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "discord.svg"
    discord_picture.main(workplace, picture)
    lists = yaml.safe_load((ROOT / "responses.yaml").read_text(encoding="utf-8"))
    sentences = [
        sentence["say"] if isinstance(sentence, dict) else sentence
        for each in lists.values()
        for sentence in each
    ]
    drawn, kept = (
        "".join(ElementTree.parse(drawing).getroot().itertext()).replace("\n", "")
        for drawing in (picture, discord_picture.PICTURE)
    )
    assert any(sentence in drawn for sentence in sentences)
    for said in (discord_picture.PRAISE, discord_picture.MIXED, discord_picture.COMPLAINT):
        assert said in drawn
        assert said in kept
    assert "Only you can see this" in kept
