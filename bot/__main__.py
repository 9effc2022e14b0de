"""The command line: Discord by default, chat, classify, http, serve, responses, start and others.

The only place that turns an error into a sentence on standard error and an exit code.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Context, Option, Typer, TyperException

from bot import logs
from bot.errors import BotError, MissingTokenError, SettingsError, UnusableCheckpointError
from trainer.errors import printable
from trainer.extras import HTTP, SCALE, missing

# Each command imports what it needs: `--help` does not wait for torch and discord.
if TYPE_CHECKING:
    from pydantic import SecretStr

    from bot.conversation.concierge import Concierge
    from bot.desk.desk import Desk
    from bot.frontends.http.monitoring import Monitor
    from bot.sentences.responses import Responses
    from bot.serving.deployment import Plan
    from bot.settings import Settings
    from bot.text_engine import TextEngine
    from trainer.model.classifier import Classifier

INTERRUPTED = 130

app = Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
responses_app = Typer(rich_markup_mode=None)
app.add_typer(responses_app, name="responses", help="Checks or shows the file of sentences.")
keys_app = Typer(rich_markup_mode=None)
app.add_typer(keys_app, name="http-key", help="Adds, lists or removes keys for `http`.")

ResponsesFile = Annotated[
    Path | None, Argument(metavar="FILE", help="Default: RESPONSES_FILE, else responses.yaml.")
]


@app.callback(invoke_without_command=True)
def default(context: Context) -> None:
    """Answers film reviews: on Discord, or in the terminal with one of the commands."""
    if context.invoked_subcommand is None:
        _discord(_settings())


@app.command()
def chat() -> None:
    """Talks in the terminal.

    If standard input is not a terminal, answers the lines it reads.
    """
    _chat(_settings())


@app.command()
def classify(
    file: Annotated[
        Path | None, Argument(help="One review per line, in UTF-8. Default: standard input.")
    ] = None,
    checkpoint: Annotated[
        Path | None, Option(help="The checkpoint's directory. Default: the serving one.")
    ] = None,
    explain: Annotated[
        bool, Option("--explain", help="Show how much each word supports the verdict.")
    ] = False,
) -> None:
    """Judges reviews: one per line in, one JSON object per line out."""
    from bot.frontends import lines

    front_end = partial(lines.classify, file=file, explain=explain)
    _converse(_settings(), front_end, checkpoint)


@app.command()
def start() -> None:
    """Trains if there is no checkpoint yet, then talks.

    On Discord if DISCORD_TOKEN is set in .env or the environment, else in the terminal.
    """
    from bot.operations.first import train_first_checkpoint

    settings = _settings()
    if _serving_checkpoint() is None and settings.serve_url is None:
        _say("There is no checkpoint yet, so a first one is trained now; this takes some minutes.")
        train_first_checkpoint()
    if settings.discord_token:
        _discord(settings)
    else:
        _say("No DISCORD_TOKEN is set (see .env.example), so let us talk here.")
        _chat(settings)


@app.command()
def sync() -> None:
    """Registers the commands with Discord.

    The bot does so itself, but only when they have changed.
    """
    settings = _settings()
    if settings.discord_token is None:
        raise MissingTokenError
    count = asyncio.run(register(settings, settings.discord_token))
    _say(f"Discord has {count} commands now. If you do not see them, reload Discord.")


@responses_app.command("check")
def check_responses(file: ResponsesFile = None) -> None:
    """Checks a file of sentences, and tries the sentences under test; names the line of an error.

    Those are in checks.yaml beside the file, if there is one; the serving checkpoint judges them.
    """
    from bot.frontends.lines import write_lines
    from bot.sentences.preview import summary

    settings = _settings()
    file = file or settings.responses_file
    write_lines([summary(file, settings.help_line)])
    _try_checks(file, settings)


@responses_app.command("preview")
def preview_responses(file: ResponsesFile = None) -> None:
    """Prints every sentence as a customer sees it."""
    from bot.frontends.lines import write_lines
    from bot.sentences.preview import preview

    settings = _settings()
    write_lines(preview(file or settings.responses_file, settings.help_line))


@responses_app.command("schema")
def responses_schema() -> None:
    """Prints the JSON Schema with which editors check the file."""
    from bot.frontends.lines import write_lines
    from bot.sentences.schema import schema_text

    write_lines([schema_text().rstrip()])


@app.command()
def http() -> None:
    """Answers other programs over HTTP, until SIGTERM or Ctrl-C."""
    if sentence := missing("The HTTP server", *HTTP, extra="http"):
        raise SettingsError(sentence)
    _serve_http(_settings())


@app.command()
def serve(
    replicas: Annotated[
        int, Option(min=1, max=1000, help="The replicas; with --max-replicas the fewest.")
    ] = 1,
    max_replicas: Annotated[
        int | None,
        Option(min=1, max=1000, help="The most, as the load demands. Default: as --replicas."),
    ] = None,
    cores: Annotated[int, Option(min=1, max=1024, help="The cores of each replica.")] = 1,
    host: Annotated[
        str, Option(help="The IP address of this machine where the replicas can be reached.")
    ] = "127.0.0.1",
    port: Annotated[int, Option(min=1, max=65_535, help="Its port.")] = 8100,
    cluster: Annotated[
        str | None,
        Option(
            metavar="HEAD:PORT",
            help="The Ray cluster to join. Default: one of its own on this machine, which ends "
            "with it.",
        ),
    ] = None,
) -> None:
    """Judges for other bots, by replicas on Ray Serve, and follows promotions."""
    if sentence := missing("Ray Serve", *SCALE, extra="scale"):
        raise SettingsError(sentence)
    from bot.serving.deployment import Plan

    settings = _settings()
    most = replicas if max_replicas is None else max_replicas
    if most < replicas:
        raise SettingsError(f"--max-replicas is {most}, but must be at least --replicas {replicas}")
    try:
        ip_address(host)
    except ValueError:
        raise SettingsError(
            f"--host is {host!r}, but must be an IP address, such as 127.0.0.1 (for bots on this "
            "machine) or 0.0.0.0 (for others too)"
        ) from None
    head = None
    if cluster is not None:
        name, _, number = cluster.rpartition(":")
        if not name or not number.isdecimal():
            raise SettingsError(f"--cluster is {cluster!r}, but must be like 10.0.0.5:6379")
        head = name, int(number)
    _serve_replicas(Plan(replicas, most, cores, settings.runtime, host, port), head, settings)


@keys_app.command("add")
def add_key(
    name: Annotated[str, Argument(metavar="NAME", help="Who uses the key, such as website.")],
) -> None:
    """Creates a key, and prints it this one time."""
    from bot.frontends.http import keys
    from bot.frontends.lines import write_lines

    write_lines([keys.add(name, date.today())])
    _say(f"This is the key {name}. Keep it secret; it cannot be shown again.")


@keys_app.command("list")
def list_keys() -> None:
    """Prints the name of each key and the day on which it was created."""
    from bot.frontends.http import keys
    from bot.frontends.lines import write_lines

    found = keys.read()
    write_lines(f"{key.created}  {key.name}" for key in found)
    if not found:
        _say("There are no keys. Create one with: python -m bot http-key add NAME")


@keys_app.command("remove")
def remove_key(
    name: Annotated[str, Argument(metavar="NAME", help="A name that `list` shows.")],
) -> None:
    """Removes a key; a running server refuses it from then on."""
    from bot.frontends.http import keys

    keys.remove(name)
    _say(f"The key {name} was removed.")


@app.command()
def backup(
    file: Annotated[Path, Argument(help="The new file for the backup.")],
) -> None:
    """Backs up the desk's database, also while the bot runs."""
    settings = _settings()
    from bot.desk.store import copies
    from bot.desk.store.database import locate

    copies.backup(locate(settings.database_url.get_secret_value()), file)
    _say(f"The desk's database was backed up to {file}.")


