"""What the parts of the store share."""

from bot.desk.schedule import Clock
from bot.desk.store.database import Database


class Part:
    """A part of the store: one concern, on the database that all share."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
