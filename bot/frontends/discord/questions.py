"""The buttons under a question (thumbs up, thumbs down, a bit of both) and "Not quite".

Discord often withholds a reply that does not mention the bot; a press always arrives. The meaning
of a press, and the person who may press, are in the button's id, so that it works after a restart.
"""

from collections.abc import Callable
from functools import partial

import discord

from bot.conversation.reply import Reply
from bot.frontends.discord.buttons import ConciergeButton, Label, ReplyView
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import respond
from bot.frontends.discord.handover import handed_over_by_button
from bot.frontends.discord.recipients import user_of
from bot.sentences.kinds import Side
from bot.sentences.responses import Kind

_LABELS = {Side.POSITIVE: "👍", Side.NEGATIVE: "👎", Side.BOTH: "A bit of both"}


class AnswerButton(ConciergeButton, template=r"answer:(\d{1,20}):(positive|negative|both)"):
    """One of three under a question, for the person who was asked."""

    log_name = "An answer by a button"

    def __init__(self, customer: str, side: str) -> None:
        self._customer = int(customer)
        self._side = Side(side)
        super().__init__(_answer(self._customer, self._side).button())

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Replaces the question, and its buttons, by the reply."""
        decide = partial(interaction.client.concierge.decide, self._side)
        await _put_in_place(interaction, self._customer, decide)


class NotQuiteButton(ConciergeButton, template=r"not_quite:(\d{1,20})"):
    """Under a verdict, for the author of the review."""

    log_name = "A correction by a button"

    def __init__(self, customer: str) -> None:
        self._customer = int(customer)
        super().__init__(not_quite(self._customer).button())

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Replaces the verdict by an apology that asks, with its buttons."""
        if interaction.user.id == self._customer and interaction.message is not None:
            interaction.client.dispatch("not_quite", interaction.message, self._customer)
        await _put_in_place(interaction, self._customer, interaction.client.concierge.take_back)


def answers(customer: int) -> list[Label]:
    """The buttons for the person who is asked."""
    return [_answer(customer, side) for side in _LABELS]


def not_quite(customer: int) -> Label:
    """The button for the author of a review."""
    return Label("Not quite", f"not_quite:{customer}")


def _answer(customer: int, side: Side) -> Label:
    return Label(_LABELS[side], f"answer:{customer}:{side}")


async def _put_in_place(
    interaction: discord.Interaction[ConciergeBot], customer: int, decide: Callable[..., Reply]
) -> None:
    """Replaces the message of the button; refuses another person's press."""
    bot, to = interaction.client, user_of(interaction)
    with bot.answering():
        if interaction.user.id != customer:
            await respond(interaction, bot.concierge.say(Kind.NOT_YOURS, to).text)
            return
        reply = decide(customer=customer, place=interaction.channel_id, to=to)
        reply = await handed_over_by_button(bot, interaction, reply)
        channel = interaction.channel_id or 0
        if interaction.message is not None:
            bot.dispatch("answer_button", interaction.message)
            messageable = bot.get_partial_messageable(channel)
            bot.earlier.note(messageable.get_partial_message(interaction.message.id), customer)
        buttons = ReplyView(*answers(customer)) if reply.question is not None else None
        edit = partial(interaction.response.edit_message, content=reply.text, view=buttons)
        if await bot.delivery.deliver(reply, channel, edit) is not None:
            bot.count(reply, interaction.guild_id, None)
