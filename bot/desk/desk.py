"""The desk: which customers must reach a person, and how a request gets to one.

Knows no platform: a front end shows the cards to staff (`Poster`).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from cachetools import TTLCache

from bot.desk.schedule import Clock, utc_now
from bot.desk.store import (
    Card,
    CardState,
    Forgotten,
    Request,
    ServerSettings,
    Store,
    Storm,
    open_store,
)
from bot.errors import StoreError
from bot.logs import SeldomLog, whereabouts
from bot.sentences.kinds import Kind
from bot.settings import Settings

log = logging.getLogger(__name__)

HAND_OVER_SECONDS = 2.0
"""How long a reply waits for its card, which is not promised if it is not there by then. Short, as
a platform may wait only seconds for the answer to a button."""

KEEP_SECONDS = 0.5
"""How long the reply to somebody in distress waits until their request is kept."""

REMINDER_SECONDS = 60.0
"""Between two looks for cards that were not claimed in time."""

CLOSING_SECONDS = 5.0
"""How long cards that are on their way may still take once the bot is stopped."""

MISREADINGS = 2
"""So many corrections of one person in one place call for a human being."""

MAX_REMEMBERED = 10_000
"""Persons whose corrections are counted; of more, those of the longest ago are forgotten."""


class Need(StrEnum):
    """Why somebody must reach a person: the kind of a card."""

    PERSON = "person"
    SERVICE = "service"
    DISTRESS = "distress"
    MISREAD = "misread"
    """The bot was corrected twice."""


_OF_REPLIES = {
    Kind.PERSON: Need.PERSON,
    Kind.SERVICE: Need.SERVICE,
    Kind.DISTRESS: Need.DISTRESS,
}
_CORRECTIONS = frozenset((Kind.CORRECTION, Kind.CORRECTED_POSITIVE, Kind.CORRECTED_NEGATIVE))


class Poster(Protocol):
    """A front end, as the desk needs it."""

    async def post(
        self, card: Card, channel: str, role: str | None, *, instead_of: str | None = None
    ) -> str | None:
        """Shows a card in the staff channel, and notifies the role, if one is given.

        Shows it once, also where a bot was killed before it could note the message. `instead_of`:
        the message that showed the card and is gone. Returns the message, or None where it cannot.
        """

    def grown(self, card: Card) -> None:
        """Shows, soon, that a card stands for one more request; never raises."""

    async def is_shown(self, card: Card) -> bool:
        """Whether the message of a card is still there; true where that is not known."""

    async def remind(self, card: Card, channel: str) -> bool:
        """Brings up a card again; returns whether that was possible."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A request that staff have a card about."""

    kind: Kind
    """What the customer may be told: `Kind.HANDED_OVER`, or `Kind.OUT_OF_HOURS`."""
    server: str
    """Whose staff."""


