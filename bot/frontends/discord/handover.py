"""A message that a person must see becomes a card in the staff channel, before it is answered."""

import asyncio
import logging
from dataclasses import replace
from functools import partial

import discord

from bot.conversation.concierge import Reply
from bot.desk.desk import Need
from bot.desk.store import Card, Request
from bot.errors import StoreError
from bot.frontends.discord.cards import card_buttons, card_text
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, reason, send_with_retry
from bot.frontends.discord.references import ids_in, reference
from bot.logs import SeldomLog
from bot.sentences.responses import MAX_CHARACTERS

log = logging.getLogger(__name__)

GROWTH_SECONDS = 2.0
"""How long a card that grows waits until it shows its count: Discord limits edits."""


async def handed_over(bot: ConciergeBot, message: discord.Message, reply: Reply) -> Reply:
    """The reply to a message, once staff have a card about it where they must.

    As it was where no one could be reached, and to somebody in distress in any case: no promise
    of help stands there.
    """
    if message.guild is None:
        return reply
    return await _handed_over(
        bot, reply, message.guild.id, message.channel.id, message.author.id, message.jump_url
    )


async def handed_over_by_button(
    bot: ConciergeBot, interaction: discord.Interaction[ConciergeBot], reply: Reply
) -> Reply:
    """The same for the reply to a button, under which staff find what it was about."""
    message, server = interaction.message, interaction.guild_id
    if message is None or server is None:
        return reply
    return await _handed_over(
        bot, reply, server, message.channel.id, interaction.user.id, message.jump_url
    )


async def _handed_over(
    bot: ConciergeBot, reply: Reply, server: int, channel: int, customer: int, link: str
) -> Reply:
    if bot.desk is None or reply.repeated:
        return reply
    need = bot.desk.need_of(reply.kind, (channel, customer))
    if need is None:
        return reply
    request = Request(
        server=reference(server),
        link=link,
        kind=need,
        channel=reference(channel),
        customer=reference(customer),
    )
    kind = await bot.desk.hand_over(request)
    if kind is None:
        return reply
    said = bot.concierge.say(kind, reply.to).text
    if need is not Need.MISREAD:
        return replace(reply, text=said)
    both = f"{reply.text}\n{said}"
    return replace(reply, text=both) if len(both) <= MAX_CHARACTERS else reply


class CardPoster:
    """Shows cards in staff channels."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._growing: dict[str, asyncio.Task[None]] = {}
        self._seldom = SeldomLog(log)

    async def post(self, card: Card, channel: str) -> str | None:
        """Posts a card; returns the reference of its message, or None, which is logged."""
        ids = ids_in(channel)
        if not ids:
            return None
        sent = await self._send(ids[0], card_text(card), card.id, card_buttons(card))
        return None if sent is None else reference(ids[0], sent)

    def grown(self, card: Card) -> None:
        """Shows the count of a card soon, once for all that came meanwhile."""
        if card.id not in self._growing:
            task = asyncio.create_task(self._show_growth(card))
            self._growing[card.id] = task
            task.add_done_callback(lambda _: self._growing.pop(card.id, None))

    async def remind(self, card: Card, channel: str) -> bool:
        """Replies to the card in the staff channel; returns whether Discord took that."""
        ids = ids_in(card.message)
        if len(ids) != 2 or not ids_in(channel):
            return False
        link = f"https://discord.com/channels/{'/'.join(map(str, (*ids_in(card.server), *ids)))}"
        text = f"Still waits for somebody to claim it: {link}"
        return await self._send(ids_in(channel)[0], text, f"again{card.id}") is not None

    def close(self) -> None:
        """Leaves the counts of cards as they are shown."""
        for task in self._growing.values():
            task.cancel()

    async def _show_growth(self, card: Card) -> None:
        """Edits the card's message until it shows what the store has."""
        shown: Card | None = None
        while True:
            await asyncio.sleep(GROWTH_SECONDS)
            try:
                now = await self._current(card)
            except StoreError as error:
                log.error("A card cannot show its count. %s", error)
                return
            if now is None or now == shown:
                return
            await self._edit(now)
            shown = now

    async def _edit(self, card: Card) -> None:
        channel, message = ids_in(card.message)
        shown = self._bot.get_partial_messageable(channel).get_partial_message(message)
        try:
            await send_with_retry(
                partial(shown.edit, content=card_text(card), view=card_buttons(card))
            )
        except CANNOT_SEND as error:
            log.warning("A card could not show its count: %s", reason(error))

    async def _send(
        self, channel: int, text: str, nonce: str, buttons: discord.ui.View | None = None
    ) -> int | None:
        """The id of what was sent. Discord drops a second attempt by its nonce."""
        messageable = self._bot.get_partial_messageable(channel)
        more = {} if buttons is None else {"view": buttons}
        send = partial(messageable.send, text, suppress_embeds=True, nonce=nonce, **more)
        try:
            sent = await send_with_retry(send)
        except CANNOT_SEND as error:
            self._seldom.log(
                logging.WARNING,
                f"No card in the staff channel {channel}: {reason(error)}. The bot needs View "
                "Channel and Send Messages there",
            )
            return None
        return None if sent is None else sent.id

    async def _current(self, card: Card) -> Card | None:
        assert self._bot.desk is not None
        cards = await self._bot.desk.store.open_cards(card.server)
        return next((each for each in cards if each.id == card.id), None)
