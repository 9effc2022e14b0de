"""The buttons under a candidate: an operator promotes or discards it, also after a restart."""

from contextlib import suppress
from enum import StrEnum

import discord

from bot.errors import UnusableCheckpointError
from bot.frontends.discord.buttons import ConciergeButton, view
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND
from bot.frontends.discord.escaping import plain
from bot.frontends.discord.operators import caller, require_operator
from bot.operations.models import NAME


class Decision(StrEnum):
    """An operator's decision on a candidate."""

    PROMOTE = "promote"
    DISCARD = "discard"


class CandidateButton(
    ConciergeButton,
    template=rf"candidate:(?P<decision>{'|'.join(Decision)}):(?P<name>{NAME})",
):
    """Promote or Discard."""

    log_name = "Deciding on a candidate"

    def __init__(self, decision: str, candidate: str) -> None:
        promote = decision == Decision.PROMOTE
        super().__init__(
            discord.ui.Button(
                label="Promote" if promote else "Discard",
                style=discord.ButtonStyle.success if promote else discord.ButtonStyle.danger,
                custom_id=f"candidate:{decision}:{candidate}",
            )
        )
        self._promote = promote
        self._candidate = candidate

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Applies the decision and removes the buttons; they stay if it is refused."""
        if not await require_operator(interaction):
            return
        await interaction.response.defer()
        operations, operator = interaction.client.operations, caller(interaction)
        try:
            if self._promote:
                await operations.promote(operator, self._candidate)
                said = "promoted it: it answers from now on. To go back: /model rollback"
            else:
                await operations.discard(operator, self._candidate)
                said = "discarded it: it is deleted, and the present one goes on answering."
        except UnusableCheckpointError as error:
            await interaction.followup.send(plain(str(error)), ephemeral=True)
            return
        assert interaction.message is not None
        who = plain(operator.name)
        text = f"{interaction.message.content}\n{who} {said}"
        with suppress(*CANNOT_SEND):  # it is done, though the message does not show it
            await interaction.edit_original_response(content=text, view=None)


def buttons(name: str) -> discord.ui.View:
    """Promote and Discard, for the candidate of this name."""
    return view(*(CandidateButton(decision, name) for decision in Decision))
