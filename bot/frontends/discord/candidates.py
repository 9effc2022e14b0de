"""The buttons under a candidate: an operator promotes or discards it, also after a restart."""

import re
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self, cast

import discord

from bot.errors import UnusableCheckpointError
from bot.frontends.discord.delivery import CANNOT_SEND
from bot.frontends.discord.operators import require_operator
from bot.frontends.discord.reports import plain
from bot.models import NAME

if TYPE_CHECKING:
    from bot.frontends.discord import ConciergeBot


class Decision(StrEnum):
    """What an operator decides on a candidate."""

    PROMOTE = "promote"
    DISCARD = "discard"


class CandidateButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"candidate:(?P<decision>{'|'.join(Decision)}):(?P<name>{NAME})",
):
    """What it does is in its id, which Discord keeps with the message: a restart loses nothing."""

    def __init__(self, decision: Decision, name: str) -> None:
        promote = decision is Decision.PROMOTE
        super().__init__(
            discord.ui.Button(
                label="Promote" if promote else "Discard",
                style=discord.ButtonStyle.success if promote else discord.ButtonStyle.danger,
                custom_id=f"candidate:{decision}:{name}",
            )
        )
        self._decision = decision
        self._name = name

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(Decision(match["decision"]), match["name"])

    async def callback(self, interaction: discord.Interaction) -> None:
        """Does it, and takes the buttons away; where that is refused they stay."""
        if not await require_operator(interaction):
            return
        await interaction.response.defer()
        models = cast("ConciergeBot", interaction.client).models
        try:
            if self._decision is Decision.PROMOTE:
                await models.promote(self._name)
                said = "promoted it: it answers from now on. To go back: /model rollback"
            else:
                await models.discard(self._name)
                said = "discarded it: it is deleted, and the present one goes on answering."
        except UnusableCheckpointError as error:
            await interaction.followup.send(plain(str(error)), ephemeral=True)
            return
        assert interaction.message is not None
        who = plain(interaction.user.display_name)
        text = f"{interaction.message.content}\n{who} {said}"
        with suppress(*CANNOT_SEND):  # it is done, though the message does not show it
            await interaction.edit_original_response(content=text, view=None)


def buttons(name: str) -> discord.ui.View:
    """Promote and Discard, for the candidate of this name."""
    view = discord.ui.View(timeout=None)
    for decision in Decision:
        view.add_item(CandidateButton(decision, name))
    # They are found by their ids; the library need not keep this view.
    view.stop()
    return view
