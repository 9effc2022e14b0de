"""Sends every reply to a customer, in the form that it has on Discord."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import discord
from discord.utils import MISSING

from bot.conversation.reply import Reply
from bot.frontends.discord.buttons import Label, ReplyView
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import defer
from bot.frontends.discord.operators import report
from bot.frontends.discord.questions import answers, not_quite
from bot.frontends.discord.reasons import why
from bot.frontends.discord.turns import Turn
from bot.sentences.responses import Kind

DEFER_AFTER_SECONDS = 1.0
"""Discord waits 3 s for a first answer; a quicker one needs no "is thinking"."""


async def reply_to(
    bot: ConciergeBot, message: discord.Message, reply: Reply
) -> tuple[Reply, discord.PartialMessage] | None:
    """Replies to a message when it is its turn in the channel; returns the result of `_in_turn`.

    Sends to the channel if the message has been deleted meanwhile. Its id is the nonce, so Discord
    itself drops a second reply to it within some minutes.
    """

    async def send(said: Reply) -> discord.Message:
        return await message.channel.send(
            said.text,
            reference=message.to_reference(fail_if_not_exists=False),
            suppress_embeds=True,
            nonce=message.id,
            **_buttons(said, message.author.id),
        )

    guild = message.guild.id if message.guild is not None else None
    return await _in_turn(bot, (guild, message.channel.id), reply, send, message.author.id)


def _buttons(
    reply: Reply, customer: int, *, explainable: bool = True, own: bool = True
) -> dict[str, Any]:
    """The buttons under a reply to this customer, as an argument of a call that sends it.

    "Why?" reads the message that a reply answers, and is left out where there is none
    (`explainable`). "Not quite" is for the author of the review (`own`).
    """
    buttons: list[Label] = []
    if reply.question is not None:
        buttons += answers(customer)
    if reply.is_judgement and explainable:
        buttons.append(why(together=reply.together))
    if reply.is_judgement and reply.given is not None and own:
        buttons.append(not_quite(customer))
    return {"view": ReplyView(*buttons)} if buttons else {}


async def replace(
    bot: ConciergeBot,
    sent: discord.PartialMessage,
    reply: Reply,
    *,
    customer: int,
    guild: int | None,
) -> tuple[Reply, discord.PartialMessage] | None:
    """Replaces an earlier reply by `reply`; its flags stay: no previews of links.

    Also waits for its turn, and returns the result of `_in_turn`. If the edit is dropped, the
    earlier reply is unchanged.
    """

    async def edit(said: Reply) -> discord.Message:
        return await sent.edit(content=said.text, view=_buttons(said, customer).get("view"))

    return await _in_turn(bot, (guild, sent.channel.id), reply, edit, customer)


async def _in_turn(
    bot: ConciergeBot,
    where: tuple[int | None, int],
    reply: Reply,
    send: Callable[[Reply], Awaitable[discord.Message]],
    customer: int,
) -> tuple[Reply, discord.PartialMessage] | None:
    """Sends a reply when it is its turn, or else, once, that the bot is busy.

    Then changes the previous reply as this one says. `where` are the ids of the server, if it is in
    one, and of the channel.

    Returns the reply and its message. None if nothing was sent: Discord did not accept it, or it
    waited too long for its turn.
    """
    outcome = None
    guild, channel_id = where
    async with bot.earlier.followed_by(reply, channel_id, customer) as note:
        async with bot.turns.turn(channel_id, urgent=reply.is_urgent) as turn:
            if turn is Turn.DROPPED:
                bot.delivery.counts["dropped"] += 1
            else:
                said = bot.concierge.say(Kind.BUSY, reply.to) if turn is Turn.BUSY else reply
                sent = await _unless_silent(bot, channel_id, said, partial(send, said))
                if sent is not None:
                    outcome = (said, _changeable(bot, channel_id, sent.id))
                    bot.count(said, guild, (channel_id, sent.id))
        if outcome is not None and outcome[0] is reply:
            note(outcome[1])
    await report(bot, reply)
    return outcome


async def _unless_silent(
    bot: ConciergeBot, channel_id: int, reply: Reply, send: Callable[[], Awaitable[discord.Message]]
) -> discord.Message | None:
    """Delivers a reply, if no person has begun to talk there since it was asked for.

    Asked anew at each attempt.
    """

    async def attempt() -> discord.Message:
        if bot.is_silent_in(channel_id):
            raise _PersonIsTalkingError
        return await send()

    try:
        return await bot.delivery.deliver(reply, channel_id, attempt)
    except _PersonIsTalkingError:
        bot.delivery.counts["left to a person"] += 1
        return None


class _PersonIsTalkingError(Exception):
    """A person is talking with the customer, so the bot keeps silent."""


def _changeable(bot: ConciergeBot, channel_id: int, message_id: int) -> discord.PartialMessage:
    """A message by its ids only: the sent object would also hold the customer's message."""
    return bot.get_partial_messageable(channel_id).get_partial_message(message_id)


