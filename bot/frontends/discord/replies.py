"""How a reply looks on Discord, and how it gets there: every reply to a customer is sent here."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import discord
from discord.utils import MISSING

from bot.concierge import Reply
from bot.frontends.discord.buttons import ConciergeButton, view
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import defer
from bot.frontends.discord.operators import report
from bot.frontends.discord.questions import answer_buttons
from bot.frontends.discord.reasons import WhyButton
from bot.frontends.discord.turns import Turn
from bot.responses import Kind

DEFER_AFTER_SECONDS = 1.0
"""Discord waits 3 s for a first answer; a quicker one needs no "is thinking" before it."""


async def reply_to(
    bot: ConciergeBot, message: discord.Message, reply: Reply
) -> tuple[Reply, discord.Message] | None:
    """Replies to a message when it is its turn in the channel; returns what `_in_turn` does.

    To the channel, if the message has been deleted meanwhile. As its id is the nonce, Discord
    itself drops a reply to it that comes a second time within some minutes.
    """

    async def send(said: Reply) -> discord.Message:
        return await message.channel.send(
            said.text,
            reference=message.to_reference(fail_if_not_exists=False),
            suppress_embeds=True,
            nonce=message.id,
            **_buttons(said, message.author.id),
        )

    return await _in_turn(bot, message.channel.id, reply, send)


def _buttons(reply: Reply, customer: int, *, why: bool = True) -> dict[str, Any]:
    """What goes under a reply to this customer, as an argument of a call that sends it.

    "Why?" reads the message that a reply answers, which a command has none of.
    """
    buttons: list[ConciergeButton] = []
    if reply.question is not None:
        buttons += answer_buttons(customer)
    if reply.is_judgement and why:
        buttons.append(WhyButton())
    return {"view": view(*buttons)} if buttons else {}


async def replace(
    bot: ConciergeBot, sent: discord.PartialMessage, reply: Reply, customer: int
) -> tuple[Reply, discord.Message] | None:
    """Puts `reply` in the place of an earlier one, which keeps its flags: no previews of links.

    Waits for its turn, too, and returns what `_in_turn` does. An edit that is dropped leaves the
    earlier reply as it is.
    """

    async def edit(said: Reply) -> discord.Message:
        return await sent.edit(content=said.text, view=_buttons(said, customer).get("view"))

    return await _in_turn(bot, sent.channel.id, reply, edit)


async def _in_turn(
    bot: ConciergeBot,
    channel_id: int,
    reply: Reply,
    send: Callable[[Reply], Awaitable[discord.Message]],
) -> tuple[Reply, discord.Message] | None:
    """Sends a reply when it is its turn, or in its place, once, that the bot is busy.

    Returns what was said and the message that says it. None where nothing was: Discord did not
    take it, or it waited too long for its turn.
    """
    outcome = None
    async with bot.turns.turn(channel_id, urgent=reply.kind is Kind.DISTRESS) as turn:
        if turn is Turn.DROPPED:
            bot.delivery.counts["dropped"] += 1
        else:
            said = bot.concierge.say(Kind.BUSY, reply.to) if turn is Turn.BUSY else reply
            sent = await bot.delivery.deliver(said, channel_id, partial(send, said))
            outcome = (said, sent) if sent is not None else None
    await report(bot, reply)
    return outcome


async def respond_to(
    bot: ConciergeBot,
    interaction: discord.Interaction[Any],
    answer: Awaitable[Reply],
    *,
    ephemeral: bool,
) -> Reply:
    """Answers a command, and lets Discord show "is thinking" where that takes long.

    What is no judgement is for the one who asked, where that can still be chosen.
    """
    answering = asyncio.ensure_future(answer)
    try:
        await asyncio.wait({answering}, timeout=DEFER_AFTER_SECONDS)
        if not answering.done() and await defer(interaction, ephemeral=ephemeral):
            await _fill_in(bot, interaction, await answering)
        else:
            reply = await answering
            await tell(bot, interaction, reply, ephemeral=ephemeral or not reply.is_judgement)
        await report(bot, answering.result())
        return answering.result()
    finally:
        answering.cancel()


async def tell(
    bot: ConciergeBot,
    interaction: discord.Interaction[Any],
    reply: Reply,
    *,
    ephemeral: bool = True,
) -> None:
    """Answers a command with what there is to say on it."""
    respond = interaction.response.send_message
    more = _buttons(reply, interaction.user.id, why=False)
    send = partial(respond, reply.text, ephemeral=ephemeral, suppress_embeds=True, **more)
    await bot.delivery.deliver(reply, interaction.channel_id or 0, send)


async def _fill_in(bot: ConciergeBot, interaction: discord.Interaction[Any], reply: Reply) -> None:
    """Puts the answer in the place of "is thinking".

    The first message after a deferral takes its place. Whether it did, a reset leaves open: then
    the place is filled by an edit, which may be repeated, but cannot suppress a preview.
    """
    more = _buttons(reply, interaction.user.id, why=False)
    send = partial(interaction.followup.send, reply.text, suppress_embeds=True, wait=True, **more)
    again = partial(
        interaction.edit_original_response, content=reply.text, view=more.get("view", MISSING)
    )
    await bot.delivery.deliver(reply, interaction.channel_id or 0, send, again)
