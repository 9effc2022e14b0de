"""The command line, run as its users run it: as a process, and at a real terminal."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import pexpect
import pytest

from bot.__main__ import main
from bot.frontends.console import LOOK_SECONDS
from bot.sentences.responses import Kind
from bot.settings import Settings
from tests.bot.stub import OTHER_KINDS, KeywordClassifier
from tests.discord_server import DiscordServer, bot_process_argv
from tests.marker import marked, search_output, write_input
from tests.processes import Terminal
from trainer.model.checkpoint import promote

ROOT = Path(__file__).parents[2]
BOT = [sys.executable, "-m", "bot"]
POSITIVE, NEGATIVE = marked("What a wonderful film"), marked("What a terrible film")


def _environment(**settings: str) -> dict[str, str]:
    """This process's, with these settings and no others."""
    names = {name.upper() for name in Settings.model_fields} | {"NO_COLOR", "COLUMNS"}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def _run(
    *args: str, folder: Path, stdin: bytes = b"", **settings: str
) -> "subprocess.CompletedProcess[bytes]":
    result = subprocess.run(
        [*BOT, *args],
        cwd=folder,
        env=_environment(**settings),
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return _searched(result)


def _searched(
    result: "subprocess.CompletedProcess[bytes]",
) -> "subprocess.CompletedProcess[bytes]":
    """The same; pytest does not see what a test has captured itself."""
    said = (result.stdout + result.stderr).decode("utf-8", "replace")
    search_output(f"the command {result.args}", said)
    return result


def _fails(result: "subprocess.CompletedProcess[bytes]", code: int, sentence: str) -> None:
    """Checks for one sentence on standard error, this exit code, and nothing else."""
    lines = result.stderr.decode().splitlines()
    assert result.returncode == code, lines
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, lines
    assert re.search(sentence, errors[0]), lines
    assert lines[-1] == errors[0]
    assert b"Traceback" not in result.stderr
    assert result.stdout == b""


@pytest.fixture
def folder(checkpoint: Path) -> Path:
    """A working directory with a serving checkpoint."""
    return checkpoint.parent.parent


# What needs no checkpoint


def test_help_names_the_commands(tmp_path: Path) -> None:
    result = _run("--help", folder=tmp_path)
    assert result.returncode == 0
    assert all(
        name in result.stdout.decode()
        for name in ("chat", "classify", "start", "sync", "backup", "restore")
    )


def test_help_waits_for_no_large_library(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from bot.__main__ import main\n"
        "sys.argv = ['bot', '--help']\n"
        "main()\n"
        "sys.exit(bool({'torch', 'transformers', 'discord', 'sqlalchemy'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=True)


def test_a_wrong_command_line_is_reported(tmp_path: Path) -> None:
    _fails(_run("tell", folder=tmp_path), 2, "No such command 'tell'.*--help")
    _fails(_run("chat", "--loud", folder=tmp_path), 2, "No such option")


def test_a_missing_token_is_reported_with_what_to_do(tmp_path: Path) -> None:
    _fails(_run(folder=tmp_path), 3, r"set DISCORD_TOKEN in \.env.*python -m bot chat")


def test_a_misspelt_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DISCORD_TOKN=secret\n")
    result = _run(folder=tmp_path)
    _fails(result, 3, "There is no Discord token")
    assert b"did you mean DISCORD_TOKEN?" in result.stderr
    assert b"secret" not in result.stderr


def test_a_token_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / ".env").touch(0o644)
    result = _run(folder=tmp_path)
    _fails(result, 3, "There is no Discord token")
    assert b"warning: .env can be read by other users of this machine: chmod 600" in result.stderr


def test_a_wrong_setting_is_reported(tmp_path: Path) -> None:
    result = _run("chat", folder=tmp_path, LOG_LEVEL="loud")
    _fails(result, 2, "LOG_LEVEL is 'LOUD', but must be 'DEBUG'")


def test_missing_or_malformed_responses_are_reported(tmp_path: Path) -> None:
    _fails(_run("chat", folder=tmp_path, RESPONSES_FILE="gone.yaml"), 6, "gone.yaml is missing")
    lists = "".join(f"{kind}:\n  - {5 if kind == 'positive' else 'One.'}\n" for kind in Kind)
    (tmp_path / "responses.yaml").write_text(lists)
    _fails(_run("chat", folder=tmp_path), 6, r"responses\.yaml, line 2: .*quotation marks")


def test_responses_of_an_earlier_version_are_reported_with_what_to_add(tmp_path: Path) -> None:
    (tmp_path / "responses.yaml").write_text("positive:\n  - One.\n")
    result = _run("chat", folder=tmp_path)
    said, sample = result.stderr.decode().split("\n\n", 1)
    assert result.returncode == 6
    assert re.fullmatch(r"error: responses\.yaml, line 1: 'negative', .* are missing; .*:", said)
    with (tmp_path / "responses.yaml").open("a") as file:
        file.write(sample)
    _fails(_run("chat", folder=tmp_path), 5, "There is no trained checkpoint yet")


@pytest.mark.parametrize("command", ["chat", "classify"])
def test_a_customer_in_distress_is_given_the_help_line_of_the_settings(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
    command: str,
) -> None:
    monkeypatch.setattr("bot.__main__._load", lambda *_: KeywordClassifier())
    run = Main(tmp_path, monkeypatch, capsysbinary)
    (tmp_path / ".env").write_text("HELP_LINE=Samaritans, 116 123\n")
    said = run(command, stdin=marked(OTHER_KINDS["distress"]).encode()).stdout.decode()
    assert "a help line: Samaritans, 116 123. " in said
    assert "[" not in said  # no verdict, in the terminal


@pytest.mark.parametrize("args", [["chat"], ["classify"], []])
def test_a_missing_checkpoint_is_reported_with_what_to_do(tmp_path: Path, args: list[str]) -> None:
    result = _run(*args, folder=tmp_path, DISCORD_TOKEN="a.b.c")
    _fails(result, 5, r"There is no trained checkpoint yet\..*python -m trainer fit")


# What needs one, in this process: torch takes seconds to import


class Main:
    """Calls the command line's main() in this process."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capture: pytest.CaptureFixture[bytes],
    ) -> None:
        monkeypatch.chdir(folder)
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        self._folder, self._monkeypatch, self._capture = folder, monkeypatch, capture

    def __call__(self, *args: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        self._monkeypatch.setattr(sys, "argv", ["bot", *args])
        with tempfile.TemporaryFile() as file:
            file.write(stdin)
            file.seek(0)
            self._monkeypatch.setattr("bot.frontends.lines.STDIN", file.fileno())
            code = main()
        return _searched(subprocess.CompletedProcess(args, code, *self._capture.readouterr()))


@pytest.fixture
def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Main:
    return Main(folder, monkeypatch, capsysbinary)


def test_classify_reads_a_file_with_any_checkpoint(
    run: Main, checkpoint: Path, tmp_path: Path
) -> None:
    reviews = write_input(tmp_path / "reviews.txt", f"{POSITIVE}\n")
    from_pipe = run("classify", stdin=f"{POSITIVE}\n".encode())
    (tmp_path / "moved").symlink_to(checkpoint)
    from_file = run("classify", "--checkpoint", str(tmp_path / "moved"), str(reviews))
    assert from_pipe.returncode == from_file.returncode == 0
    one, other = json.loads(from_pipe.stdout), json.loads(from_file.stdout)
    assert one["probabilities"] == other["probabilities"]
    assert "explanation" not in one


def test_classify_explains_on_request(run: Main) -> None:
    review = "What a terrible film"  # not marked: the answer is to hold its words
    explained = run("classify", "--explain", stdin=f"{review}\n".encode())
    parts = json.loads(explained.stdout)["explanation"]
    weights = {part["text"]: part["weight"] for part in parts}
    assert list(weights) == review.split()
    assert max(weights, key=weights.__getitem__) == "terrible"


def test_input_that_cannot_be_read_is_reported(run: Main) -> None:
    _fails(run("classify", "gone.txt"), 8, "gone.txt cannot be read: No such file")
    _fails(run("classify", stdin=b"na\xefve\n"), 8, "standard input, line 1: not UTF-8")


def test_a_checkpoint_that_cannot_be_loaded_is_reported(run: Main, tmp_path: Path) -> None:
    _fails(run("classify", "--checkpoint", str(tmp_path / "gone")), 5, "gone")


def test_start_talks_here_where_a_checkpoint_serves_and_no_token_is_set(run: Main) -> None:
    result = run("start", stdin=f"{POSITIVE}\n".encode())
    assert result.returncode == 0
    assert b"No DISCORD_TOKEN is set" in result.stderr
    assert result.stdout.startswith(b"[positive")


def test_chat_answers_the_lines_of_a_pipe(run: Main) -> None:
    result = run("chat", stdin=f"{POSITIVE}\n{NEGATIVE}".encode())
    assert result.returncode == 0, result.stderr
    positive, negative = result.stdout.decode().splitlines()
    assert re.match(r"\[positive \d+%\] \w", positive)
    assert re.match(r"\[negative \d+%\] \w", negative)


def test_an_unexpected_error_is_reported_without_its_message(
    run: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise KeyError("a private review")

    monkeypatch.setattr("bot.frontends.console.chat", broken)
    result = run("chat")
    _fails(result, 1, r"KeyError at tests/bot/test_main\.py:\d+")
    assert b"private" not in result.stderr


# What needs one, and a process


def test_serves_without_torch_where_the_checkpoint_carries_a_graph(folder: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None\n"  # importing them now fails
        "from bot.__main__ import main\n"
        "sys.argv = ['bot', 'classify']\n"
        "sys.exit(main())\n"
    )
    command = [sys.executable, "-c", program]
    reviews = f"{POSITIVE}\n{NEGATIVE}\n".encode()
    answers = []
    for runtime in ("onnx", "auto", "torch"):
        environment = _environment(RUNTIME=runtime, THREADS="1")
        served = _searched(
            subprocess.run(
                command,
                cwd=folder,
                env=environment,
                input=reviews,
                capture_output=True,
                check=False,
            )
        )
        answers.append((served.returncode, served.stdout))
    assert answers[0][0] == 0
    praise, complaint = (json.loads(line)["probabilities"] for line in answers[0][1].splitlines())
    assert praise["positive"] > 0.5 > complaint["positive"]
    if not Path("/dev/nvidiactl").exists():
        assert [json.loads(line)["probabilities"] for line in answers[1][1].splitlines()] == [
            praise,
            complaint,
        ]
    assert answers[2][0] != 0  # so that the block is one


class Piped:
    """`python -m bot` with its streams as pipes, for the length of a `with` block.

    It must end with code 0; what it then has said on standard error is in `errors`.
    """

    def __init__(self, *args: str, folder: Path) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [*BOT, *args], cwd=folder, env=_environment(), stdin=pipe, stdout=pipe, stderr=pipe
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._stdin, self.stdout = self._process.stdin, self._process.stdout
        self._stderr = self._process.stderr
        self.errors = b""

    def write(self, line: str) -> None:
        self._stdin.write(f"{line}\n".encode())
        self._stdin.flush()

    def ask(self, line: str) -> bytes:
        """Writes a line, and waits for the line of its answer."""
        self.write(line)
        return self.stdout.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        with self._process:
            if failure is not None:
                self._process.kill()
                return
            self._stdin.close()
            self.errors = self._stderr.read()
        assert self._process.returncode == 0, self.errors


def test_a_pipe_gets_an_object_for_each_line_and_may_be_closed_early(folder: Path) -> None:
    with Piped("classify", folder=folder) as bot:
        for review, label in [(POSITIVE, "positive"), (NEGATIVE, "negative")]:
            answer = json.loads(bot.ask(review))
            assert answer["label"] == label
            assert answer["confidence"] == max(answer["probabilities"].values()) > 0.5
            assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert json.loads(bot.ask(""))["label"] is None
        assert json.loads(bot.ask("Ein furchtbarer Film, und viel zu lang"))["kind"] == "foreign"
        bot.stdout.close()
        bot.write(POSITIVE)
    assert re.fullmatch(rb"Loading checkpoint .*\n", bot.errors)


def _terminal(folder: Path, *args: str, **settings: str) -> Terminal:
    return Terminal([*BOT, *args], cwd=folder, env=_environment(TERM="xterm", **settings))


def test_a_conversation_in_the_terminal(folder: Path) -> None:
    with _terminal(folder, "chat") as child:
        child.expect("Tell me what you thought of a film")
        child.expect("You:")
        child.sendline(POSITIVE)
        child.expect("positive.*█+.*%")
        child.expect("You:")
        child.sendline("history")
        child.expect(rf"1\. positive \d+% +{POSITIVE}")
        child.expect("You:")
        child.send("\x1b[A\x1b[A\r")  # the arrow brings the review back
        child.expect("positive.*█+.*%")
        child.expect("You:")
        child.sendline("help")
        child.expect("history +the reviews")
        child.expect("You:")
        child.sendline(NEGATIVE)
        child.expect("You:")
        child.sendline("why")
        child.expect("carried by: terrible")
        child.expect("You:")
        child.send("\x04")  # Ctrl-D
        child.expect("Goodbye")
        child.expect(pexpect.EOF)
        assert "Traceback" not in (child.before or "")
        assert child.process.wait(60) == 0
    kept = [file for file in folder.rglob("*") if file.is_file()]
    assert not [file for file in kept if POSITIVE.encode() in file.read_bytes()]


def test_ctrl_c_ends_a_conversation_without_a_traceback(folder: Path) -> None:
    with _terminal(folder, "chat", NO_COLOR="1") as child:
        child.expect("You:")
        child.send("\x03")
        child.expect("Goodbye")
        child.expect(pexpect.EOF)
        assert "Traceback" not in (child.before or "")
        assert child.process.wait(60) == 130


def test_classify_at_a_terminal_answers_each_line_and_ends_at_ctrl_c(folder: Path) -> None:
    with _terminal(folder, "classify") as child:
        child.expect("Type one review a line")
        child.sendline(POSITIVE)
        child.expect('{"label": "positive"')
        child.send("\x03")
        child.expect(pexpect.EOF)
        assert "Traceback" not in (child.before or "")
        assert child.process.wait(60) == 130


def test_a_promotion_elsewhere_reaches_a_conversation_in_the_terminal(
    folder: Path, tmp_path: Path
) -> None:
    root = tmp_path / "checkpoints"
    shutil.copytree(folder / "checkpoints", root)
    with Piped("chat", folder=tmp_path) as bot:
        assert bot.ask(POSITIVE).startswith(b"[")
        shutil.copytree(root / "tiny", root / "second")
        promote("second", root)
        time.sleep(LOOK_SECONDS)
        assert bot.ask(POSITIVE).startswith(b"[")
    assert b"second was promoted elsewhere, and is serving now" in bot.errors


# On Discord, as a process of its own


async def _run_on(
    server: DiscordServer,
    *args: str,
    folder: Path,
    talk: Callable[[], Awaitable[object]] | None = None,
    **settings: str,
) -> "subprocess.CompletedProcess[bytes]":
    """Runs the bot on this Discord until it ends by itself; with `talk`, until that is done and
    SIGTERM has ended it."""
    process = await asyncio.create_subprocess_exec(
        *bot_process_argv(server, *args),
        cwd=folder,
        env=_environment(**{"DISCORD_TOKEN": server.token, **settings}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said = asyncio.create_task(process.communicate())
    try:
        if talk is not None:
            await server.ready(timeout=60)
            await talk()
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(asyncio.shield(said), 60 if talk is None else 15)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        output, errors = await said
    assert process.returncode is not None
    return _searched(subprocess.CompletedProcess(args, process.returncode, output, errors))


async def test_a_mention_is_answered_and_sigterm_ends_it_well(folder: Path) -> None:
    async with DiscordServer() as server:

        async def talk() -> None:
            reply = await server.wait_for_reply(await server.say(server.channel, POSITIVE))
            assert reply.content
            await server.wait_for_reply(await server.dm(NEGATIVE))

        result = await _run_on(server, folder=folder, talk=talk)
    assert result.returncode == 0, result.stderr
    said = result.stdout + result.stderr
    assert b"Traceback" not in said
    for private in (POSITIVE, NEGATIVE, server.token):
        assert private.encode() not in said


async def test_a_desk_that_cannot_be_opened_is_reported_once_and_customers_are_answered(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    broken = f"sqlite:///{tmp_path}/file/desk.sqlite3"
    async with DiscordServer() as server:

        async def talk() -> None:
            assert (await server.wait_for_reply(await server.dm(POSITIVE))).content

        result = await _run_on(server, folder=folder, talk=talk, DATABASE_URL=broken)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count(b"The service desk is off") == 1


async def test_the_commands_are_registered_on_request_and_without_a_checkpoint(
    tmp_path: Path,
) -> None:
    async with DiscordServer() as server:
        result = await _run_on(server, "sync", folder=tmp_path)
        registered = server.commands[None]
    assert result.returncode == 0, result.stderr
    assert f"Discord has {len(registered)} commands now".encode() in result.stderr
    assert not server.identifies


def test_registering_the_commands_takes_a_token(tmp_path: Path) -> None:
    _fails(_run("sync", folder=tmp_path), 3, "There is no Discord token")


async def test_a_refused_token_has_its_sentence_and_code(folder: Path) -> None:
    async with DiscordServer() as server:
        result = await _run_on(server, folder=folder, DISCORD_TOKEN="not.the.token")
    _fails(result, 4, "refused the token.*Reset Token")
