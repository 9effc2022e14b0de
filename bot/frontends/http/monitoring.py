"""Health and figures of a process that serves another front end than HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.conversation.reply import Reply
from bot.desk.agreement import on_verdicts
from bot.desk.desk import Desk
from bot.errors import StoreError
from bot.frontends.http import health
from bot.frontends.http.access import Access
from bot.frontends.http.app import create_monitoring_app
from bot.frontends.http.gate import Gate
from bot.frontends.http.keys import Keyring
from bot.frontends.http.platform_metrics import PlatformMetrics
from bot.frontends.http.server import Server, address_of, listen
from bot.logs import SeldomLog
from bot.text_engine import TextEngine

log = logging.getLogger(__name__)

_NOT_CONNECTED = "The platform is not connected, so no message arrives."


class Monitor:
    """What a front end reports, and what is said about it."""

    def __init__(self, engine: TextEngine, desk: Desk | None) -> None:
        self.metrics = PlatformMetrics()
        self.metrics.watch(engine)
        self._engine = engine
        self._desk = desk
        self._is_connected = False
        self._was_connected = False
        self._seldom = SeldomLog(log)

    def connected(self) -> None:
        """The connection to the platform is there, for the first time or again."""
        if not self._is_connected:
            self.metrics.connect(again=self._was_connected)
        self._is_connected = self._was_connected = True

    def disconnected(self) -> None:
        """It is lost."""
        self._is_connected = False
        self.metrics.disconnect()

    def replied(self, reply: Reply, seconds: float) -> None:
        """A reply was sent, `seconds` after its message."""
        self.metrics.count_delivery(reply, seconds)

    def unready(self) -> str | None:
        """Why no message can be answered now, as a sentence; None if one can."""
        return health.unready(self._engine) or (None if self._is_connected else _NOT_CONNECTED)

    async def figures(self) -> bytes:
        """For Prometheus."""
        if self._desk is not None:
            try:
                votes = on_verdicts(await self._desk.store.vote_totals())
                self.metrics.set_desk(votes, await self._desk.store.open_cards())
            except StoreError as error:
                self._seldom.log(logging.WARNING, f"Votes and cards were not counted. {error}")
        return self.metrics.expose(self._engine, ready=self.unready() is None)


@asynccontextmanager
async def monitoring(
    host: str, port: int, engine: TextEngine, desk: Desk | None
) -> AsyncIterator[Monitor]:
    """Serves /livez, /readyz and /metrics on METRICS_HOST and METRICS_PORT.

    Raises SettingsError and InputError, as `bot.frontends.http.server.serve`.
    """
    keyring = Keyring()
    access = Access.private("METRICS_HOST", host, has_keys=keyring.has_keys)
    monitor = Monitor(engine, desk)
    gate = Gate(create_monitoring_app(monitor), keyring, monitor.metrics, access)
    server = Server(gate, access)
    listening = listen("METRICS", host, port)
    serving = asyncio.create_task(server.serve([listening]))
    try:
        log.info("Health and figures are on http://%s", address_of(listening))
        yield monitor
    finally:
        server.should_exit = True
        await serving
