"""/train and /training cancel: an operator trains a candidate, and everybody sees its progress."""

import logging
import math
import re
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
from bot.frontends.discord.escaping import code
from bot.frontends.discord.operators import (
    OperatorCog,
    caller,
    require_leader,
    require_operator,
    tell_operators,
)
from bot.frontends.discord.reports import ended, occupied, result, standing, tried
from bot.operations.progress import Progress
from bot.operations.runs import Cancelled, Failed, Outcome, Run, Trained
from bot.operations.shadow import Tally
from bot.operations.trainings import Begun, CannotShowError, Occupied, Refused, Request
from trainer.config import MAX_EPOCHS, MAX_SEED, MIN_FRACTION
from trainer.model.checkpoint import CHECKPOINTS, PICTURE_FILE

log = logging.getLogger(__name__)

_ORIGIN = re.compile(r"(?:discord:)?([0-9]{1,20}):([0-9]{1,20})")
"""The ids of the channel and the message of a run. Runs started by an earlier version of the bot
have no platform name before them."""


@app_commands.default_permissions(administrator=True)
class TrainingCommands(
    OperatorCog, group_name="training", group_description="The training in progress"
):
    """Passes on orders, and displays runs (`bot.operations.trainings.Display`) and silent trials
    (`bot.operations.shadow.ShadowDisplay`)."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._shown: tuple[str, str] | None = None
        """The origin of the last displayed run, and the text of its message."""
        self._shown_at = -math.inf
        self._train = _train_command(self, bot.operations.trainings.datasets)

    async def cog_load(self) -> None:
        self._bot.tree.add_command(self._train)  # /train is not in the group /training
        self._bot.add_dynamic_items(CandidateButton)
        self._bot.operations.shadow.display = self

    async def cog_unload(self) -> None:
        self._bot.tree.remove_command(self._train.name)
        self._bot.remove_dynamic_items(CandidateButton)
        self._bot.operations.trainings.stop_following()
        await self._bot.operations.shadow.pause()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Finds the run of an earlier start again. Also called when the gateway reconnects."""
        self._bot.operations.trainings.resume(self)
        self._bot.operations.shadow.resume()

    async def train(self, interaction: discord.Interaction, request: Request) -> None:
        """Orders a run, and reports whether it started."""
        if not await require_leader(interaction):
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        announce = partial(self._announce, interaction.channel_id)
        match await self._bot.operations.train(caller(interaction), request, announce, self):
            case Begun():
                said = (
                    "The training has started. The message below shows its progress, and the "
                    "result will follow."
                )
            case Occupied(run, progress):
                said = occupied(run, progress)
            case Refused(sentence):
                said = sentence
        await interaction.followup.send(said, ephemeral=True)

    @app_commands.command(name="cancel", description="Stop the training in progress")
    async def cancel(self, interaction: discord.Interaction) -> None:
        if not await require_leader(interaction):
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        outcome = await self._bot.operations.cancel(caller(interaction))
        said = "The training was stopped. Its progress message says what was kept."
        if isinstance(outcome, Refused):
            said = outcome.reason
        await interaction.followup.send(said, ephemeral=True)

    async def _announce(self, channel_id: int | None, label: str) -> str:
        """Posts the message that will show a run; returns its origin."""
        assert channel_id is not None  # a command is used in some channel
        channel = self._bot.get_partial_messageable(channel_id)
        try:
            shown = await channel.send(f"**Training on {label}** begins …")
        except CANNOT_SEND as error:
            raise CannotShowError(reason(error)) from None
        return f"discord:{channel.id}:{shown.id}"

    async def withdraw(self, origin: str) -> None:
        """Deletes the message that announced a run."""
        if (message := self._message(origin)) is not None:
            with suppress(*CANNOT_SEND):
                await message.delete()

    async def show(self, run: Run, progress: Progress) -> None:
        """Edits the message of the run, but not too often."""
        if time.monotonic() - self._shown_at >= reports.EDIT_SECONDS:
            await self._edit(run, standing(run, progress))

    async def conclude(self, run: Run, outcome: Outcome) -> None:
        """Edits the message a last time, and posts the result as a new one."""
        await self._edit(run, ended(run, outcome))
        if not isinstance(outcome, Cancelled):
            await self._post_result(run, outcome)

    async def conclude_shadow(self, tally: Tally, why: str) -> None:
        """Adds the result of a silent trial to the message about the candidate."""
        message = self._message(tally.origin)
        if message is None:  # the state file was changed
            await self.tell_operators(tried(code(tally.candidate), tally, why))
            return
        view = buttons(tally.candidate) if _is_there(tally.candidate) else None
        try:
            shown = await message.fetch()
            await shown.edit(content=tried(shown.content, tally, why), view=view)
        except CANNOT_SEND as error:
            log.warning("The result of a silent trial cannot be shown: %s", reason(error))
            await self.tell_operators(tried(code(tally.candidate), tally, why))

    async def tell_operators(self, text: str) -> None:
        await tell_operators(self._bot, text)

    async def _edit(self, run: Run, text: str) -> None:
        """Edits the message of the run if its text changes; the message may have been deleted."""
        message = self._message(run.origin)
        if message is None or (run.origin, text) == self._shown:
            return
        self._shown_at = time.monotonic()
        with suppress(*CANNOT_SEND):
            await message.edit(content=text)
            self._shown = run.origin, text

    async def _post_result(self, run: Run, outcome: Failed | Trained) -> None:
        """Posts the outcome, with the candidate's picture and, if it waits, its buttons."""
        text, message = result(run, outcome), self._message(run.origin)
        if message is None:  # the state file was changed, or another platform's bot started the run
            await self.tell_operators(text)
            return
        more: dict[str, Any] = {"nonce": message.id}  # shows once, however often it is tried
        picture = None
        if isinstance(outcome, Trained):
            picture = CHECKPOINTS / outcome.name / PICTURE_FILE
            if not outcome.is_promoted:
                more["view"] = buttons(outcome.name)

        async def send(with_picture: bool) -> None:
            files = [discord.File(picture)] if with_picture and picture is not None else []
            await message.channel.send(text, files=files, suppress_embeds=True, **more)

        try:
            try:
                await send_with_retry(partial(send, True))
            except (discord.Forbidden, FileNotFoundError):
                await send_with_retry(partial(send, False))  # better than no result at all
        except CANNOT_SEND as error:
            log.warning("The result of the training cannot be posted: %s", reason(error))
            await self.tell_operators(text)

    def _message(self, origin: str) -> discord.PartialMessage | None:
        """The message of a run; None if the origin is not Discord's."""
        if (found := _ORIGIN.fullmatch(origin)) is None:
            return None
        channel = self._bot.get_partial_messageable(int(found[1]))
        return channel.get_partial_message(int(found[2]))


