"""Requests and cards, as they go into the store and come out of it: plain, immutable values.

None of them has a field for text. Ids of platforms are opaque (`discord:123`). Times have a time
zone.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.desk.store.checks import check_reference, check_token


class CardState(StrEnum):
    """How far the work on a card is."""

    OPEN = "open"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    NOT_FOR_US = "not_for_us"


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody who must reach a person.

    Raises ValueError where a field could hold text.
    """

    server: str
    link: str
    """Leads to the message, or, where there is none to link to, a reference of the request's own;
    one request a link, and one more if its author is in distress."""
    kind: str
    strength: str = ""
    channel: str | None = None
    customer: str | None = None
    """Joins their open card of this kind from this channel. Also for a private thread, and for
    `forget_person`. Erased when the card is closed."""

    def __post_init__(self) -> None:
        check_reference(
            server=self.server, link=self.link, channel=self.channel, customer=self.customer
        )
        check_token(kind=self.kind, strength=self.strength)


@dataclass(frozen=True, slots=True)
class Storm:
    """When requests of one kind in one server share a card: from the one after the first `cards`
    within `minutes`, and until a pause of as many minutes."""

    cards: int = 5
    minutes: float = 10.0


@dataclass(frozen=True, slots=True)
class Card:
    """A request, or several of one customer or in a storm, as staff see it."""

    id: str
    server: str
    link: str | None
    """Of the first request; None once the card is closed, as are `newest`, `customer`, `claimed_by`
    and `thread`."""
    newest: str | None
    """The link of the newest request."""
    kind: str
    strength: str
    channel: str | None
    customer: str | None
    """Of the first request."""
    customers: int
    """How many customers have a request on it; 0 once it is closed."""
    created: datetime
    joined: datetime
    """When the newest request came."""
    state: CardState
    claimed: datetime | None
    """The first claim, also after a release."""
    claimed_by: str | None
    message: str | None
    """Of the card in the staff channel."""
    thread: str | None
    """In which the bot is silent."""
    reminded: bool
    mentions_role: bool
    """Whether it may notify a role: no other card of a storm has done so within its minutes."""
    count: int
    """Requests on this card."""

    @property
    def is_closed(self) -> bool:
        """Whether staff are done with it."""
        return self.state in (CardState.RESOLVED, CardState.NOT_FOR_US)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one process of several wants to do alone, all of it or nothing.

    Raises ValueError where a field could hold text.
    """

    names: tuple[str, ...]
    holder: str
    """Processes that give the same name share what they hold."""
    seconds: float
    """How long it is held unless it is taken again."""

    def __post_init__(self) -> None:
        for name in self.names:
            check_token(name=name)
        check_token(holder=self.holder)


@dataclass(frozen=True, slots=True)
class Opened:
    """Where a request went."""

    card: Card
    is_new: bool
    """False: it joined a card, or it had one already."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed of a person."""

    votes: int
    cards: tuple[Card, ...]
    """Those that held something of the person, as they were before."""
