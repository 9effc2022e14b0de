"""What all buttons and menus share: they are found by their ids, and errors go to the client's
last resort."""

import re
from typing import Any, ClassVar, NamedTuple, Self

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


class Label(NamedTuple):
    """What Discord needs to know of a button under a reply."""

    text: str
    custom_id: str

    def button(self) -> discord.ui.Button[Any]:
        """The button, as the library has it."""
        style = discord.ButtonStyle.secondary
        return discord.ui.Button(label=self.text, style=style, custom_id=self.custom_id)

    def component(self) -> dict[str, Any]:
        """The button, as Discord has it."""
        return {
            "type": discord.ComponentType.button.value,
            "style": discord.ButtonStyle.secondary.value,
            "label": self.text,
            "custom_id": self.custom_id,
        }


class ReplyView(discord.ui.View):
    """At most five buttons under a reply to a customer, as Discord has them.

    Nearly every reply has some, and building them from the library's classes is slow. The library
    makes a button when it is pressed, from its id. So it only sends this view: nothing else of the
    base class is used, not even its constructor, which draws a random id.
    """

    def __init__(self, *labels: Label) -> None:
        row = discord.ComponentType.action_row.value
        self._row = {"type": row, "components": [label.component() for label in labels]}

    def to_components(self) -> list[dict[str, Any]]:
        return [self._row]

    def has_components_v2(self) -> bool:
        return False

    def is_dispatchable(self) -> bool:
        return False

    def is_finished(self) -> bool:
        return True


def view(*items: ConciergeItem) -> discord.ui.View:
    """A view of these buttons and menus, for a message."""
    made = discord.ui.View(timeout=None)
    for item in items:
        made.add_item(item)
    # They are found by their ids; the library need not keep this view.
    made.stop()
    return made
