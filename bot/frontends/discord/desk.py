"""The service desk: the buttons under cards, and notices to staff."""

import logging
from functools import partial

import discord
from discord.ext import commands

from bot.desk.desk import REMINDER_SECONDS, Desk
from bot.desk.notices import NOTICE_SECONDS, Notices
from bot.errors import StoreError
from bot.frontends.discord.cards import CardButton
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.handover import CardPoster
from bot.frontends.discord.references import reference
from bot.frontends.discord.threads import close_thread

log = logging.getLogger(__name__)


class ServiceDesk(commands.Cog):
    """Lets the desk show its cards on Discord."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._poster = CardPoster(bot)

    async def cog_load(self) -> None:
        self._bot.add_dynamic_items(CardButton)
        if self._bot.desk is not None:
            self._bot.desk.poster = self._poster
            schedule = self._bot.desk.store.schedule
            schedule.every("remind", REMINDER_SECONDS, self._remind)
            notices = Notices(
                self._bot.desk, self._poster.say, self._bot.operations.models.expected
            )
            schedule.every("notices", NOTICE_SECONDS, partial(self._look, notices))

    async def cog_unload(self) -> None:
        self._bot.remove_dynamic_items(CardButton)
        self._poster.close()
        if self._bot.desk is not None:
            self._bot.desk.poster = None
            # A job that is posting would find the connection closed.
            await self._bot.desk.store.schedule.remove("remind", "notices")

    @commands.Cog.listener()
    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """Closes a card that staff have deleted."""
        await self._removed(event.channel_id, event.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """The same for many at once."""
        for message_id in event.message_ids:
            await self._removed(event.channel_id, message_id)

    async def _removed(self, channel_id: int, message_id: int) -> None:
        if self._bot.desk is None:
            return
        try:
            card = await self._bot.desk.removed(reference(channel_id, message_id))
        except StoreError as error:
            log.error("A card that was deleted is not closed. %s", error)
            return
        if card is not None:
            await close_thread(self._bot, card, message_id)

    async def _remind(self) -> None:
        desk: Desk | None = self._bot.desk
        if desk is None or not self._bot.is_ready():
            return
        if self._bot.own_shards is not None:
            await desk.refresh()
        if self._bot.leads:
            await desk.remind()

    async def _look(self, notices: Notices) -> None:
        if self._bot.is_ready() and self._bot.leads:
            await notices.look()


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(ServiceDesk(bot))
