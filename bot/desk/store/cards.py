"""Cards: requests that a person must see, and how far the work on them is."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.desk.store.checks import check_reference
from bot.desk.store.database import adding
from bot.desk.store.figures import bucket, hour_of
from bot.desk.store.part import Part, completed
from bot.desk.store.records import Card, CardState, Opened, Request, Storm
from bot.desk.store.server_settings import ServerSettings
from bot.desk.store.tables import TIME_TO_CLAIM, cards, durations, requests, servers

UNSEEN = timedelta(minutes=1)
"""How long a card that was opened may take until its message is there."""

_UNFINISHED = (CardState.OPEN, CardState.CLAIMED)

_MOST_OF_ONE, _MINUTES_OF_ONE = 5, 10.0
"""Cards that one customer gets within these minutes; then their further requests join the last one.
Otherwise one person could fill a staff channel."""


class Cards(Part):
    """The cards of all servers. Methods raise StoreError where the database cannot be used."""

    @completed
    async def open_card(self, request: Request, storm: Storm | None = None) -> Opened:
        """Gives a request its card: a place on the customer's own unfinished card, on one in a
        storm, or else a new one.

        A request whose link is on an unfinished card already keeps that place. `storm` None: the
        customer has a card that no one else shares, as a person in distress must; also where the
        link has a card of another kind, as after an edit.
        """
        now = self._clock()
        async with self._database.writing() as connection:
            where = [requests.c.server == request.server, requests.c.link == request.link]
            if storm is None:
                where.append(requests.c.kind == request.kind)
            card = await connection.scalar(select(requests.c.card).where(*where))
            if card is not None:
                return Opened(await _card(connection, card), is_new=False)
            if storm is None:
                card = await _card_of_many(connection, request, now)
            else:
                card = await _own_card(connection, request)
                card = card or await _stormy_card(connection, request, storm, now)
            is_new = card is None
            if card is None:
                # Not a number: after a restore, the button of an old card must not find a new one.
                card = secrets.token_hex(8)
                row = _new_row(card, request, now)
                row["mentions_role"] = storm is None or not await _has_mentioned(
                    connection, request, storm, now
                )
                await connection.execute(insert(cards).values(row))
            else:
                more = {"number": cards.c.number + 1, "joined": now}
                await connection.execute(update(cards).where(cards.c.id == card).values(more))
            joining = insert(requests).values(
                server=request.server,
                link=request.link,
                kind=request.kind,
                card=card,
                customer=request.customer,
                channel=request.channel,
                created=now,
            )
            await connection.execute(joining)
            return Opened(await _card(connection, card), is_new)

    @completed
    async def attach(self, card: str, message: str, thread: str | None = None) -> None:
        """Notes which message shows a card, and its private thread with the customer."""
        check_reference(card=card, message=message, thread=thread)
        values = {"message": message, "thread": thread}
        async with self._database.writing() as connection:
            unfinished = (cards.c.id == card, cards.c.state.in_(_UNFINISHED))
            await connection.execute(update(cards).where(*unfinished).values(values))

    @completed
    async def claim(self, card: str, staff: str) -> Card | None:
        """Gives an open card to a member of staff.

        Returns:
            The card as it is now, also where another member has it (`claimed_by`) or it is closed;
            None where there is no such card.
        """
        check_reference(card=card, staff=staff)
        now = self._clock()
        async with self._database.writing() as connection:
            row = await _row(connection, card)
            if row is not None and row.state == CardState.OPEN:
                claimed: dict[str, object] = {"state": CardState.CLAIMED, "claimed_by": staff}
                if row.claimed is None:
                    claimed["claimed"] = now
                    key = {"server": row.server, "hour": hour_of(now), "measure": TIME_TO_CLAIM}
                    number = bucket((now - row.created).total_seconds())
                    one_more = adding(connection, durations, "number")
                    await connection.execute(one_more, key | {"bucket": number, "number": 1})
                await connection.execute(update(cards).where(cards.c.id == card).values(claimed))
            return None if row is None else await _card(connection, card)

    @completed
    async def release(self, card: str) -> Card | None:
        """Opens a claimed card again; returns it, or None where it was not claimed."""
        check_reference(card=card)
        async with self._database.writing() as connection:
            claimed = (cards.c.id == card, cards.c.state == CardState.CLAIMED)
            opened = {"state": CardState.OPEN, "claimed_by": None}
            done = await connection.execute(update(cards).where(*claimed).values(opened))
            return await _card(connection, card) if done.rowcount else None

    @completed
    async def resolve(self, card: str, *, not_for_us: bool = False) -> Card | None:
        """Closes a card, and erases its links, customers, thread and member of staff.

        Returns:
            The closed card, with all of those for the last time; None where it was closed before
            or there is no such card.
        """
        check_reference(card=card)
        state = CardState.NOT_FOR_US if not_for_us else CardState.RESOLVED
        async with self._database.writing() as connection:
            row = await _row(connection, card)
            if row is None or row.state not in _UNFINISHED:
                return None
            await connection.execute(update(cards).where(cards.c.id == card).values(state=state))
            closed = await _card(connection, card)
            await connection.execute(delete(requests).where(requests.c.card == card))
            erased = {"claimed_by": None, "thread": None}
            await connection.execute(update(cards).where(cards.c.id == card).values(erased))
            return closed

    @completed
    async def server_of(self, card: str) -> str | None:
        """The server of a card; None where there is no such card."""
        check_reference(card=card)
        async with self._database.reading() as connection:
            row = await _row(connection, card)
        return None if row is None else str(row.server)

    @completed
    async def card(self, card: str) -> Card | None:
        """A card, closed or not, as it is now."""
        check_reference(card=card)
        async with self._database.reading() as connection:
            return next(iter(await find_cards(connection, cards.c.id == card)), None)

    @completed
    async def open_cards(self, server: str | None = None) -> list[Card]:
        """The cards that are open or claimed, oldest first; of all servers by default."""
        where: list[ColumnElement[bool]] = [cards.c.state.in_(_UNFINISHED)]
        if server is not None:
            where.append(cards.c.server == server)
        async with self._database.reading() as connection:
            return await find_cards(connection, *where)

    @completed
    async def due_reminders(self, now: datetime) -> list[Card]:
        """The cards that are open, or open again, after the time that their server has set.

        Each of them is due until `mark_reminded`. One that staff cannot see yet, as its message
        could not be posted or the bot was killed, is due after UNSEEN.
        """
        async with self._database.reading() as connection:
            rows = await connection.execute(select(servers.c.server, servers.c.reminder_minutes))
            minutes = {row.server: row.reminder_minutes for row in rows}
            where = (cards.c.state == CardState.OPEN, cards.c.reminded.is_(False))
            waiting = await find_cards(connection, *where)
        default = ServerSettings().reminder_minutes
        return [
            card
            for card in waiting
            if (card.message is None and card.created + UNSEEN <= now)
            or (
                (after := minutes.get(card.server, default))
                and card.created + timedelta(minutes=after) <= now
            )
        ]

    @completed
    async def mark_reminded(self, card: str) -> None:
        """Notes that a card was brought up again: it is not due any more."""
        check_reference(card=card)
        async with self._database.writing() as connection:
            await connection.execute(update(cards).where(cards.c.id == card).values(reminded=True))


def _new_row(card: str, request: Request, now: datetime) -> dict[str, object]:
    return {
        "id": card,
        "server": request.server,
        "kind": request.kind,
        "strength": request.strength,
        "channel": request.channel,
        "state": CardState.OPEN,
        "created": now,
        "joined": now,
        "reminded": False,
        "number": 1,
    }


async def _own_card(connection: AsyncConnection, request: Request) -> str | None:
    """The unfinished card of this kind that has a request of the customer from this place, or whose
    private thread this is."""
    if request.customer is None:
        return None
    here = requests.c.channel == request.channel
    if request.channel is not None:
        here |= cards.c.thread == request.channel
    alike = (cards.c.server == request.server, cards.c.kind == request.kind)
    theirs = (requests.c.customer == request.customer, here, cards.c.state.in_(_UNFINISHED))
    found = select(cards.c.id).join(requests).where(*alike, *theirs)
    card: str | None = await connection.scalar(found.order_by(cards.c.created.desc(), cards.c.id))
    return card


async def _card_of_many(connection: AsyncConnection, request: Request, now: datetime) -> str | None:
    """The last of the customer's many cards, which no one else shares; None: they get a new one."""
    if request.customer is None:
        return None
    theirs = select(requests.c.card).where(requests.c.customer == request.customer)
    alike = (cards.c.server == request.server, cards.c.kind == request.kind)
    recent = cards.c.created >= now - timedelta(minutes=_MINUTES_OF_ONE)
    open_ones = (cards.c.id.in_(theirs), cards.c.state.in_(_UNFINISHED))
    newest_first = select(cards.c.id).order_by(cards.c.created.desc(), cards.c.id)
    found = list(await connection.scalars(newest_first.where(*alike, recent, *open_ones)))
    return found[0] if len(found) >= _MOST_OF_ONE else None


