"""The private thread of a customer and a member of staff, in which the bot is silent."""

import logging
from functools import partial

import discord

from bot.desk.desk import Desk
from bot.desk.store import Card
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, reason, send_with_retry
from bot.frontends.discord.references import ids_in, reference
from bot.sentences.responses import Kind, Recipient

log = logging.getLogger(__name__)

NAME = "With the team"
"""Of a thread; the customer's name would stand in it after they have asked to be forgotten."""


async def open_thread(bot: ConciergeBot, desk: Desk, card: Card, staff: int) -> str:
    """Brings the first customer of a claimed card and the member of staff together.

    Returns what to say to the latter. Raises StoreError where the store cannot be used.
    """
    thread = await _thread(bot, card.thread)
    try:
        if thread is None:
            thread = await _new_thread(bot, desk, card)
        if thread is None and card.channel is None:
            return (
                "There is no private thread, since the customer wrote to me directly. Please write "
                f"to them: {' '.join(f'<@{each}>' for each in ids_in(card.customer))}"
            )
        if thread is None:
            return "There is no private thread: Discord offers none in the customer's channel."
        for person in (staff, *ids_in(card.customer)):
            await send_with_retry(partial(thread.add_user, discord.Object(person)))
    except CANNOT_SEND as error:
        log.warning("A private thread could not be opened: %s", reason(error))
        return (
            "I could not open a private thread with the customer. I need Create Private Threads "
            "and Send Messages in Threads in their channel."
        )
    return f"Your private thread with the customer: <#{thread.id}>. I keep silent there."


async def _new_thread(bot: ConciergeBot, desk: Desk, card: Card) -> discord.Thread | None:
    channel = bot.get_channel(next(iter(ids_in(card.channel)), 0))
    if not isinstance(channel, discord.TextChannel) or card.message is None:
        return None  # such as a thread, which has none of its own
    # Not repeated after a reset: a second thread would stay empty.
    thread = await channel.create_thread(
        name=NAME, type=discord.ChannelType.private_thread, invitable=False
    )
    to = Recipient(locale=bot.locale_of(channel.guild), place=thread.id)
    said = bot.concierge.say(Kind.PERSON_IS_HERE, to).text
    await send_with_retry(partial(thread.send, said, suppress_embeds=True, nonce=thread.id))
    # Before the customer is there, and could write to the bot.
    await desk.attach(card.id, card.message, reference(thread.id))
    return thread


async def leave_thread(bot: ConciergeBot, card: Card, event: int) -> None:
    """Says in the thread of a card that the member of staff has left, and the bot answers again.

    `event`: the id of what they did, by which Discord drops a second attempt.
    """
    try:
        thread = await _thread(bot, card.thread)
        if thread is not None:
            await _say_goodbye(bot, thread, event)
    except CANNOT_SEND as error:
        log.warning("A private thread could not be left: %s", reason(error))


async def close_thread(bot: ConciergeBot, card: Card, event: int) -> None:
    """Archives the thread of a card that was closed; the same is said before, if it was claimed."""
    try:
        thread = await _thread(bot, card.thread)
        if thread is None:
            return
        if card.claimed_by is not None:
            await _say_goodbye(bot, thread, event)
        await send_with_retry(partial(thread.edit, archived=True))
    except CANNOT_SEND as error:
        log.warning("A private thread could not be archived: %s", reason(error))


async def _say_goodbye(bot: ConciergeBot, thread: discord.Thread, event: int) -> None:
    to = Recipient(locale=bot.locale_of(thread.guild), place=thread.id)
    said = bot.concierge.say(Kind.PERSON_HAS_LEFT, to).text
    await send_with_retry(partial(thread.send, said, suppress_embeds=True, nonce=event))


async def _thread(bot: ConciergeBot, kept: str | None) -> discord.Thread | None:
    """The thread of this reference; None where there is none, or none any more."""
    for thread_id in ids_in(kept):
        try:
            found = bot.get_channel(thread_id) or await bot.fetch_channel(thread_id)
        except (*CANNOT_SEND, discord.InvalidData):
            return None
        return found if isinstance(found, discord.Thread) else None
    return None
