"""Votes on replies: one for each person and message, for a day; then sums without persons."""

import secrets
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from sqlalchemy import ColumnElement, Connection, delete, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.desk.store.checks import check_reference, check_time, check_token
from bot.desk.store.database import adding, inserting
from bot.desk.store.figures import hour_of
from bot.desk.store.part import Part, completed
from bot.desk.store.tables import salts, vote_sums, votes

VOTE_TIME = timedelta(days=1)
"""How long after a reply a vote on it can be given and changed."""
_SALT_BYTES = 32


class Votes(Part):
    """The votes. Methods raise StoreError where the database cannot be used."""

    @completed
    async def vote(
        self,
        server: str,
        message: str,
        person: str,
        *,
        up: bool,
        replied: datetime,
        kind: str,
        strength: str = "",
        checkpoint: str = "",
    ) -> bool:
        """Takes a person's vote on the reply `message`, in the place of an earlier one of theirs.

        Of the person, a hash is kept, and only until the vote is folded into sums.

        Returns:
            Whether it was taken; false more than a day after the reply (`replied`).
        """
        check_reference(server=server, message=message, person=person)
        check_token(kind=kind, strength=strength, checkpoint=checkpoint)
        check_time(replied=replied)
        if self._clock() >= replied + VOTE_TIME:
            return False
        async with self._database.writing() as connection:
            salt = await _salt(connection, _day_of(replied))
            row = {
                "message": message,
                "voter": _voter(salt, person, message),
                "server": server,
                "replied": replied,
                "kind": kind,
                "strength": strength,
                "checkpoint": checkpoint,
                "up": up,
            }
            statement = inserting(connection, votes).values(row)
            keys = [votes.c.message, votes.c.voter]
            replacing = statement.on_conflict_do_update(index_elements=keys, set_={"up": up})
            await connection.execute(replacing)
        return True

    @completed
    async def take_back(self, message: str, person: str, *, up: bool, replied: datetime) -> bool:
        """Removes a person's vote on the reply `message`, if it is this one and no sum yet.

        Returns whether it was removed.
        """
        check_reference(message=message, person=person)
        check_time(replied=replied)
        async with self._database.writing() as connection:
            day = salts.c.day == _day_of(replied)
            salt = await connection.scalar(select(salts.c.salt).where(day))
            if salt is None:
                return False
            voter = _voter(salt, person, message)
            where = (votes.c.message == message, votes.c.voter == voter, votes.c.up.is_(up))
            return bool((await connection.execute(delete(votes).where(*where))).rowcount)

    @completed
    async def fold_votes(self, now: datetime) -> None:
        """Turns the votes that cannot change any more into sums; deletes their hashes and salts."""
        closed = votes.c.replied <= now - VOTE_TIME
        async with self._database.writing() as connection:
            await connection.run_sync(fold, closed)
            # The last vote on a reply of that day was possible a day after its end.
            day = timedelta(days=1)
            await connection.execute(delete(salts).where(salts.c.day <= now - day - VOTE_TIME))


def fold(connection: Connection, where: ColumnElement[bool] | None = None) -> None:
    """Turns votes into sums by hour, kind, strength and checkpoint; all votes by default."""
    condition = true() if where is None else where
    sums: dict[tuple[str, datetime, str, str, str], Counter[str]] = {}
    for row in connection.execute(select(votes).where(condition)):
        key = (row.server, hour_of(row.replied), row.kind, row.strength, row.checkpoint)
        sums.setdefault(key, Counter())["up" if row.up else "down"] += 1
    if sums:
        names = ("server", "hour", "kind", "strength", "checkpoint")
        rows = [
            dict(zip(names, key, strict=True)) | {"up": number["up"], "down": number["down"]}
            for key, number in sums.items()
        ]
        connection.execute(adding(connection, vote_sums, "up", "down"), rows)
        connection.execute(delete(votes).where(condition))


async def delete_votes(connection: AsyncConnection, person: str) -> int:
    """Deletes the votes of a person that are not sums yet; returns how many there were.

    A hash does not say whose it is, so it is computed anew for each message.
    """
    days = {row.day: row.salt for row in await connection.execute(select(salts))}
    deleted = 0
    for row in (await connection.execute(select(votes))).all():
        salt = days.get(_day_of(row.replied))
        if salt is not None and row.voter == _voter(salt, person, row.message):
            key = (votes.c.message == row.message, votes.c.voter == row.voter)
            await connection.execute(delete(votes).where(*key))
            deleted += 1
    return deleted


async def _salt(connection: AsyncConnection, day: datetime) -> str:
    """The salt of a day, made at its first use."""
    salt = await connection.scalar(select(salts.c.salt).where(salts.c.day == day))
    if salt is None:
        salt = secrets.token_hex(_SALT_BYTES)
        await connection.execute(salts.insert().values(day=day, salt=salt))
    return salt


def _voter(salt: str, person: str, message: str) -> str:
    """The hash of a person and a message; a reference has no blank, so one separates them."""
    key = bytes.fromhex(salt)
    return blake2b(f"{person} {message}".encode(), digest_size=_SALT_BYTES, key=key).hexdigest()


def _day_of(moment: datetime) -> datetime:
    """The beginning of its day, in UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
