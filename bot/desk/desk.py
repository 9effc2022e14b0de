"""The desk: what a front end needs so that customers reach a person."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.desk.schedule import Clock, utc_now
from bot.desk.store import Store, open_store
from bot.errors import StoreError
from bot.settings import Settings

log = logging.getLogger(__name__)


class Desk:
    """The desk of all servers, on an open store."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self.store = store
        self.clock = clock


@asynccontextmanager
async def open_desk(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Desk | None]:
    """Opens the desk on the store at DATABASE_URL, and closes it at the end.

    Yields None where the store cannot be opened, which is logged: customers are answered all the
    same. Raises SettingsError where the URL is malformed.
    """
    async with AsyncExitStack() as stack:
        desk = None
        try:
            desk = Desk(await stack.enter_async_context(open_store(settings, clock)), clock)
        except StoreError as error:
            log.error("The service desk is off until the next start. %s", error)
        yield desk
