"""Alerts and the weekly digest in the staff channel."""

import shutil
from datetime import time, timedelta
from pathlib import Path

import pytest

from bot.desk.desk import Desk
from bot.desk.store import Hours
from bot.frontends.discord.references import reference
from tests.bot.desk.conftest import START, MovableClock
from tests.bot.frontends.desk import Start, ask, cards_in, until_ready
from tests.bot.frontends.loopback import POST_MESSAGE
from tests.bot.stub import OTHER_KINDS
from tests.discord_server import Channel, DiscordServer

NIGHT = Hours(time(22), time(7))


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "bot")


def _count(server: DiscordServer, desk: Desk, complaints: int, praise: int) -> None:
    for kind, number in (("negative", complaints), ("positive", praise)):
        for _ in range(number):
            desk.store.count(reference(server.guild.id), kind, 0.1)


async def _pass(desk: Desk, clock: MovableClock, **units: float) -> None:
    """So much later."""
    clock.move(**units)
    await desk.store.schedule.run_due()


def _said(server: DiscordServer, staff: Channel) -> list[str]:
    return [posted.content.splitlines()[0] for posted in cards_in(server, staff)]


async def test_more_complaints_than_usual_are_said_once_also_over_a_restart(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with start(alerts=True, time_zone="Europe/Berlin") as desk:
        await until_ready(server, caplog)
        _count(server, desk, 20, 80)
        await _pass(desk, clock, hours=1)
        assert _said(server, staff) == []
        _count(server, desk, 15, 5)
        await _pass(desk, clock, hours=1)
        (posted,) = cards_in(server, staff)
        assert posted.content.splitlines()[0] == (
            "**More complaints than usual.** Between 14:00 and 15:00, 15 of 20 reviews were "
            "complaints (75%); in the four weeks before, 20%."
        )
        assert "Fisher's exact test" in posted.content
        assert not posted.pinged
        await _pass(desk, clock, minutes=10)
    async with start(alerts=True, time_zone="Europe/Berlin") as desk:
        await until_ready(server, caplog)
        await _pass(desk, clock, minutes=10)
        _count(server, desk, 15, 5)
        await _pass(desk, clock, hours=1)  # it goes on, as staff know
        assert len(_said(server, staff)) == 1
        _count(server, desk, 2, 8)
        await _pass(desk, clock, hours=1)
        _count(server, desk, 19, 1)
        await _pass(desk, clock, hours=1)  # anew
        assert len(_said(server, staff)) == 2
    assert server.violations == server.unknown_requests == []


async def test_alerts_are_off_by_default_and_in_quiet_hours(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for number, chosen in enumerate(({}, {"alerts": True, "quiet_hours": NIGHT})):
        async with start(**chosen) as desk:
            await until_ready(server, caplog)
            clock.now = START + timedelta(days=number)
            _count(server, desk, 20, 80)
            clock.now = clock.now.replace(hour=23)
            _count(server, desk, 50, 0)
            await _pass(desk, clock, hours=1)
            assert _said(server, staff) == []


async def test_the_digest_comes_once_a_week_also_over_a_restart(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with start(digest=True) as desk:
        await until_ready(server, caplog)
        await ask(server, OTHER_KINDS["person"])
        (card,) = cards_in(server, staff)
        await _pass(desk, clock, minutes=5)  # turned on after Monday, nine o'clock
        await ask(server, "great")
        await server.wait_for_reply(await server.dm("great"))  # by now, the one before is counted
        await _pass(desk, clock, days=6, hours=20)
        assert "digest" not in str(_said(server, staff))
        assert not [each for each in _said(server, staff) if "The week" in each]
        await _pass(desk, clock, minutes=35)
        *_, digest = cards_in(server, staff)
        assert digest.content.splitlines()[0] == "**The week from Mon 2 Mar to Sun 8 Mar**"
        assert "Replies: 2 (1 to praise" in digest.content
        assert digest.content.endswith("Not closed yet: 1 card")
        assert card.id != digest.id
    for weeks in (1, 2):
        async with start(digest=True) as desk:
            await until_ready(server, caplog)
            await _pass(desk, clock, minutes=6)
            weekly = [each for each in _said(server, staff) if "The week" in each]
            assert len(weekly) == weeks
            await _pass(desk, clock, days=7)
    assert weekly[1] == "**The week from Mon 9 Mar to Sun 15 Mar**"
    assert server.violations == server.unknown_requests == []


async def test_the_digest_waits_for_the_end_of_quiet_hours_and_is_off_by_default(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    late = {"quiet_hours": Hours(time(22), time(10))}
    for chosen, number in (({}, 0), ({"digest": True, **late}, 1)):
        clock.now = START
        async with start(**chosen) as desk:
            await until_ready(server, caplog)
            await _pass(desk, clock, minutes=5)
            await _pass(desk, clock, days=6, hours=21)
            assert _said(server, staff) == []
            await _pass(desk, clock, minutes=60)
            assert len(_said(server, staff)) == number


async def test_a_notice_that_discord_refuses_is_logged_and_not_repeated(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with start(digest=True) as desk:
        await until_ready(server, caplog)
        await _pass(desk, clock, minutes=5)
        server.fail(*POST_MESSAGE, status=403)
        for _ in range(2):
            await _pass(desk, clock, days=7)
        assert len(_said(server, staff)) == 1
        assert "Nothing posted in the staff channel" in caplog.text


async def test_votes_below_the_test_by_more_than_chance_are_said_once_a_checkpoint(
    server: DiscordServer,
    staff: Channel,
    start: Start,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
    checkpoint: Path,
) -> None:
    shutil.copytree(checkpoint.parent, "checkpoints")

    async def vote(desk: Desk, name: str, number: int) -> None:
        for person in range(number):
            await desk.store.vote(
                *(reference(server.guild.id), f"discord:1:{name}", f"discord:{person}"),
                up=False,
                replied=clock(),
                kind="negative",
                checkpoint=name,
            )

    async with start() as desk:
        await until_ready(server, caplog)
        await vote(desk, checkpoint.name, 120)
        await vote(desk, "gone", 120)
        await _pass(desk, clock, hours=2)
        assert _said(server, staff) == []  # they may still change
        await _pass(desk, clock, hours=24)
        await _pass(desk, clock, hours=1)
        (posted,) = cards_in(server, staff)
        assert posted.content.startswith(
            "**I am right less often than expected.** Of 120 votes on praise and complaints, 0% say"
        )
        assert "Wald's sequential probability ratio test" in posted.content
        assert checkpoint.name not in posted.content
        assert f"0% of 120 votes on {checkpoint.name}" in caplog.text
    async with start() as desk:
        await until_ready(server, caplog)
        await _pass(desk, clock, hours=1)
        assert len(cards_in(server, staff)) == 1
        options = {"name": checkpoint.name}
        shown = await server.slash("model info", options, author=server.owner)
        said = await server.wait_for_message(lambda posted: posted.interaction_id == shown.id)
        assert "On praise and complaints, 0% yes of 120 votes; in the test, " in said.content
        listed = await server.slash("model list", author=server.owner)
        said = await server.wait_for_message(lambda posted: posted.interaction_id == listed.id)
        assert "votes: 0% yes of 120 votes" in said.content
    assert server.violations == server.unknown_requests == []
