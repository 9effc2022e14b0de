"""What operators may do. Each action checks who asks, so that no front end can forget to."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.conversation.concierge import Concierge
from bot.operations.alarm import Alarm
from bot.operations.models import Info, Models
from bot.operations.operators import Caller, Operators
from bot.operations.sentences import Reloaded, Sentences
from bot.operations.training import Training
from bot.operations.trainings import (
    Begun,
    Display,
    Occupied,
    Refused,
    Request,
    Stopped,
    Trainings,
)
from bot.settings import Settings
from trainer.model.checkpoint import Listed


class Operations:
    """The actions, and what front ends call by the clock: `models.look`, `sentences.look`.

    All of them raise NotAllowedError if the caller is no operator. What else is refused comes as a
    result, or as an error whose text is a complete sentence: UnusableCheckpointError for a
    checkpoint, ResponsesError for responses.yaml. Then nothing has changed.
    """

    def __init__(self, concierge: Concierge, settings: Settings) -> None:
        self.operators = Operators(
            frozenset(map(str, settings.operator_users)),
            frozenset(map(str, settings.operator_roles)),
        )
        self.alarm = Alarm()
        self.models = Models(concierge.engine, settings.runtime, settings.threads)
        self.sentences = Sentences(concierge, settings.responses_file, settings.help_line)
        self.trainings = Trainings(
            Training(self.models, settings.train_base_model), settings.train_datasets
        )

    async def train(
        self,
        caller: Caller,
        request: Request,
        announce: Callable[[str], Awaitable[str]],
        display: Display,
    ) -> Begun | Occupied | Refused:
        """Starts a run (`Trainings.train`)."""
        self.operators.require(caller)
        return await self.trainings.train(request, caller.name, announce, display)

    async def cancel(self, caller: Caller) -> Stopped | Refused:
        """Stops the run that is on."""
        self.operators.require(caller)
        return await self.trainings.cancel(caller.name)

    async def list_checkpoints(self, caller: Caller) -> list[Listed]:
        """All of them, the newest first."""
        self.operators.require(caller)
        return await asyncio.to_thread(self.models.newest_first)

    async def suggest(self, caller: Caller, typed: str) -> list[str]:
        """Names of checkpoints that contain what was typed so far, the newest first."""
        rows = await self.list_checkpoints(caller)
        return [row.name for row in rows if typed.lower() in row.name.lower()]

    async def describe(self, caller: Caller, name: str | None) -> Info | None:
        """The checkpoint of this name, by default the one that serves; None if there is none."""
        self.operators.require(caller)
        return await asyncio.to_thread(self.models.describe, name)

    async def promote(self, caller: Caller, name: str) -> None:
        """Lets a checkpoint serve from now on."""
        self.operators.require(caller)
        await self.models.promote(name)

    async def roll_back(self, caller: Caller) -> str:
        """Lets the checkpoint serve that did so before; returns its name."""
        self.operators.require(caller)
        return await self.models.rollback()

    async def discard(self, caller: Caller, name: str) -> None:
        """Deletes a checkpoint that does not serve."""
        self.operators.require(caller)
        await self.models.discard(name)

    async def reload(self, caller: Caller) -> Reloaded:
        """Takes responses.yaml into use as it is now."""
        self.operators.require(caller)
        return await self.sentences.reload()
