"""What a card says in the staff channel, and its buttons.

It never shows what the customer wrote, only a link to it; once it is closed, not even that.
"""

import logging
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from functools import partial

import discord

from bot.desk.desk import Desk, Need, may_work
from bot.desk.store import Card, CardState, ServerSettings
from bot.errors import StoreError
from bot.frontends.discord.buttons import ConciergeButton, view
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, reason, respond, send_with_retry
from bot.frontends.discord.references import ids_in, reference
from bot.frontends.discord.threads import close_thread, leave_thread, open_thread

log = logging.getLogger(__name__)

_TITLES = {
    Need.PERSON: "A customer asks for a person",
    Need.SERVICE: "A customer has trouble with the service",
    Need.DISTRESS: "A customer may be in distress",
    Need.MISREAD: "A customer had to correct me twice",
}
_STRENGTHS = {"strong": "strong words", "mild": "mild words"}
_UNUSABLE = "The desk's database cannot be used just now. Press again in a minute."
_STALE = "That was done already, or the card is no longer kept, so nothing has changed."


class Press(StrEnum):
    """What staff do with a card."""

    CLAIM = "claim"
    RELEASE = "release"
    RESOLVE = "resolve"
    NOT_FOR_US = "not_for_us"


_LABELS = {
    Press.CLAIM: ("Claim", discord.ButtonStyle.primary),
    Press.RELEASE: ("Release", discord.ButtonStyle.secondary),
    Press.RESOLVE: ("Resolve", discord.ButtonStyle.success),
    Press.NOT_FOR_US: ("Not for us", discord.ButtonStyle.secondary),
}
_OFFERED = {
    CardState.OPEN: (Press.CLAIM, Press.RESOLVE, Press.NOT_FOR_US),
    CardState.CLAIMED: (Press.RELEASE, Press.RESOLVE, Press.NOT_FOR_US),
    CardState.RESOLVED: (),
    CardState.NOT_FOR_US: (),
}