def _is_there(name: str) -> bool:
    return (CHECKPOINTS / name).is_dir()


def _train_command(
    cog: TrainingCommands, datasets: dict[str, str]
) -> app_commands.Command[Any, ..., None]:
    """/train, whose choice of data sets is known only once the settings are."""

    @app_commands.command(name="train", description="Train a candidate for the serving checkpoint")
    @app_commands.default_permissions(administrator=True)
    @app_commands.check(require_operator)  # it does not belong to the cog, which checks its own
    @app_commands.describe(
        dataset="What it learns from",
        fraction=f"The share of the reviews to learn from, from {MIN_FRACTION} to 1",
        epochs="How many times to go through them",
        seed="The same number gives the same model",
    )
    # Discord checks the choice; the operations ensure that no path reaches the trainer.
    @app_commands.choices(
        dataset=[app_commands.Choice(name=label, value=label) for label in datasets]
    )
    async def train(
        interaction: discord.Interaction,
        dataset: str,
        fraction: app_commands.Range[float, MIN_FRACTION, 1.0] | None = None,
        epochs: app_commands.Range[int, 1, MAX_EPOCHS] | None = None,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
    ) -> None:
        await cog.train(interaction, Request(dataset, fraction, epochs, seed))

    return train


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(TrainingCommands(bot))