async def _stormy_card(
    connection: AsyncConnection, request: Request, storm: Storm, now: datetime
) -> str | None:
    """The card that a request shares; None where it gets one of its own."""
    since = now - timedelta(minutes=storm.minutes)
    alike = (cards.c.server == request.server, cards.c.kind == request.kind)
    unfinished = (*alike, cards.c.state.in_(_UNFINISHED))
    newest = select(cards.c.id).order_by(cards.c.created.desc(), cards.c.id).limit(1)
    shared = cards.c.id.in_(_shared_cards(request.server))
    going_on = newest.where(*unfinished, shared, cards.c.joined >= since)
    card: str | None = await connection.scalar(going_on)
    if card is not None:
        return card
    recent = select(func.count()).select_from(cards).where(*alike, cards.c.created >= since)
    if (await connection.scalar(recent) or 0) < storm.cards:
        return None
    card = await connection.scalar(newest.where(*unfinished, cards.c.created >= since))
    return card  # noqa: RET504 (its type is that of the name)


def _shared_cards(server: str) -> Select[tuple[str]]:
    """The cards of several customers; a request without a customer counts as of one more."""
    whose = func.coalesce(requests.c.customer, requests.c.link)
    of_cards = select(requests.c.card).where(requests.c.server == server)
    return of_cards.group_by(requests.c.card).having(func.count(whose.distinct()) > 1)


