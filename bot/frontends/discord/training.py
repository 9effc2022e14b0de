"""/train and /training cancel: an operator trains a candidate, and everybody sees how it goes."""

import asyncio
import logging
import math
import time
from contextlib import suppress
from functools import partial
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.frontends.discord import reports
from bot.frontends.discord.candidates import CandidateButton, buttons
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, reason, send_with_retry
from bot.frontends.discord.operators import OperatorCog, require_operator, tell_operators
from bot.frontends.discord.reports import ended, occupied, result, standing
from bot.logs import whereabouts
from bot.operations.progress import Progress
from bot.operations.runs import Cancelled, Failed, Order, Run, Trained
from bot.operations.training import Training
from bot.sources import split_source
from trainer.config import LARGEST_SEED, LEAST_FRACTION, MOST_EPOCHS
from trainer.extras import TRAINING, missing
from trainer.model.checkpoint import CHECKPOINTS, PICTURE_FILE

log = logging.getLogger(__name__)


@app_commands.default_permissions(administrator=True)
class TrainingCommands(
    OperatorCog, group_name="training", group_description="The training that is on"
):
    """Starts runs, follows the one that is on, and tells how it ended."""

    def __init__(self, bot: ConciergeBot, training: Training) -> None:
        self._bot = bot
        self._training = training
        self._starting = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None
        self._shown: str | None = None
        """What the message says that shows the run; None where that is not known."""
        self._shown_at = -math.inf
        self._train = _train_command(self, bot.settings.train_datasets)

    async def cog_load(self) -> None:
        self._bot.tree.add_command(self._train)  # /train is not in the group /training
        self._bot.add_dynamic_items(CandidateButton)

    async def cog_unload(self) -> None:
        """The run goes on; the next start finds it."""
        self._bot.tree.remove_command(self._train.name)
        self._bot.remove_dynamic_items(CandidateButton)
        if self._following is not None:
            self._following.cancel()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Finds the run of an earlier start again. Also called when the gateway reconnects."""
        if self._training.run is not None and self._following is None:
            self._follow()

    async def train(self, interaction: discord.Interaction, order: Order) -> None:
        """Starts a run unless one is on."""
        async with self._starting:
            if (run := self._training.run) is not None:
                said = occupied(run, self._training.progress)
            else:
                said = await self._start(interaction, order)
        await interaction.followup.send(said, ephemeral=True)

    @app_commands.command(name="cancel", description="Stop the training that is on")
    async def cancel(self, interaction: discord.Interaction) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        async with self._starting:
            following = self._following
            if self._training.run is None or following is None:
                said = "No training is on."
            else:
                try:
                    await self._training.cancel(interaction.user.display_name)
                except OSError as error:
                    said = f"The training could not be stopped: {error.strerror}."
                else:
                    await asyncio.wait({following})
                    said = "It is stopped. The message that showed it says what became of it."
        await interaction.followup.send(said, ephemeral=True)

    async def _start(self, interaction: discord.Interaction, order: Order) -> str:
        """Posts the message that shows how it goes, starts the run, returns what to tell."""
        if problem := missing("Training", *TRAINING):
            return problem
        assert interaction.channel_id is not None
        channel = self._bot.get_partial_messageable(interaction.channel_id)
        who = interaction.user.display_name
        try:
            shown = await channel.send(f"**Training on {order.label}** begins …")
        except CANNOT_SEND as error:
            return f"Nothing was started, as I cannot write in this channel: {reason(error)}."
        try:
            await self._training.start(order, started_by=who, channel=channel.id, message=shown.id)
        except OSError as error:
            with suppress(*CANNOT_SEND):
                await shown.delete()
            return f"The training could not be started: {error.strerror}."
        self._follow()
        return "It has begun. The message below shows how it goes, and the result comes after it."

    def _follow(self) -> None:
        self._shown, self._shown_at = None, -math.inf
        self._following = asyncio.create_task(self._see_it_through())

    async def _see_it_through(self) -> None:
        run = self._training.run
        assert run is not None
        try:
            outcome = await self._training.follow(partial(self._show, run))
            await self._edit(run, ended(run, outcome))
            if not isinstance(outcome, Cancelled):
                await self._tell(run, outcome)
        except Exception as error:  # a bug: the operator hears of it, and may train again
            log.error("Following the training failed: %s", whereabouts(error))
            await tell_operators(
                self._bot, "The training ended, but its result is in the log only."
            )
        self._training.forget()
        self._following = None

    async def _show(self, run: Run, progress: Progress) -> None:
        if time.monotonic() - self._shown_at >= reports.EDIT_SECONDS:
            await self._edit(run, standing(run, progress))

    async def _edit(self, run: Run, text: str) -> None:
        """Edits the message that shows the run, where it changes; it may have been deleted."""
        if text == self._shown:
            return
        channel = self._bot.get_partial_messageable(run.channel)
        self._shown_at = time.monotonic()
        with suppress(*CANNOT_SEND):
            await channel.get_partial_message(run.message).edit(content=text)
            self._shown = text

    async def _tell(self, run: Run, outcome: Failed | Trained) -> None:
        """Posts the outcome, with the candidate's picture and, where it waits, its buttons."""
        text = result(run, outcome)
        more: dict[str, Any] = {"nonce": run.message}  # however often it is tried, it shows once
        picture = None
        if isinstance(outcome, Trained):
            picture = CHECKPOINTS / outcome.name / PICTURE_FILE
            if not outcome.is_promoted:
                more["view"] = buttons(outcome.name)
        channel = self._bot.get_partial_messageable(run.channel)

        async def send(with_picture: bool) -> None:
            files = [discord.File(picture)] if with_picture and picture is not None else []
            await channel.send(text, files=files, suppress_embeds=True, **more)

        try:
            try:
                await send_with_retry(partial(send, True))
            except (discord.Forbidden, FileNotFoundError):
                await send_with_retry(partial(send, False))  # better than no result at all
        except CANNOT_SEND as error:
            log.warning("The result of the training cannot be posted: %s", reason(error))
            await tell_operators(self._bot, text)


