"""What all buttons and menus share: they are found by their ids, and errors go to the client's
last resort."""

import re
from typing import Any, ClassVar, Self

import discord

from bot.frontends.discord.client import ConciergeBot, in_private
from bot.frontends.discord.recipients import user_of


class ConciergeItem(discord.ui.DynamicItem[discord.ui.Item[Any]], template=r"(?!)"):
    """A button or a menu. Its action is in its id, which Discord keeps with the message: a
    restart loses nothing.

    The library logs the errors of `callback` and does not inform the user, so a subclass overrides
    `pressed` instead.
    """

    log_name: ClassVar[str]
    """Its name in the log."""

    @classmethod
    async def from_custom_id(
        cls,
        _interaction: discord.Interaction[Any],
        _item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        parts: tuple[Any, ...] = match.groups()
        return cls(*parts)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        bot: ConciergeBot = interaction.client
        async with bot.last_resort(self.log_name, in_private(interaction), user_of(interaction)):
            await self.pressed(interaction)

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Called when any user presses it or chooses from it."""
        raise NotImplementedError


class ConciergeButton(ConciergeItem, template=r"(?!)"):
    """A button."""


def view(*items: ConciergeItem) -> discord.ui.View:
    """A view of these buttons and menus, for a message."""
    made = discord.ui.View(timeout=None)
    for item in items:
        made.add_item(item)
    # They are found by their ids; the library need not keep this view.
    made.stop()
    return made
