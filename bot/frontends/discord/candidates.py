"""The buttons under a candidate, which also work after a restart: an operator promotes it, discards
it, or tries it silently."""

from contextlib import suppress
from enum import StrEnum

import discord

from bot.errors import UnusableCheckpointError
from bot.frontends.discord.buttons import ConciergeButton, view
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND
from bot.frontends.discord.escaping import plain
from bot.frontends.discord.operators import caller, require_leader, require_operator
from bot.frontends.discord.reports import trying
from bot.operations.models import NAME


class Decision(StrEnum):
    """An operator's decision on a candidate."""

    PROMOTE = "promote"
    DISCARD = "discard"
    SHADOW = "shadow"
    """Let it judge live messages silently."""
    STOP = "stop"
    """End that."""


_LOOKS = {
    Decision.PROMOTE: ("Promote", discord.ButtonStyle.success),
    Decision.DISCARD: ("Discard", discord.ButtonStyle.danger),
    Decision.SHADOW: ("Try silently", discord.ButtonStyle.secondary),
    Decision.STOP: ("Stop trying", discord.ButtonStyle.secondary),
}


class CandidateButton(
    ConciergeButton,
    template=rf"candidate:(?P<decision>{'|'.join(Decision)}):(?P<name>{NAME})",
):
    """Promote, Discard, Try silently or Stop trying."""

    log_name = "Deciding on a candidate"

    def __init__(self, decision: str, candidate: str) -> None:
        self._decision = Decision(decision)
        label, style = _LOOKS[self._decision]
        super().__init__(
            discord.ui.Button(
                label=label, style=style, custom_id=f"candidate:{decision}:{candidate}"
            )
        )
        self._candidate = candidate

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Applies the decision and changes the buttons; they stay if it is refused."""
        if not await require_operator(interaction) or not await require_leader(interaction):
            return
        await interaction.response.defer()
        try:
            match self._decision:
                case Decision.PROMOTE | Decision.DISCARD:
                    refusal = None
                    await self._settle(interaction)
                case Decision.SHADOW:
                    refusal = await self._try_silently(interaction)
                case Decision.STOP:
                    operations = interaction.client.operations
                    refusal = await operations.stop_trying(caller(interaction), self._candidate)
        except UnusableCheckpointError as error:
            refusal = str(error)
        if refusal is not None:
            await interaction.followup.send(plain(refusal), ephemeral=True)

    async def _settle(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Promotes or discards it. Raises UnusableCheckpointError, and then nothing has changed."""
        operations, operator = interaction.client.operations, caller(interaction)
        was_tried = operations.shadow.is_trying(self._candidate)
        if self._decision is Decision.PROMOTE:
            await operations.promote(operator, self._candidate)
            said = "promoted it: it answers from now on. To go back: /model rollback"
        else:
            await operations.discard(operator, self._candidate)
            said = "discarded it: it is deleted, and the current one keeps answering."
        message = interaction.message
        assert message is not None
        with suppress(*CANNOT_SEND):  # it is done, though the message does not show it
            if was_tried:  # its result was added to the message just now
                message = await message.fetch()
            text = f"{message.content}\n{plain(operator.name)} {said}"
            await interaction.edit_original_response(content=text, view=None)

    async def _try_silently(self, interaction: discord.Interaction[ConciergeBot]) -> str | None:
        """Starts to try it; returns why not. Raises UnusableCheckpointError."""
        operations, message = interaction.client.operations, interaction.message
        assert message is not None
        origin = f"discord:{message.channel.id}:{message.id}"
        refusal = await operations.try_silently(caller(interaction), self._candidate, origin)
        if refusal is None and (tally := operations.shadow.tally) is not None:
            with suppress(*CANNOT_SEND):
                await interaction.edit_original_response(
                    content=trying(message.content, tally),
                    view=buttons(self._candidate, is_tried=True),
                )
        return refusal


def buttons(name: str, *, is_tried: bool = False) -> discord.ui.View:
    """The decisions on the candidate of this name; `is_tried`: while it judges silently."""
    last = Decision.STOP if is_tried else Decision.SHADOW
    decisions = (Decision.PROMOTE, Decision.DISCARD, last)
    return view(*(CandidateButton(decision, name) for decision in decisions))
