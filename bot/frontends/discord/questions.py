"""The buttons under a question: thumbs up, thumbs down, a bit of both.

Discord often withholds a reply that does not mention the bot; a press always arrives. What a press
means, and who may press, is in the button's id, so that it works after a restart.
"""

from functools import partial

import discord

from bot.answers import Side
from bot.frontends.discord.buttons import ConciergeButton
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import respond
from bot.frontends.discord.recipients import user_of
from bot.responses import Kind

_LABELS = {Side.POSITIVE: "👍", Side.NEGATIVE: "👎", Side.BOTH: "A bit of both"}


class AnswerButton(ConciergeButton, template=r"answer:(\d{1,20}):(positive|negative|both)"):
    """One of three under a question, for the one who was asked."""

    log_name = "An answer by a button"

    def __init__(self, customer: str, side: str) -> None:
        self._customer = int(customer)
        self._side = Side(side)
        super().__init__(
            discord.ui.Button(
                label=_LABELS[self._side],
                style=discord.ButtonStyle.secondary,
                custom_id=f"answer:{customer}:{side}",
            )
        )

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Puts the reply in the place of the question, whose buttons go away with it."""
        concierge, to = interaction.client.concierge, user_of(interaction)
        with interaction.client.answering():
            if interaction.user.id != self._customer:
                await respond(interaction, concierge.say(Kind.NOT_YOURS, to).text)
                return
            reply = concierge.decide(
                self._side, customer=interaction.user.id, place=interaction.channel_id, to=to
            )
            if interaction.message is not None:
                interaction.client.dispatch("answer_button", interaction.message)
            edit = partial(interaction.response.edit_message, content=reply.text, view=None)
            await interaction.client.delivery.deliver(reply, interaction.channel_id or 0, edit)


def answer_buttons(customer: int) -> list[AnswerButton]:
    """The buttons for the one who is asked."""
    return [AnswerButton(str(customer), side) for side in _LABELS]
