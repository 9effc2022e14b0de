"""Leases: what one process of several on the same store does alone.

A lease ends by itself unless its holder takes it again, so a killed process keeps it for seconds
only. The times are those of each process: the clocks of their machines must agree within seconds.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update

from bot.desk.store.checks import check_time
from bot.desk.store.database import inserting
from bot.desk.store.part import Part, completed
from bot.desk.store.records import Claim
from bot.desk.store.tables import leases

KEPT = timedelta(days=1)
"""How long after its end a lease keeps the numbers of its last holder."""


class Leases(Part):
    """The leases. Methods raise StoreError where the database cannot be used."""

    @completed
    async def take(self, claim: Claim) -> bool:
        """Takes or renews all leases of a claim; returns whether it did.

        It takes none if another holder has one of them that has not ended.
        """
        async with self._database.writing() as connection:
            now = self._clock()  # only here: waiting for another writer takes time
            others = (leases.c.holder != claim.holder, leases.c.until > now)
            rival = select(leases.c.name).where(leases.c.name.in_(claim.names), *others).limit(1)
            if await connection.scalar(rival) is not None:
                return False
            until = now + timedelta(seconds=claim.seconds)
            rows = [{"name": name, "holder": claim.holder, "until": until} for name in claim.names]
            statement = inserting(connection, leases).values(rows)
            taken = {"holder": claim.holder, "until": until}
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["name"], set_=taken)
            )
            return True

    @completed
    async def give_back(self, claim: Claim) -> None:
        """Ends the leases of a claim that its holder still has: another may take them at once."""
        async with self._database.writing() as connection:
            ended = update(leases).where(*_held(claim)).values(until=self._clock())
            await connection.execute(ended)

    @completed
    async def leave(self, claim: Claim, numbers: Sequence[int]) -> None:
        """Notes numbers for the next holder, on those leases of a claim that its holder has."""
        async with self._database.writing() as connection:
            noted = update(leases).where(*_held(claim)).values(numbers=list(map(int, numbers)))
            await connection.execute(noted)

    @completed
    async def left(self, claim: Claim) -> list[list[int]]:
        """The numbers that are noted on the leases of a claim, whichever holder left them."""
        where = (leases.c.name.in_(claim.names), leases.c.numbers.is_not(None))
        async with self._database.reading() as connection:
            found = await connection.scalars(select(leases.c.numbers).where(*where))
            return [numbers for numbers in found if numbers]

    @completed
    async def expire_leases(self, now: datetime) -> None:
        """Removes the leases that ended long ago."""
        check_time(now=now)
        async with self._database.writing() as connection:
            await connection.execute(delete(leases).where(leases.c.until <= now - KEPT))


def _held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return leases.c.name.in_(claim.names), leases.c.holder == claim.holder
