"""A message that a person must see becomes a card in the staff channel, before it is answered."""

import asyncio
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import discord

from bot.conversation.reply import Reply
from bot.desk.desk import Need
from bot.desk.store import Card, Request
from bot.errors import StoreError
from bot.frontends.discord.cards import card_buttons, card_text
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, reason, send_with_retry
from bot.frontends.discord.recipients import server_name
from bot.frontends.discord.references import ids_in, reference
from bot.frontends.discord.shared_servers import only_server_of
from bot.logs import SeldomLog
from bot.sentences.responses import MAX_CHARACTERS, Kind, Recipient

log = logging.getLogger(__name__)

GROWTH_SECONDS = 2.0
"""How long a card that grows waits until it shows its count: Discord limits edits."""


async def handed_over(
    bot: ConciergeBot, message: discord.Message, reply: Reply, *, is_edit: bool = False
) -> Reply:
    """The reply to a message, once staff have a card about it where they must.

    As it was where no one could be reached, and to somebody in distress in any case: no promise
    of help stands there.
    """
    about = _of_message(message)
    return await _handed_over(bot, reply, about, is_edit=is_edit)


async def handed_over_by_button(
    bot: ConciergeBot, interaction: discord.Interaction[ConciergeBot], reply: Reply
) -> Reply:
    """The same for the reply to a button, under which staff find what it was about."""
    if interaction.message is None:
        return reply
    about = replace(_of_message(interaction.message), customer=interaction.user)
    return await _handed_over(bot, reply, about)


async def handed_over_by_command(
    bot: ConciergeBot, interaction: discord.Interaction[ConciergeBot], reply: Reply
) -> Reply:
    """The same for the reply to /review, of which there is no message."""
    about = _About(
        guild=interaction.guild,
        channel=interaction.channel_id or 0,
        customer=interaction.user,
        link=reference(interaction.id),
    )
    return await _handed_over(bot, reply, about)


@dataclass(frozen=True, slots=True)
class _About:
    """What a card is about."""

    guild: discord.Guild | None
    channel: int
    customer: discord.abc.User
    link: str


def _of_message(message: discord.Message) -> _About:
    """A direct message has a reference in the place of a link, which staff could not follow."""
    channel = message.channel.id
    link = reference(channel, message.id) if message.guild is None else message.jump_url
    return _About(message.guild, channel, message.author, link)


async def _handed_over(
    bot: ConciergeBot, reply: Reply, about: _About, *, is_edit: bool = False
) -> Reply:
    if bot.desk is None or reply.repeated:
        return reply
    whom = (about.channel, about.customer.id)
    need = bot.desk.need_of(reply.kind, whom, also=reply.also, is_edit=is_edit)
    if need is None:
        return reply
    done = await bot.desk.hand_over(need, partial(_request, bot, need, reply, about))
    if done is None:
        return reply
    said = bot.concierge.say(done.kind, _recipient(bot, reply.to, done.server)).text
    if reply.kind in (Kind.PERSON, Kind.SERVICE):
        return replace(reply, text=said)
    both = f"{reply.text}\n{said}"
    return replace(reply, text=both) if len(both) <= MAX_CHARACTERS else reply


async def _request(bot: ConciergeBot, need: Need, reply: Reply, about: _About) -> Request | None:
    """What the card is about; None if it cannot be said whose staff it is for."""
    guild = about.guild or await only_server_of(bot, about.customer.id)
    if guild is None:
        return None
    return Request(
        server=reference(guild.id),
        link=about.link,
        kind=need,
        strength="" if need is Need.DISTRESS else str(reply.emphasis or ""),
        channel=None if about.guild is None else reference(about.channel),
        customer=reference(about.customer.id),
    )


def _recipient(bot: ConciergeBot, to: Recipient, server: str) -> Recipient:
    """The recipient, who learns in a direct message which server's staff they have reached."""
    guild = bot.get_guild(next(iter(ids_in(server)), 0))
    if to.server is not None or guild is None:
        return to
    return replace(to, server=server_name(guild))