async def _has_mentioned(
    connection: AsyncConnection, request: Request, storm: Storm, now: datetime
) -> bool:
    """Whether another card of the kind could notify a role within the minutes of a storm."""
    since = now - timedelta(minutes=storm.minutes)
    alike = (cards.c.server == request.server, cards.c.kind == request.kind)
    recent = (cards.c.mentions_role, cards.c.created >= since)
    return await connection.scalar(select(cards.c.id).where(*alike, *recent).limit(1)) is not None


async def _row(connection: AsyncConnection, card: str) -> Row[Any] | None:
    return (await connection.execute(select(cards).where(cards.c.id == card))).first()


async def _card(connection: AsyncConnection, card: str) -> Card:
    (found,) = await find_cards(connection, cards.c.id == card)
    return found


async def find_cards(connection: AsyncConnection, *where: ColumnElement[bool]) -> list[Card]:
    """The cards for which all of `where` hold, oldest first."""
    rows = await connection.execute(
        select(cards).where(*where).order_by(cards.c.created, cards.c.id)
    )
    of_cards = (
        select(requests).join(cards).where(*where).order_by(requests.c.created, requests.c.link)
    )
    places: dict[str, list[Row[Any]]] = {}
    for place in await connection.execute(of_cards):
        places.setdefault(place.card, []).append(place)
    return [_as_record(row, places.get(row.id, [])) for row in rows]


def _as_record(row: Row[Any], places: list[Row[Any]]) -> Card:
    """A card, with its requests from the oldest to the newest; none once it is closed."""
    return Card(
        id=row.id,
        server=row.server,
        link=places[0].link if places else None,
        newest=places[-1].link if places else None,
        kind=row.kind,
        strength=row.strength,
        channel=row.channel,
        customer=places[0].customer if places else None,
        customers=len({place.customer or place.link for place in places}),
        created=row.created,
        joined=row.joined,
        state=CardState(row.state),
        claimed=row.claimed,
        claimed_by=row.claimed_by,
        message=row.message,
        thread=row.thread,
        reminded=row.reminded,
        mentions_role=row.mentions_role,
        count=row.number,
    )