async def respond_to(
    bot: ConciergeBot,
    interaction: discord.Interaction[Any],
    answer: Awaitable[Reply],
    *,
    own: bool,
) -> Reply:
    """Answers a command, and lets Discord show "is thinking" if that takes long.

    The judgement of the user's `own` review is visible for everybody. All other answers are only
    for the user, if that can still be chosen.
    """
    answering = asyncio.ensure_future(answer)
    try:
        await asyncio.wait({answering}, timeout=DEFER_AFTER_SECONDS)
        is_deferred = not answering.done() and await defer(interaction, ephemeral=not own)
        reply = await answering
        send = partial(_fill_in if is_deferred else tell, bot, interaction, reply, own=own)
        if own:
            channel_id = interaction.channel_id or 0
            async with bot.earlier.followed_by(reply, channel_id, interaction.user.id) as note:
                message_id = await send()
                if message_id is not None:
                    note(_changeable(bot, channel_id, message_id))
        else:
            await send()
        await report(bot, reply)
        return reply
    finally:
        answering.cancel()


async def tell(
    bot: ConciergeBot, interaction: discord.Interaction[Any], reply: Reply, *, own: bool = False
) -> int | None:
    """Answers a command; returns the id of a message that everybody can see."""
    respond = interaction.response.send_message
    is_public = own and reply.is_judgement
    more = _buttons(reply, interaction.user.id, explainable=False, own=own)
    send = partial(respond, reply.text, ephemeral=not is_public, suppress_embeds=True, **more)
    sent = await bot.delivery.deliver(reply, interaction.channel_id or 0, send)
    message_id = sent.message_id if sent is not None and is_public else None
    if sent is not None:
        _count(bot, interaction, reply, message_id)
    return message_id


async def _fill_in(
    bot: ConciergeBot, interaction: discord.Interaction[Any], reply: Reply, *, own: bool
) -> int | None:
    """Replaces "is thinking" by the answer; returns the result of `tell`.

    The first message after a deferral replaces it. After a reset it is unknown whether it did: then
    an edit replaces it, which may be repeated, but cannot suppress a preview.
    """
    more = _buttons(reply, interaction.user.id, explainable=False, own=own)
    send = partial(interaction.followup.send, reply.text, suppress_embeds=True, wait=True, **more)
    again = partial(
        interaction.edit_original_response, content=reply.text, view=more.get("view", MISSING)
    )
    sent = await bot.delivery.deliver(reply, interaction.channel_id or 0, send, again)
    message_id = sent.id if sent is not None and own else None
    if sent is not None:
        _count(bot, interaction, reply, message_id)
    return message_id


def _count(
    bot: ConciergeBot, interaction: discord.Interaction[Any], reply: Reply, message_id: int | None
) -> None:
    """Counts the answer to a command; `message_id` None: only one person sees it."""
    message = None if message_id is None else (interaction.channel_id or 0, message_id)
    bot.count(reply, interaction.guild_id, message)
