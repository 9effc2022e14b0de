"""/model: operators list the checkpoints, and choose the serving one."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import discord
from discord import app_commands

from bot.desk.agreement import on_verdicts
from bot.desk.desk import Desk
from bot.desk.summary import Votes, votes_in_words
from bot.errors import StoreError, UnusableCheckpointError
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.escaping import code, plain
from bot.frontends.discord.operators import OperatorCog, caller
from bot.frontends.discord.repeated import Repeated
from bot.operations.actions import Operations
from bot.operations.operators import NotAllowedError
from bot.sentences.responses import MAX_CHARACTERS
from trainer.events import duration
from trainer.model.checkpoint import Listed
from trainer.model.record import TrainingRecord

LOOK_SECONDS = 2.0
"""Between checks of the serving checkpoint."""

MAX_SUGGESTIONS = 25
"""Discord's limit."""


@app_commands.default_permissions(administrator=True)
class ModelCommands(OperatorCog, group_name="model", group_description="The model that answers"):
    """Its answers are visible only to the operator: customers need not know the model's name."""

    def __init__(self, operations: Operations, desk: Desk | None) -> None:
        self._operations = operations
        self._desk = desk
        # Follows promotions by other processes.
        look = operations.models.look
        self._watching = Repeated("Looking at the serving checkpoint", LOOK_SECONDS, look)

    async def cog_load(self) -> None:
        self._watching.start()

    async def cog_unload(self) -> None:
        self._watching.cancel()

    @app_commands.command(name="list", description="All checkpoints, the newest first")
    async def show(self, interaction: discord.Interaction) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            rows = await self._operations.list_checkpoints(caller(interaction))
            said = _table(rows, await self._votes())
        except UnusableCheckpointError as error:
            said = plain(str(error))
        await interaction.followup.send(said, ephemeral=True)

    @app_commands.command(name="info", description="How a checkpoint was made, and how good it is")
    @app_commands.describe(name="The checkpoint; by default the one that answers")
    async def info(self, interaction: discord.Interaction, name: str | None = None) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        files = []
        try:
            info = await self._operations.describe(caller(interaction), name)
        except UnusableCheckpointError as error:
            said = plain(str(error))
        else:
            what = "called that" if name is not None else "that serves"
            said = f"There is no checkpoint {what}: see /model list"
            if info is not None:
                said = _card(info.row, (await self._votes()).get(info.row.name, Votes()))
                files = [discord.File(info.picture)] if info.picture is not None else []
        await interaction.followup.send(said, files=files, ephemeral=True)

    @app_commands.command(name="promote", description="Let a checkpoint answer from now on")
    @app_commands.describe(name="The checkpoint")
    async def promote(self, interaction: discord.Interaction, name: str) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            await self._operations.promote(caller(interaction), name)
            said = f"`{name}` answers from now on. To go back: /model rollback"
        except UnusableCheckpointError as error:
            said = _refused(error)
        await interaction.followup.send(said, ephemeral=True)

    @app_commands.command(name="rollback", description="Go back to the checkpoint before")
    async def rollback(self, interaction: discord.Interaction) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            name = await self._operations.roll_back(caller(interaction))
            said = f"`{name}` answers again."
        except UnusableCheckpointError as error:
            said = _refused(error)
        await interaction.followup.send(said, ephemeral=True)

    async def _votes(self) -> dict[str, Votes]:
        """Those on praise and complaints in all servers, by checkpoint; none without a database."""
        if self._desk is not None:
            with suppress(StoreError):
                return on_verdicts(await self._desk.store.vote_totals())
        return {}

    @info.autocomplete("name")
    @promote.autocomplete("name")
    async def _suggest(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        """Names that contain the text typed so far, newest first."""
        try:
            names = await self._operations.suggest(caller(interaction), typed)
        except (NotAllowedError, UnusableCheckpointError):
            return []
        return [
            app_commands.Choice(name=name, value=name)
            for name in names[:MAX_SUGGESTIONS]
            if len(name) <= 100  # longer ones Discord takes neither as a name nor as a value
        ]


def _refused(error: UnusableCheckpointError) -> str:
    return f"Nothing has changed, and the current checkpoint keeps answering. {plain(str(error))}"


def _table(rows: list[Listed], votes: Mapping[str, Votes]) -> str:
    """One line per checkpoint, newest first, as many as fit into a message."""
    lines: list[str] = []
    for row in rows:
        training = row.training
        accuracy = training.evaluation["test"].accuracy
        line = (
            f"{code(row.name)}{' **serving**' if row.serving else ''} · accuracy {accuracy:.3f} · "
            f"{plain(_data(training))} · {_base(training)} · "
            f"{_when(training)}"
        )
        if (voted := votes.get(row.name, Votes())).agreement is not None:
            line += f" · votes: {votes_in_words(voted)}"
        more = f"… and {len(rows) - len(lines)} older"
        if len("\n".join([*lines, line, more])) > MAX_CHARACTERS:
            return "\n".join([*lines, more])
        lines.append(line)
    return "\n".join(lines) or "There are no checkpoints yet. To train one: /train"


def _card(row: Listed, votes: Votes) -> str:
    training = row.training
    counts = " and ".join(
        f"{sum(each.rows.get('train', {}).get(label, 0) for each in training.datasets):,} {label}"
        for label in ("negative", "positive")
    )
    hyperparameters = asdict(training.hyperparameters)
    numbers = ("fraction", "epochs", "seed", "learning_rate", "batch_size", "max_length")
    lines = [
        f"**{code(row.name)}**{', the one that answers' if row.serving else ''}",
        f"Made {_when(training)} in {duration(training.seconds)} of training, from "
        f"{_base(training)}",
        f"Data: {plain(_data(training))}, {counts} reviews",
        ", ".join(
            f"{name.replace('_', ' ')} {hyperparameters[name]}"
            for name in numbers
            if hyperparameters[name] is not None
        ),
    ]
    for split in ("validation", "test"):
        figures = training.evaluation[split]
        lines.append(
            f"{split.title()}: accuracy {figures.accuracy:.3f}, F1 {figures.f1:.3f} on "
            f"{figures.reviews:,} reviews"
        )
    lines.append(
        f"Was I right? On praise and complaints, {votes_in_words(votes)}; in the test, "
        f"{training.doubt['test'].right:.1%} of the verdicts were right"
    )
    return "\n".join(lines)[:MAX_CHARACTERS]


def _data(training: TrainingRecord) -> str:
    """The names of the training sets."""
    return ", ".join(each.name for each in training.datasets)


def _base(training: TrainingRecord) -> str:
    """The base model's name; for a path, without the folders of this machine."""
    return plain(Path(training.base_model.name).name)


def _when(training: TrainingRecord) -> str:
    """Its date, which Discord shows in each reader's own time zone."""
    return discord.utils.format_dt(datetime.fromisoformat(training.created))


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(ModelCommands(bot.operations, bot.desk))
