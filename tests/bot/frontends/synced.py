"""The bot for simcord, which refuses commands that Discord has not been told of."""

from bot.frontends.discord.client import ConciergeBot


class SyncedBot(ConciergeBot):
    """Registers its commands as it starts; the real one does that before it connects."""

    async def setup_hook(self) -> None:
        await super().setup_hook()
        await self.tree.sync()
