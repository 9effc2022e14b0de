"""Brings a database to the version of this program, by the migrations that come with it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.errors import StoreError

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, *, alone: bool) -> None:
    """Runs the migrations that are missing, in the transaction of `connection`.

    Raises StoreError where the database is of a newer version; also where it is of an older one,
    and `alone` is false, since another bot uses it as it is.
    """
    present = require_known(connection, "The desk's database")
    config = _config()
    if present == set(ScriptDirectory.from_config(config).get_heads()):
        return
    if not alone:
        raise StoreError(
            "The desk's database must be brought to a newer version, but another bot uses it. "
            "Stop that bot, then start this one again"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def require_known(connection: Connection, name: str) -> set[str]:
    """The version of a database, as a set of one, or of none where it is empty.

    Raises StoreError, which begins with `name`, where this program does not know that version.
    """
    present = set(MigrationContext.configure(connection).get_current_heads())
    scripts = ScriptDirectory.from_config(_config())
    if unknown := present - {script.revision for script in scripts.walk_revisions()}:
        raise StoreError(
            f"{name} has version {', '.join(sorted(unknown))}, which is newer than this program. "
            "Update the program, or name another database in DATABASE_URL"
        )
    return present


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
