"""The notices that staff have had, so that a restart does not repeat them."""

from datetime import datetime

from sqlalchemy import select

from bot.desk.store.checks import check_reference, check_time, check_token
from bot.desk.store.database import inserting
from bot.desk.store.part import Part, completed
from bot.desk.store.tables import notices


class Notices(Part):
    """The notices of all servers. Methods raise StoreError where the database cannot be used."""

    @completed
    async def noticed(self, server: str, name: str, subject: str = "") -> datetime | None:
        """The time of the latest notice of this name about this subject; None if there is none."""
        check_reference(server=server)
        check_token(name=name, subject=subject)
        key = {"server": server, "name": name, "subject": subject}
        where = [notices.c[column] == value for column, value in key.items()]
        async with self._database.reading() as connection:
            at: datetime | None = await connection.scalar(select(notices.c.at).where(*where))
            return at

    @completed
    async def note(self, server: str, name: str, at: datetime, subject: str = "") -> None:
        """Notes a notice, in the place of an earlier one."""
        check_reference(server=server)
        check_token(name=name, subject=subject)
        check_time(at=at)
        row = {"server": server, "name": name, "subject": subject, "at": at}
        async with self._database.writing() as connection:
            statement = inserting(connection, notices).values(row)
            keys = ["server", "name", "subject"]
            replacing = statement.on_conflict_do_update(index_elements=keys, set_={"at": at})
            await connection.execute(replacing)
