"""The bot for simcord, which refuses commands that are not registered with Discord."""

from bot.conversation.concierge import Concierge
from bot.frontends.discord.client import ConciergeBot
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