@app.command()
def restore(
    file: Annotated[Path, Argument(help="A file written by `backup`.")],
) -> None:
    """Replaces the desk's database with a backup, while no bot runs."""
    settings = _settings()
    from bot.desk.schedule import utc_now
    from bot.desk.store import copies
    from bot.desk.store.database import locate

    kept = copies.restore(locate(settings.database_url.get_secret_value()), file, utc_now())
    _say(f"The desk's database is that of {file} now.")
    if kept is not None:
        _say(f"The earlier one was kept as {kept}. Delete it once you do not need it.")


def _try_checks(responses_file: Path, settings: "Settings") -> None:
    """Tries the sentences under test with the serving checkpoint, if there are any."""
    from bot.frontends.lines import write_lines
    from bot.sentences import checks
    from bot.sentences.responses import checks_file
    from trainer.model.checks import run_checks

    file = checks_file(responses_file)
    if not file.exists():
        return
    sentences = checks.read(file)
    serving = _serving_checkpoint()
    if serving is None:
        write_lines([f"{file} can be used, but there is no checkpoint yet to try it with."])
        return
    broken = run_checks(_load(serving, settings), sentences)
    write_lines(checks.report(file, sentences, broken))
    checks.refuse(file, broken)


def _discord(settings: "Settings") -> None:
    if settings.discord_token is None:
        raise MissingTokenError
    from bot.desk.desk import open_desk
    from bot.frontends.discord import serve, shards_of
    from bot.operations.actions import Operations

    token = settings.discord_token

    if settings.metrics_port is not None and (
        sentence := missing("METRICS_PORT", *HTTP, extra="http")
    ):
        raise SettingsError(sentence)

    async def front_end(concierge: "Concierge") -> None:
        async with (
            _tracing(settings),
            open_desk(settings) as desk,
            _monitoring(settings, concierge.engine, desk) as monitor,
        ):
            shards = shards_of(settings, desk)
            await serve(concierge, Operations(concierge, settings), token, desk, monitor, shards)

    _converse(settings, front_end)


