"""The bot for simcord, which refuses commands that are not registered with Discord."""

import pytest
from discord.ext import tasks  # noqa: TID251

from bot.conversation.concierge import Concierge
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.repeated import Repeated
from bot.operations.actions import Operations
from bot.operations.operators import Operators
from bot.settings import Settings


class SyncedBot(ConciergeBot):
    """Registers its commands as it starts; the real one does that before it connects."""

    def __init__(self, concierge: Concierge, chosen: Settings) -> None:
        super().__init__(concierge, Operations(concierge, chosen))

    async def setup_hook(self) -> None:
        await super().setup_hook()
        await self.tree.sync()


def appoint(bot: ConciergeBot, *users: int, role: int | None = None) -> None:
    """Makes these the operators, as the settings would: tests know ids only once it has started."""
    roles = frozenset() if role is None else frozenset({str(role)})
    bot.operations.operators = Operators(frozenset(map(str, users)), roles)


def repeat_on_simcord(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets simcord's clock move what the bot repeats: it moves only the library's own loops."""

    def start(repeated: Repeated) -> None:
        tasks.loop(seconds=repeated.seconds)(repeated.look).start()

    monkeypatch.setattr(Repeated, "start", start)
