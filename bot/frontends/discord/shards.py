"""The gateway shards of this process, where SHARD_COUNT is set.

Each shard has a lease in the desk's store. A process connects once it has those of all its shards,
and renews them; a spare process for the same shards waits, and takes over once they have ended. The
process that serves shard 0, which also gets all direct messages, leads: what is done once for all
processes, it does.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from hashlib import blake2b

from bot.desk.desk import Desk
from bot.desk.store import Claim
from bot.errors import LostShardsError, StoreError
from bot.frontends.discord.restart_point import RestartPoint
from bot.logs import SeldomLog
from bot.settings import Settings

log = logging.getLogger(__name__)

LEASE_SECONDS = 20.0
"""How long the shards of a killed process wait at most for another one."""

RENEW_SECONDS = 5.0
"""Between two renewals, so that one that fails or is late does no harm."""

LOOK_SECONDS = 1.0
"""Between two looks whether leases that another process has are free."""

IDENTIFY_SECONDS = 5.5
"""Between two IDENTIFYs of shards in one group: Discord's 5, and room for the way there."""

IDENTIFY_LOOK_SECONDS = 0.25
"""Between two looks whether it is the turn of a shard."""

TELL_SECONDS = 600.0
"""How long operators do not get the same message from another process."""


class Shards:
    """What this process serves, and what it agrees on with the others through the store."""

    def __init__(self, desk: Desk, count: int, ids: Iterable[int]) -> None:
        self.count = count
        """Of all processes together; the same in each."""
        self.ids = tuple(ids)
        """Those of this process, ascending."""
        self.max_concurrency = 1
        """How many groups of shards may identify at once, as Discord says; 1 is always allowed."""
        self._desk = desk
        self._store = desk.store
        self._holder = secrets.token_hex(8)
        names = tuple(f"shard-{each}" for each in self.ids)
        self._claim = Claim(names, self._holder, LEASE_SECONDS)
        # Held together by all processes with the same SHARD_COUNT.
        self._agreement = Claim(("shard-count",), f"of-{count}", LEASE_SECONDS)
        self._renewing = asyncio.Lock()
        self._renewed = desk.clock()
        self._is_lost = False
        self._seldom = SeldomLog(log)

    def __str__(self) -> str:
        words = "shard" if len(self.ids) == 1 else "shards"
        return f"{words} {', '.join(map(str, self.ids))} of {self.count}"

    @property
    def leads(self) -> bool:
        """Whether this process does what is done once for all."""
        return 0 in self.ids

    @property
    def is_all(self) -> bool:
        """Whether this process serves all shards, and so knows every server."""
        return len(self.ids) == self.count

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Waits for the shards; within, this process has them.

        If another process takes them over, the body is cancelled and LostShardsError raised.
        """
        await self._wait()
        body = asyncio.current_task()
        assert body is not None
        keeping = asyncio.create_task(self._keep(body))
        try:
            await self._desk.refresh()  # what it knows may be of long ago
            yield
        except asyncio.CancelledError:
            if not self._is_lost:
                raise
            body.uncancel()
            raise LostShardsError(str(self)) from None
        finally:
            keeping.cancel()
            with suppress(StoreError):  # then they end by themselves
                await self._store.give_back(self._claim)

    async def may_answer(self) -> bool:
        """Whether the shards are still those of this process.

        Asks the store only if this process has not renewed them in time, as when it was paused:
        another one may have answered what waits here. If the store cannot be used, this process
        goes on.
        """
        if self._is_late:
            async with self._renewing:
                if self._is_late:  # or another message has waited for it
                    await self._renew()
        return not self._is_lost

    async def wait_to_identify(self, shard: int) -> None:
        """Waits until Discord takes an IDENTIFY of this shard, of whichever process."""
        group = f"identify-{shard % self.max_concurrency}"
        turn = Claim((group,), secrets.token_hex(8), IDENTIFY_SECONDS)
        try:
            while not await self._store.take(turn):  # noqa: ASYNC110 (of other processes)
                await asyncio.sleep(IDENTIFY_LOOK_SECONDS)
        except StoreError:  # Discord refuses one that is too early, and discord.py tries again
            await asyncio.sleep(IDENTIFY_SECONDS)

    async def is_first_to_tell(self, text: str) -> bool:
        """Whether no other process has told operators the same in the last minutes."""
        name = f"told-{blake2b(text.encode(), digest_size=16).hexdigest()}"
        try:
            return await self._store.take(Claim((name,), self._holder, TELL_SECONDS))
        except StoreError:
            return True  # better twice than not at all

    async def restart_point(self) -> RestartPoint | None:
        """Where the process that had these shards before stopped reading; None if none is known."""
        try:
            left = await self._store.left(self._claim)
        except StoreError as error:
            log.warning("Missed messages cannot be looked for. %s", error)
            return None
        if not left:
            return None
        direct = dict.fromkeys(channel for _, *channels in left for channel in channels)
        return RestartPoint(min(message for message, *_ in left), tuple(direct))

    async def leave(self, point: RestartPoint) -> None:
        """Notes where this process stops reading, unless another one has the shards by now."""
        try:
            await self._store.leave(self._claim, point.numbers)
        except StoreError as error:
            self._seldom.log(logging.WARNING, f"The restart point was not saved. {error}")

    async def _wait(self) -> None:
        said = ""
        while (reason := await self._attempt()) is not None:
            if reason != said:
                log.info("Waiting for %s: %s", self, reason)
                said = reason
            await asyncio.sleep(LOOK_SECONDS)
        log.info("This process serves %s", self)

    async def _attempt(self) -> str | None:
        """Takes the shards; returns why not, if another process has one of them."""
        try:
            if not await self._store.take(self._agreement):
                return "other processes run with another SHARD_COUNT"
            if not await self._store.take(self._claim):
                return "another process serves one of them"
        except StoreError as error:
            return str(error)
        self._renewed = self._desk.clock()
        return None

    async def _keep(self, body: asyncio.Task[object]) -> None:
        """Renews the leases until another process has them; then cancels `body`."""
        while not self._is_lost:
            await asyncio.sleep(RENEW_SECONDS)
            async with self._renewing:
                await self._renew()
        body.cancel()

    @property
    def _is_late(self) -> bool:
        """Whether the leases may have ended, as far as this process knows."""
        return self._desk.clock() - self._renewed >= timedelta(seconds=LEASE_SECONDS)

    async def _renew(self) -> None:
        """Renews the leases, or notes that they are lost."""
        try:
            for claim in (self._agreement, self._claim):
                self._is_lost = self._is_lost or not await self._store.take(claim)
        except StoreError as error:
            self._seldom.log(logging.WARNING, f"The leases of {self} are not renewed. {error}")
        self._renewed = self._desk.clock()


def shards_of(settings: Settings, desk: Desk | None) -> Shards | None:
    """The shards of this process; None if SHARD_COUNT is not set.

    Raises StoreError without a desk.
    """
    if settings.shard_count is None:
        return None
    if desk is None:
        raise StoreError(
            "With SHARD_COUNT, processes agree in the desk's database on who serves what, so the "
            "bot does not start without it: the line above says what is wrong with it"
        )
    if settings.database_url.get_secret_value().startswith("sqlite"):
        log.info("The desk's database is a file: all processes must use it, on this one machine")
    return Shards(desk, settings.shard_count, settings.shard_ids or range(settings.shard_count))
