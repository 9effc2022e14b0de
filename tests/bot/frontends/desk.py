"""A desk for tests of the front end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.desk.desk import Desk, open_desk
from bot.settings import Settings


@asynccontextmanager
async def opened_desk(folder: Path) -> AsyncIterator[Desk]:
    """A desk whose database is a file in this folder."""
    url = f"sqlite:///{folder}/desk.sqlite3"
    async with open_desk(Settings(database_url=url)) as desk:  # type: ignore[arg-type]
        assert desk is not None
        yield desk
