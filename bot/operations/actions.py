"""The operators' actions. Each one checks the caller, so no front end can forget to."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.conversation.concierge import Concierge
from bot.operations.alarm import Alarm
from bot.operations.models import Info, Models
from bot.operations.operators import Caller, Operators
from bot.operations.sentences import Reloaded, Sentences
from bot.operations.shadow import Shadow
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
from bot.sentences.responses import checks_file
from bot.settings import Settings
from trainer.model.checkpoint import Listed


class Operations:
    """The actions, and what front ends call periodically: `models.look`, `sentences.look`.

    All of them raise NotAllowedError if the caller is not an operator. Other refusals are results,
    or errors whose text is a complete sentence: UnusableCheckpointError for a checkpoint,
    ResponsesError for responses.yaml. Then nothing has changed.
    """

    def __init__(self, concierge: Concierge, settings: Settings) -> None:
        self.operators = Operators(
            frozenset(map(str, settings.operator_users)),
            frozenset(map(str, settings.operator_roles)),
        )
        self.alarm = Alarm()
        self.models = Models(concierge.engine, settings.runtime, settings.threads)
        self.shadow = Shadow(concierge.engine, self.models)
        self.sentences = Sentences(concierge, settings.responses_file, settings.help_line)
        self.trainings = Trainings(
            Training(self.models, settings.train_base_model, checks_file(settings.responses_file)),
            settings.train_datasets,
        )

    def begin(self, *, leads: bool) -> None:
        """Begins to serve, perhaps long after the start: reads anew what an earlier process has
        left, a run or a trial. `leads` false: another process sees to both."""
        self.trainings.find(leads=leads)
        self.shadow.find(leads=leads)

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
        """Stops the current run."""
        self.operators.require(caller)
        return await self.trainings.cancel(caller.name)

    async def list_checkpoints(self, caller: Caller) -> list[Listed]:
        """All checkpoints, newest first."""
        self.operators.require(caller)
        return await asyncio.to_thread(self.models.newest_first)

    async def suggest(self, caller: Caller, typed: str) -> list[str]:
        """Names of checkpoints that contain the text typed so far, newest first."""
        rows = await self.list_checkpoints(caller)
        return [row.name for row in rows if typed.lower() in row.name.lower()]

    async def describe(self, caller: Caller, name: str | None) -> Info | None:
        """The checkpoint of this name, by default the serving one; None if there is none."""
        self.operators.require(caller)
        return await asyncio.to_thread(self.models.describe, name)

    async def promote(self, caller: Caller, name: str) -> None:
        """Makes a checkpoint the serving one."""
        self.operators.require(caller)
        await self.models.promote(name)
        await self.shadow.end(f"{name} was promoted")

    async def try_silently(self, caller: Caller, name: str, origin: str) -> str | None:
        """Lets a candidate judge live messages silently; a sentence says why not
        (`Shadow.start`)."""
        self.operators.require(caller)
        return await self.shadow.start(name, origin)

    async def stop_trying(self, caller: Caller, name: str) -> str | None:
        """Ends that; a sentence says why not."""
        self.operators.require(caller)
        if not self.shadow.is_trying(name):
            return f"{name} is not being tried."
        await self.shadow.end(f"{caller.name} stopped it")
        return None

    async def roll_back(self, caller: Caller) -> str:
        """Makes the previous serving checkpoint the serving one again; returns its name."""
        self.operators.require(caller)
        name = await self.models.rollback()
        await self.shadow.end(f"{name} serves again")
        return name

    async def discard(self, caller: Caller, name: str) -> None:
        """Deletes a checkpoint that is not serving."""
        self.operators.require(caller)
        await self.models.discard(name)
        if self.shadow.is_trying(name):
            await self.shadow.end("it was discarded")

    async def reload(self, caller: Caller) -> Reloaded:
        """Applies the current responses.yaml."""
        self.operators.require(caller)
        return await self.sentences.reload()