@asynccontextmanager
async def _tracing(settings: "Settings") -> AsyncIterator[None]:
    """Sends traces, if a collector is set."""
    from bot import tracing

    tracing.configure(settings.otel_exporter_otlp_endpoint)
    try:
        yield
    finally:
        await asyncio.to_thread(tracing.stop)


@asynccontextmanager
async def _monitoring(
    settings: "Settings", engine: "TextEngine", desk: "Desk | None"
) -> "AsyncIterator[Monitor | None]":
    """Serves health and figures if METRICS_PORT is set; else gives None."""
    if settings.metrics_port is None:
        yield None
        return
    from bot.frontends.http.monitoring import monitoring

    host, port = settings.metrics_host, settings.metrics_port
    async with monitoring(host, port, engine, desk) as monitor:
        yield monitor


async def register(settings: "Settings", token: "SecretStr") -> int:
    """Registers the commands with Discord, without a model; returns their number."""
    from bot.conversation.concierge import Concierge
    from bot.engine import Engine
    from bot.frontends.discord import register_commands
    from bot.frontends.discord.sync import NoModel
    from bot.operations.actions import Operations
    from bot.sentences.responses import Responses

    async with Engine(NoModel()) as engine:
        concierge = Concierge(engine, Responses.load(settings.responses_file, settings.help_line))
        return await register_commands(concierge, Operations(concierge, settings), token)


def _chat(settings: "Settings") -> None:
    from bot.frontends import console
    from bot.operations.models import Models

    async def front_end(concierge: "Concierge") -> None:
        models = Models(concierge.engine, settings.runtime, settings.threads)
        await console.chat(concierge, models.look)

    _converse(settings, front_end)


def _converse(
    settings: "Settings",
    front_end: "Callable[[Concierge], Awaitable[None]]",
    checkpoint: Path | None = None,
) -> None:
    """Opens what a conversation needs, holds it with `front_end`, and closes everything."""
    from bot.conversation.language import load_identifier
    from bot.sentences.responses import Responses
    from trainer.model.statements import load_phrases

    responses = Responses.load(settings.responses_file, settings.help_line)
    if checkpoint is not None:  # it is to judge, and not the one on Ray Serve
        settings = settings.model_copy(update={"serve_url": None})
    classifier = _load_local(checkpoint, settings)
    load_identifier()
    load_phrases()

    async def conversation() -> None:
        asyncio.get_running_loop().set_exception_handler(logs.report_loop_error)
        async with _concierge(settings, responses, classifier) as concierge:
            await front_end(concierge)

    asyncio.run(conversation())


@asynccontextmanager
async def _concierge(
    settings: "Settings", responses: "Responses", classifier: "Classifier | None"
) -> "AsyncIterator[Concierge]":
    """A concierge with an engine, which is closed at the end."""
    from bot.conversation.concierge import Concierge
    from bot.conversation.questions import HeldQuestions
    from bot.conversation.throttle import Throttle

    async with _engine(settings, classifier) as engine:
        throttle = Throttle(settings.messages_per_second)
        questions = HeldQuestions(60 * settings.question_minutes)
        yield Concierge(engine, responses, throttle, questions)