class Desk:
    """The desk of all servers, on an open store."""

    def __init__(self, store: Store, clock: Clock, seconds: float) -> None:
        """`seconds`: within which corrections of one person in one place count together."""
        self.store = store
        self.clock = clock
        self.poster: Poster | None = None
        """The front end's, once it has started."""
        self._corrections: TTLCache[Hashable, int] = TTLCache(
            MAX_REMEMBERED, seconds, timer=lambda: clock().timestamp()
        )
        self._posting: dict[str, asyncio.Lock] = {}
        self._being_posted: set[str] = set()
        """The ids of cards on their way to the staff channel."""
        self._tasks: set[asyncio.Task[HandedOver | None]] = set()
        self._noting = asyncio.Lock()
        self._silent: frozenset[str] = frozenset()
        self._locales: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        """The cards that are not closed, by their messages."""
        self._seldom = SeldomLog(log)

    def need_of(
        self, kind: Kind, whom: Hashable, *, also: Kind | None = None, is_edit: bool = False
    ) -> Need | None:
        """Why the customer who gets a reply of this kind must reach a person; None: they need not.

        `whom` stands for the person and the place together. `also`: what a message that was called
        a review is besides. `is_edit`: it replaces a message that was counted already.
        """
        if kind in _CORRECTIONS:
            if is_edit:
                return None
            number = self._corrections.pop(whom, 0) + 1
            if number < MISREADINGS:
                self._corrections[whom] = number
                return None
            return Need.MISREAD
        return _OF_REPLIES.get(kind) or (_OF_REPLIES.get(also) if also is not None else None)

    async def hand_over(
        self, need: Need, finding: Callable[[], Awaitable[Request | None]]
    ) -> HandedOver | None:
        """Gives a request its card, and shows the card to the staff of the server.

        `finding` makes the request, or None where it cannot be said whose staff it is for. The
        message with the card of somebody in distress is not waited for, as no reply to them rests
        on it; but the request is kept first: a bot that is killed now posts it after its restart.

        Returns None where no one was reached in HAND_OVER_SECONDS: there is no staff channel, the
        card could not be posted, or the store cannot be used. A card that takes longer is posted
        all the same.
        """
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._hand_over(finding, kept))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if need is Need.DISTRESS:
            either: set[asyncio.Future[Any]] = {task, kept}
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait(either, timeout=KEEP_SECONDS, return_when=first)
            return None
        await asyncio.wait({task}, timeout=HAND_OVER_SECONDS)
        return task.result() if task.done() else None

    async def _hand_over(
        self, finding: Callable[[], Awaitable[Request | None]], kept: "asyncio.Future[None]"
    ) -> HandedOver | None:
        """As `hand_over`; sets the result of `kept` once the store has the request."""
        try:
            request = await finding()
            if request is None:
                return None
            settings = await self.store.settings(request.server)
            if settings.staff_channel is None:
                return None
            # One in distress shares no card, and so waits for no other.
            is_urgent = request.kind == Need.DISTRESS
            lock = self._posting.setdefault(request.server, asyncio.Lock())
            async with nullcontext() if is_urgent else lock:
                opened = await self.store.open_card(request, None if is_urgent else Storm())
                kept.set_result(None)
                if not await self._show(opened.card, settings):
                    return None
            is_staffed = settings.is_staffed(self.clock())
            kind = Kind.HANDED_OVER if is_staffed else Kind.OUT_OF_HOURS
            return HandedOver(kind, request.server)
        except StoreError as error:
            self._seldom.log(logging.ERROR, f"A customer was not handed over. {error}")
        except Exception as error:  # the customer gets the reply that needs no person
            log.error("Handing over failed: %s", whereabouts(error))
        return None

    async def _show(
        self, card: Card, settings: ServerSettings, *, instead_of: str | None = None
    ) -> bool:
        """Whether staff can see the card. If the front end is closing, the next start posts it."""
        poster = self.poster
        if poster is None:
            return False
        assert settings.staff_channel is not None
        if card.message is not None:
            poster.grown(card)
            return True
        role = settings.mention_role if card.mentions_role else None
        self._being_posted.add(card.id)
        try:
            message = await poster.post(card, settings.staff_channel, role, instead_of=instead_of)
            if message is None:
                return False
            await self.store.attach(card.id, message, card.thread)
        finally:
            self._being_posted.discard(card.id)
        if card.count > 1:  # the message may be the one of a moment ago, without the count
            poster.grown(card)
        await self.note_silence()
        return True

    async def _show_unseen(self, card: Card, settings: ServerSettings) -> None:
        """Shows a card that had no message a moment ago, if it still has none and gets none now."""
        if card.id in self._being_posted:
            return
        latest = await self.store.card(card.id)
        if latest is not None and latest.message is None and not latest.is_closed:
            await self._show(latest, settings)

    async def show_anew(self, card: Card) -> None:
        """Shows a card whose message is gone, as another request has joined it."""
        settings = await self.store.settings(card.server)
        if settings.staff_channel is not None:
            unseen = replace(card, message=None, mentions_role=False)
            await self._show(unseen, settings, instead_of=card.message)

    async def remind(self) -> None:
        """Brings up again, once, the cards that were not claimed in time, in working hours.

        A card that staff cannot see yet is posted, at any hour.
        """
        poster = self.poster  # it goes once the front end closes
        if poster is None:
            return
        await self.note_locales()  # another bot on the same database may have changed them
        now = self.clock()
        for card in await self.store.due_reminders(now):
            settings = await self.store.settings(card.server)
            if settings.staff_channel is None:
                continue
            if card.message is None:
                await self._show_unseen(card, settings)
            elif not settings.is_staffed(now):
                continue
            elif not await poster.is_shown(card):  # it was deleted while the bot was off
                await self.removed(card.message)
            elif await poster.remind(card, settings.staff_channel):
                await self.store.mark_reminded(card.id)

    def is_silent(self, place: str) -> bool:
        """Whether the bot keeps silent there, as a person is talking with a customer."""
        return place in self._silent

    async def note_silence(self) -> None:
        """Reads which threads are held by staff. Call it after whatever changes cards."""
        async with self._noting:  # or what was read earlier could be noted later
            unfinished = await self.store.open_cards()
            self._shown = {card.message: card.id for card in unfinished if card.message is not None}
            self._silent = frozenset(
                card.thread
                for card in unfinished
                if card.thread is not None and card.state is CardState.CLAIMED
            )

    async def removed(self, message: str) -> Card | None:
        """Closes the card that a message showed, now that staff have deleted the message.

        Returns the closed card; None if no card was shown there that was not closed.
        """
        card = self._shown.pop(message, None)
        return None if card is None else await self.resolve(card, not_for_us=True)

    async def refresh(self) -> None:
        """Reads what other processes may have changed: held threads, chosen languages."""
        await self.note_silence()
        await self.note_locales()

    def locale_of(self, server: str) -> str | None:
        """The language that a server has chosen for its sentences; None: as the platform says."""
        return self._locales.get(server)

    async def note_locales(self) -> None:
        """Reads which languages servers have chosen. Call it after whatever changes settings."""
        chosen = (await self.store.all_settings()).items()
        self._locales = {server: each.locale for server, each in chosen if each.locale is not None}

    async def change_settings(
        self, server: str, change: Callable[[ServerSettings], ServerSettings]
    ) -> ServerSettings:
        """As `Store.change_settings`; the language is in force from now on."""
        settings = await self.store.change_settings(server, change)
        await self.note_locales()
        return settings

    async def set_settings(self, server: str, settings: ServerSettings) -> None:
        """As `Store.set_settings`; the language is in force from now on."""
        await self.store.set_settings(server, settings)
        await self.note_locales()

    async def forget_server(self, server: str) -> None:
        """As `Store.forget_server`."""
        await self.store.forget_server(server)
        await self.note_locales()
        await self.note_silence()

    async def forget_person(self, person: str) -> Forgotten:
        """As `Store.forget_person`; the bot speaks again in the threads that they had claimed."""
        forgotten = await self.store.forget_person(person)
        await self.note_silence()
        return forgotten

    async def attach(self, card: str, message: str, thread: str) -> None:
        """As `Store.attach`; the bot is silent in the thread while the card is claimed."""
        await self.store.attach(card, message, thread)
        await self.note_silence()

    async def claim(self, card: str, staff: str) -> Card | None:
        """As `Store.claim`; the bot is silent in the card's thread from now on."""
        claimed = await self.store.claim(card, staff)
        await self.note_silence()
        return claimed

    async def release(self, card: str) -> Card | None:
        """As `Store.release`; the bot speaks again in the card's thread."""
        released = await self.store.release(card)
        await self.note_silence()
        return released

    async def resolve(self, card: str, *, not_for_us: bool = False) -> Card | None:
        """As `Store.resolve`; the bot speaks again in the card's thread."""
        closed = await self.store.resolve(card, not_for_us=not_for_us)
        await self.note_silence()
        return closed

    async def close(self) -> None:
        """Waits for the cards that are on their way."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=CLOSING_SECONDS)


def may_work(
    settings: ServerSettings, roles: Iterable[str], *, is_moderator: bool, is_admin: bool
) -> bool:
    """Whether somebody with these roles may work on the cards of a server.

    `is_moderator` decides where the server has named no staff roles. An admin always may.
    """
    if is_admin:
        return True
    if settings.staff_roles:
        return not set(settings.staff_roles).isdisjoint(roles)
    return is_moderator


@asynccontextmanager
async def open_desk(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Desk | None]:
    """Opens the desk on the store at DATABASE_URL, and closes it at the end.

    Yields None where the store cannot be used, which is logged: customers are answered all the
    same. Raises SettingsError where the URL is malformed.
    """
    async with AsyncExitStack() as stack:
        desk = None
        try:
            store = await stack.enter_async_context(open_store(settings, clock))
            desk = Desk(store, clock, 60 * settings.question_minutes)
            await desk.refresh()
            stack.push_async_callback(desk.close)
        except StoreError as error:
            desk = None
            log.error("The service desk is off until the next start. %s", error)
        yield desk
