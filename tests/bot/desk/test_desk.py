"""What a front end is given of the desk."""

import asyncio
from pathlib import Path

import pytest

from bot.desk.desk import Need, open_desk
from bot.desk.store import Card, Request, ServerSettings
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


class _Channel:
    """A staff channel, in which a message takes until `opens`."""

    def __init__(self) -> None:
        self.asked, self.opens = asyncio.Event(), asyncio.Event()
        self.cards: list[str] = []

    async def post(
        self, card: Card, channel: str, _role: str | None, *, instead_of: str | None = None
    ) -> str:
        assert instead_of is None, "no message is gone"
        self.asked.set()
        await self.opens.wait()
        self.cards.append(card.id)
        return f"{channel}:{len(self.cards)}"

    def grown(self, _card: Card) -> None:
        raise AssertionError("no card has grown")

    async def remind(self, _card: Card, _channel: str) -> bool:
        raise AssertionError("no card is old")

    async def is_shown(self, _card: Card) -> bool:
        raise AssertionError("no card is old")


async def test_the_request_of_somebody_in_distress_outlives_a_killed_bot(
    tmp_path: Path, clock: MovableClock
) -> None:
    async def find() -> Request:
        return Request(SERVER, "https://discord.com/channels/1/2/3", Need.DISTRESS)

    settings = _settings(sqlite_url(tmp_path))
    killed, restarted = _Channel(), _Channel()
    restarted.opens.set()
    async with open_desk(settings, clock) as desk:
        assert desk is not None
        desk.poster = killed
        shifts = ServerSettings(staff_channel="discord:9", reminder_minutes=0)
        await desk.store.set_settings(SERVER, shifts)
        assert await desk.hand_over(Need.DISTRESS, find) is None
        # By now, the customer gets the reply, and will not be answered again after a restart.
        (kept,) = await desk.store.open_cards()
        for task in desk._tasks:
            task.cancel()
    async with open_desk(settings, clock) as desk:
        assert desk is not None
        desk.poster = restarted
        clock.move(minutes=1)
        await desk.remind()
        assert restarted.cards == [kept.id]
        await desk.remind()
    assert restarted.cards == [kept.id]
    assert killed.cards == []


async def test_a_card_that_takes_minutes_to_be_posted_is_posted_once(
    tmp_path: Path, clock: MovableClock
) -> None:
    async def find() -> Request:
        return Request(SERVER, "https://discord.com/channels/1/2/3", Need.SERVICE)

    slow = _Channel()
    async with open_desk(_settings(sqlite_url(tmp_path)), clock) as desk:
        assert desk is not None
        desk.poster = slow
        shifts = ServerSettings(staff_channel="discord:9", reminder_minutes=0)
        await desk.store.set_settings(SERVER, shifts)
        handing_over = asyncio.create_task(desk.hand_over(Need.SERVICE, find))
        await slow.asked.wait()
        clock.move(minutes=2)
        reminding = asyncio.create_task(desk.remind())
        await asyncio.sleep(0.1)
        slow.opens.set()
        await asyncio.gather(handing_over, reminding)
        await desk.remind()
    assert len(slow.cards) == 1