@asynccontextmanager
async def _engine(
    settings: "Settings", classifier: "Classifier | None"
) -> "AsyncIterator[TextEngine]":
    """Judges in this process, or on Ray Serve if SERVE_URL is set."""
    from bot.engine import Engine

    local = None if classifier is None else Engine(classifier)
    if settings.serve_url is None:
        assert local is not None
        async with local:
            yield local
        return
    from bot.serving.remote import RemoteEngine

    async with RemoteEngine(settings.serve_url, local) as engine:
        yield engine


def _serve_replicas(plan: "Plan", head: tuple[str, int] | None, settings: "Settings") -> None:
    from bot.operations.models import Models
    from bot.serving import cluster, deployment

    checkpoint = _require(_serving_checkpoint())
    cluster.connect(plan.host, plan.port, head)
    rollout = deployment.Rollout(plan, checkpoint)
    models = Models(rollout, settings.runtime, plan.cores)
    asyncio.run(deployment.keep_current(rollout, models.look))


def _serve_http(settings: "Settings") -> None:
    from bot.conversation.language import load_identifier
    from bot.frontends.http.server import Look, serve
    from bot.operations.models import Models
    from bot.operations.sentences import Sentences
    from bot.sentences.responses import Responses
    from trainer.model.statements import load_phrases

    responses = Responses.load(settings.responses_file, settings.help_line)

    def load() -> "Classifier | None":
        load_identifier()
        load_phrases()
        return _load_local(None, settings)

    @asynccontextmanager
    async def opened() -> "AsyncIterator[tuple[Concierge, list[Look]]]":
        classifier = await asyncio.to_thread(load)  # the server says meanwhile that it is not ready
        async with _concierge(settings, responses, classifier) as concierge:
            models = Models(concierge.engine, settings.runtime, settings.threads)
            sentences = Sentences(concierge, settings.responses_file, settings.help_line)
            yield concierge, [models.look, sentences.look]

    async def answer() -> None:
        asyncio.get_running_loop().set_exception_handler(logs.report_loop_error)
        async with _tracing(settings):
            await serve(settings, opened())

    asyncio.run(answer())


def _settings() -> "Settings":
    from bot.files import STATE, readable_by_others
    from bot.settings import ENV_FILE, likely_misspellings, load_settings

    settings = load_settings()
    logs.configure(settings.log_level, as_json=settings.log_format == "json")
    for sentence in (*likely_misspellings(), *readable_by_others(ENV_FILE, STATE)):
        _say(f"warning: {sentence}")
    return settings


def _serving_checkpoint() -> Path | None:
    from trainer.model.checkpoint import CheckpointError, serving_checkpoint

    try:
        return serving_checkpoint()
    except CheckpointError as error:
        raise UnusableCheckpointError(str(error)) from None


def _require(checkpoint: Path | None) -> Path:
    if checkpoint is None:
        raise UnusableCheckpointError(
            "There is no trained checkpoint yet. Train one with: python -m trainer fit. To serve "
            "one that you have: python -m trainer checkpoints promote NAME"
        )
    return checkpoint


def _load(checkpoint: Path | None, settings: "Settings") -> "Classifier":
    """Loads the serving classifier, which takes seconds, so it prints what it does."""
    from trainer.model.checkpoint import CheckpointError
    from trainer.model.classifier import Classifier

    checkpoint = _require(checkpoint)
    _say(f"Loading checkpoint {printable(checkpoint.name)} ...")
    try:
        return Classifier.load(checkpoint, settings.runtime, settings.threads)
    except CheckpointError as error:
        raise UnusableCheckpointError(str(error)) from None


def _load_local(checkpoint: Path | None, settings: "Settings") -> "Classifier | None":
    """The checkpoint that judges in this process; None if only Ray Serve can."""
    found = checkpoint or _serving_checkpoint()
    if found is None and settings.serve_url is not None:
        return None
    return _load(found, settings)


def _say(sentence: str) -> None:
    """Prints to standard error: standard output holds only answers."""
    print(logs.printable_lines(sentence), file=sys.stderr, flush=True)


def main() -> int:
    """Runs the command line; returns its exit code (the table in bot/errors.py)."""
    try:
        return app(standalone_mode=False) or 0
    except BotError as error:
        _say(f"error: {error}")
        return error.exit_code
    except TyperException as error:
        _say(f"error: {error.format_message()} Try: python -m bot --help")
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        # Without its message and traceback: they could contain a customer's text.
        _say(f"error: This is a bug, please report it: {logs.whereabouts(error)}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
