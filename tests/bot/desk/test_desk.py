"""What a front end is given of the desk."""

from pathlib import Path

import pytest

from bot.desk.desk import open_desk
from bot.desk.store import ServerSettings
from bot.errors import SettingsError
from bot.settings import Settings
from tests.bot.desk.conftest import SERVER, MovableClock, sqlite_url


def _settings(url: str) -> Settings:
    return Settings(database_url=url)  # type: ignore[arg-type]


async def test_a_desk_has_an_open_store(tmp_path: Path, clock: MovableClock) -> None:
    async with open_desk(_settings(sqlite_url(tmp_path)), clock) as desk:
        assert desk is not None
        assert await desk.store.settings(SERVER) == ServerSettings()


async def test_a_store_that_cannot_be_opened_leaves_the_bot_without_a_desk(
    tmp_path: Path, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where a folder must be")
    async with open_desk(_settings(sqlite_url(tmp_path)), clock) as desk:
        assert desk is None
    assert caplog.text.count("The service desk is off") == 1
    assert "database cannot be used" in caplog.text


async def test_a_malformed_url_is_an_error_in_the_settings(clock: MovableClock) -> None:
    with pytest.raises(SettingsError, match="name a file"):
        async with open_desk(_settings("sqlite:///:memory:"), clock):
            pass
