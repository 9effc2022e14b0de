"""Further figures of a process that holds a connection to a platform, and has a desk."""

from collections import Counter as Count
from collections.abc import Iterable, Mapping

from prometheus_client import Counter, Gauge, Histogram

from bot.conversation.reply import Reply
from bot.desk.store import Card, CardState
from bot.desk.summary import Votes
from bot.frontends.http.metrics import BUCKETS, Metrics


class PlatformMetrics(Metrics):
    """The figures of one process, since its start; those of the desk since records are kept."""

    def __init__(self) -> None:
        super().__init__()
        self._replied = Histogram(
            "concierge_reply_seconds",
            "Seconds from a message to its reply.",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._connected = Gauge(
            "concierge_connected", "1 while the platform is connected.", registry=self.registry
        )
        self._reconnects = Counter(
            "concierge_reconnects",
            "How often the connection to the platform was restored.",
            registry=self.registry,
        )
        self._votes = Gauge(
            "concierge_votes",
            "Votes on praise and complaints, by checkpoint.",
            ("checkpoint", "vote"),
            registry=self.registry,
        )
        self._cards = Gauge(
            "concierge_cards",
            "Requests for a person that are not closed.",
            ("state",),
            registry=self.registry,
        )

    def connect(self, *, again: bool) -> None:
        """The connection is there; `again`: not for the first time."""
        self._connected.set(1)
        if again:
            self._reconnects.inc()

    def disconnect(self) -> None:
        """The connection is lost."""
        self._connected.set(0)

    def count_delivery(self, reply: Reply, seconds: float) -> None:
        """A reply that was sent, `seconds` after its message."""
        self.count_reply(reply)
        self._replied.observe(seconds)

    def set_desk(self, votes: Mapping[str, Votes], cards: Iterable[Card]) -> None:
        """What the desk's database says now: votes by checkpoint, and cards that are not closed."""
        self._votes.clear()
        for checkpoint, each in votes.items():
            self._votes.labels(checkpoint, "up").set(each.up)
            self._votes.labels(checkpoint, "down").set(each.down)
        states = Count(card.state.value for card in cards)
        for state in (CardState.OPEN, CardState.CLAIMED):
            self._cards.labels(state.value).set(states[state.value])