class CardPoster:
    """Shows cards in staff channels."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._growing: dict[str, asyncio.Task[None]] = {}
        self._grown: set[str] = set()
        """Cards that have grown since they were last read from the store."""
        self._seldom = SeldomLog(log)

    async def post(
        self, card: Card, channel: str, role: str | None, *, instead_of: str | None = None
    ) -> str | None:
        """Posts a card; returns the reference of its message, or None, which is logged.

        `instead_of` is the reference of a message that showed the card and was deleted.
        """
        ids = ids_in(channel)
        if not ids:
            return None
        more: dict[str, Any] = {"view": card_buttons(card)}
        text = card_text(card)
        for role_id in ids_in(role):
            text = f"<@&{role_id}>\n{text}"
            more["allowed_mentions"] = discord.AllowedMentions(
                everyone=False, users=False, roles=[discord.Object(role_id)], replied_user=False
            )
        # The same after a restart: a bot that was killed before it noted the message posts the card
        # again. Another one for a card that is shown anew, or Discord would drop it.
        nonce = card.id if instead_of is None else str(ids_in(instead_of)[-1])
        sent = await self._send(ids[0], text, nonce, **more)
        return None if sent is None else reference(ids[0], sent)

    def grown(self, card: Card) -> None:
        """Shows the count of a card soon, once for all that came meanwhile."""
        self._grown.add(card.id)
        if card.id not in self._growing:
            self._growing[card.id] = asyncio.create_task(self._show_growth(card))

    async def is_shown(self, card: Card) -> bool:
        """Whether the message of a card is still there; true where Discord does not say."""
        channel, message = ids_in(card.message)
        try:
            await self._bot.get_partial_messageable(channel).fetch_message(message)
        except discord.NotFound:
            return False
        except CANNOT_SEND:
            pass
        return True

    async def remind(self, card: Card, channel: str) -> bool:
        """Replies to the card in the staff channel; returns whether Discord took that."""
        ids = ids_in(card.message)
        if len(ids) != 2 or not ids_in(channel):
            return False
        link = f"https://discord.com/channels/{'/'.join(map(str, (*ids_in(card.server), *ids)))}"
        text = f"Still waiting to be claimed: {link}"
        return await self._send(ids_in(channel)[0], text, f"again{card.id}") is not None

    async def say(self, channel: str, text: str, name: str) -> bool:
        """Says something in a staff channel; returns whether Discord took that."""
        ids = ids_in(channel)
        return bool(ids) and await self._send(ids[0], text, f"{name}{ids[0]}") is not None

    def close(self) -> None:
        """Leaves the counts of cards as they are shown."""
        for task in self._growing.values():
            task.cancel()

    async def _show_growth(self, card: Card) -> None:
        """Edits the card's message until it shows what the store has."""
        try:
            while card.id in self._grown:
                await asyncio.sleep(GROWTH_SECONDS)
                self._grown.discard(card.id)  # before the store is read: what comes later counts
                await self._show_as_stored(card)
        except StoreError as error:
            self._grown.discard(card.id)
            log.error("A card cannot show its count. %s", error)
        finally:
            del self._growing[card.id]

    async def _show_as_stored(self, card: Card) -> None:
        now = await self._current(card)
        if now is None or now.is_closed:
            return
        await self._edit(now)
        # If staff press a button during an edit, it may undo what the press shows.
        while (later := await self._current(card)) is not None and later.state is not now.state:
            await self._edit(later)
            now = later

    async def _edit(self, card: Card) -> None:
        channel, message = ids_in(card.message)
        shown = self._bot.get_partial_messageable(channel).get_partial_message(message)
        try:
            await send_with_retry(
                partial(shown.edit, content=card_text(card), view=card_buttons(card))
            )
        except discord.NotFound:
            await self._post_anew(card)
        except CANNOT_SEND as error:
            log.warning("A card could not show its count: %s", reason(error))

    async def _post_anew(self, card: Card) -> None:
        """Posts a card whose message was deleted before it had the last request."""
        assert self._bot.desk is not None
        try:
            await self._bot.desk.show_anew(card)
        except StoreError as error:
            log.error("A card cannot be shown anew. %s", error)

    async def _send(self, channel: int, text: str, nonce: str, **more: Any) -> int | None:
        """The id of what was sent. Discord drops a second attempt by its nonce."""
        messageable = self._bot.get_partial_messageable(channel)
        send = partial(messageable.send, text, suppress_embeds=True, nonce=nonce, **more)
        try:
            sent = await send_with_retry(send)
        except CANNOT_SEND as error:
            self._seldom.log(
                logging.WARNING,
                f"Nothing posted in the staff channel {channel}: {reason(error)}. The bot needs "
                "View Channel and Send Messages there",
            )
            return None
        return None if sent is None else sent.id

    async def _current(self, card: Card) -> Card | None:
        assert self._bot.desk is not None
        return await self._bot.desk.store.card(card.id)