def _train_command(
    cog: TrainingCommands, datasets: dict[str, str]
) -> app_commands.Command[Any, ..., None]:
    """/train, whose choice of data sets is known only when the settings are."""

    @app_commands.command(name="train", description="Train a candidate for the serving checkpoint")
    @app_commands.default_permissions(administrator=True)
    @app_commands.check(require_operator)  # it is no member of the cog, which checks its own
    @app_commands.describe(
        dataset="What it learns from",
        fraction=f"The share of the reviews to learn from, from {LEAST_FRACTION} to 1",
        epochs="How often it reads them",
        seed="The same number gives the same model",
    )
    @app_commands.choices(
        dataset=[app_commands.Choice(name=label, value=label) for label in datasets]
    )
    async def train(
        interaction: discord.Interaction,
        dataset: str,
        fraction: app_commands.Range[float, LEAST_FRACTION, 1.0] | None = None,
        epochs: app_commands.Range[int, 1, MOST_EPOCHS] | None = None,
        seed: app_commands.Range[int, 0, LARGEST_SEED] | None = None,
    ) -> None:
        # Discord checks the choice, too; but this is what keeps paths away from the trainer.
        if dataset not in datasets:
            known = ", ".join(datasets)
            await interaction.response.send_message(f"There is: {known}.", ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        source, columns = split_source(datasets[dataset])
        order = Order(
            label=dataset,
            dataset=source,
            columns=columns,
            fraction=fraction,
            epochs=epochs,
            seed=seed,
        )
        await cog.train(interaction, order)

    return train


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    training = Training(bot.models, bot.settings.train_base_model)
    await bot.add_cog(TrainingCommands(bot, training))
