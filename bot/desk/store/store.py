"""The store as a whole, and what opens it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.desk.schedule import Clock, Schedule, utc_now
from bot.desk.store.cards import Cards
from bot.desk.store.database import Database, locate, open_database
from bot.desk.store.leases import Leases
from bot.desk.store.notices import Notices
from bot.desk.store.servers import Servers
from bot.desk.store.votes import Votes
from bot.settings import Settings

FLUSH_SECONDS = 5.0
"""So much of the counting is lost where the process is killed."""
FOLD_SECONDS = 600.0
EXPIRE_SECONDS = 3600.0


class Store(Cards, Votes, Notices, Leases, Servers):
    """All that the desk keeps. No method takes text that somebody wrote.

    For one event loop. Methods that are awaited raise StoreError where the database cannot be used,
    and ValueError where an argument could be text; `count` and `flush` never raise.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self.schedule = Schedule(clock)
        """Runs the store's housekeeping; the desk adds its own jobs, such as reminders."""
        self.schedule.every("flush", FLUSH_SECONDS, self.flush)
        self.schedule.every("fold votes", FOLD_SECONDS, self._fold)
        self.schedule.every("expire", EXPIRE_SECONDS, self._expire)

    async def _fold(self) -> None:
        await self.fold_votes(self._clock())

    async def _expire(self) -> None:
        now = self._clock()
        await self.expire(now)
        await self.expire_leases(now)


@asynccontextmanager
async def open_store(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Store]:
    """Opens the store at DATABASE_URL, makes or migrates it as needed, and runs its housekeeping.

    Raises StoreError where that cannot be done, and SettingsError where the URL is malformed.
    """
    place = locate(settings.database_url.get_secret_value())
    async with open_database(place, clock) as database:
        store = Store(database, clock)
        try:
            async with store.schedule:
                yield store
        finally:
            await store.close()