class CardButton(
    ConciergeButton, template=rf"card:(?P<press>{'|'.join(Press)}):(?P<card>[0-9a-f]{{16}})"
):
    """One under a card, for the staff of its server."""

    log_name = "Working on a card"

    def __init__(self, press: str, card: str) -> None:
        self._press, self._card = Press(press), card
        label, style = _LABELS[self._press]
        super().__init__(
            discord.ui.Button(label=label, style=style, custom_id=f"card:{press}:{card}")
        )

    async def pressed(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        """Changes the card and its message; replies to anyone else who may."""
        desk = interaction.client.desk
        if desk is None or interaction.guild_id is None:
            await respond(interaction, _UNUSABLE)
            return
        try:
            settings = await desk.store.settings(reference(interaction.guild_id))
            if not _is_staff(interaction, settings):
                await respond(interaction, _who_may(settings))
                return
            # The staff of a server work on its own cards, whatever id a button has.
            if await desk.store.server_of(self._card) != reference(interaction.guild_id):
                await respond(interaction, _STALE)
                return
            card = await self._work(desk, reference(interaction.user.id))
        except StoreError as error:
            log.error("A press on a card was lost. %s", error)
            await respond(interaction, _UNUSABLE)
            return
        await self._show(interaction, card)
        if card is None:
            return
        if self._press in (Press.RESOLVE, Press.NOT_FOR_US):
            await close_thread(interaction.client, card, interaction.id)
        elif self._press is Press.RELEASE:
            await leave_thread(interaction.client, card, interaction.id)
        elif settings.private_threads and self._has_claimed(interaction, card):
            await self._open_thread(interaction, desk, card)

    def _has_claimed(self, interaction: discord.Interaction[ConciergeBot], card: Card) -> bool:
        mine = card.claimed_by == reference(interaction.user.id)
        return self._press is Press.CLAIM and card.state is CardState.CLAIMED and mine

    async def _open_thread(
        self, interaction: discord.Interaction[ConciergeBot], desk: Desk, card: Card
    ) -> None:
        try:
            said = await open_thread(interaction.client, desk, card, interaction.user.id)
        except StoreError as error:
            log.error("A private thread was not recorded. %s", error)
            said = _UNUSABLE
        with suppress(*CANNOT_SEND):
            await respond(interaction, said)

    async def _work(self, desk: Desk, staff: str) -> Card | None:
        match self._press:
            case Press.CLAIM:
                return await desk.claim(self._card, staff)
            case Press.RELEASE:
                return await desk.release(self._card)
        return await desk.resolve(self._card, not_for_us=self._press is Press.NOT_FOR_US)

    async def _show(
        self, interaction: discord.Interaction[ConciergeBot], card: Card | None
    ) -> None:
        if card is None:
            await respond(interaction, _STALE)
            return
        by = interaction.user.id if self._press is not Press.CLAIM else None
        edit = partial(
            interaction.response.edit_message,
            content=card_text(card, closed_by=by, at=interaction.created_at),
            view=card_buttons(card),
        )
        try:
            await send_with_retry(edit)
        except CANNOT_SEND as error:  # it is done, though the message does not show it
            log.warning("A card could not be redrawn: %s", reason(error))
            return
        if self._press is Press.CLAIM and not self._has_claimed(interaction, card):
            await interaction.followup.send(_STALE, ephemeral=True)


def card_buttons(card: Card) -> discord.ui.View | None:
    """Those that a card of this state has; None where it has none."""
    offered = [CardButton(press, card.id) for press in _OFFERED[card.state]]
    return view(*offered) if offered else None


def card_text(card: Card, *, closed_by: int | None = None, at: datetime | None = None) -> str:
    """The message that shows a card; `closed_by` and `at`: who has just closed it, and when.

    Mentions in it show as names, and ping no one.
    """
    title = _TITLES[Need(card.kind)] if card.kind in set(Need) else "A request"
    where = [f"<#{channel}>" for channel in ids_in(card.channel)]
    strength = [_STRENGTHS[card.strength]] if card.strength in _STRENGTHS else []
    link = None if card.is_closed else _link(card)
    parts = [*where, _time(card.created), *strength, *([link] if link is not None else [])]
    lines = [f"**{title}**", " · ".join(parts)]
    if link is None and not card.is_closed:
        lines.append(_without_link(card))
    if card.count > 1:
        lines.append(_count(card, link))
    return "\n".join([*lines, _state(card, closed_by, at)])


def _link(card: Card) -> str | None:
    """The newest message of the only customer, or else the first of all; None: it has no link."""
    links = (card.newest, card.link) if card.customers == 1 else (card.link,)
    return next((link for link in links if link is not None and link.startswith("https://")), None)


def _count(card: Card, link: str | None) -> str:
    """How many messages a card stands for, and to which of them its link leads."""
    if card.customers == 1:
        newest = "; the link leads to the newest" if link and link == card.newest else ""
        return f"The customer wrote {card.count:,} times, last at {_time(card.joined)}{newest}."
    if card.is_closed:
        return f"{card.count:,} messages of this kind."
    shown = "this is about" if link is None else "the link leads to"
    return f"{card.count:,} messages of this kind; {shown} the first."


def _without_link(card: Card) -> str:
    """Whom to ask, where there is no message to read."""
    way = "in a direct message to me" if card.channel is None else "with /review"
    customer = "".join(f" by <@{customer}>" for customer in ids_in(card.customer))
    return f"Written{customer} {way}, so there is no link. Please ask them."


def _state(card: Card, closed_by: int | None, at: datetime | None) -> str:
    by = "" if closed_by is None else f" by <@{closed_by}>"
    when = "" if at is None else f", {_time(at)}"
    match card.state:
        case CardState.OPEN:
            return "Waiting to be claimed."
        case CardState.CLAIMED:
            claimed_by = "".join(f" by <@{staff}>" for staff in ids_in(card.claimed_by))
            claimed = "" if card.claimed is None else f"; first claimed {_time(card.claimed)}"
            return f"Claimed{claimed_by}{claimed}."
        case CardState.RESOLVED:
            return f"Resolved{by}{when}."
        case CardState.NOT_FOR_US:
            return f"Closed as not for us{by}{when}."


def _time(moment: datetime) -> str:
    """Discord shows it in the reader's own time zone."""
    return f"<t:{int(moment.timestamp())}:f>"


def _is_staff(interaction: discord.Interaction[ConciergeBot], settings: ServerSettings) -> bool:
    roles = [reference(role.id) for role in getattr(interaction.user, "roles", [])]
    granted = interaction.permissions
    return may_work(
        settings,
        roles,
        is_moderator=granted.manage_messages,
        is_admin=granted.manage_guild,
    )


def _who_may(settings: ServerSettings) -> str:
    roles = [f"<@&{role}>" for kept in settings.staff_roles for role in ids_in(kept)]
    named = " or ".join(roles)
    who = f"members with the role {named}" if roles else "members who may manage messages here"
    return f"Only {who} and admins of the server can work on cards."
