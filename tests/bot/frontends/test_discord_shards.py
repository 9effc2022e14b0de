"""Gateway shards: who holds them, what each server gets, and which process leads."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.conversation.concierge import Concierge
from bot.conversation.reply import Reply
from bot.desk.desk import REMINDER_SECONDS, Desk, open_desk
from bot.desk.store import Claim, ServerSettings
from bot.engine import Engine
from bot.errors import LostShardsError, SettingsError, StoreError
from bot.files import STATE
from bot.frontends.discord import shards as module
from bot.frontends.discord.client import Monitor
from bot.frontends.discord.references import reference
from bot.frontends.discord.restart_point import RestartPoint
from bot.frontends.discord.shards import LEASE_SECONDS, Shards, shards_of
from bot.sentences.responses import Responses
from bot.settings import Settings
from tests.bot.desk.conftest import MovableClock, sqlite_url
from tests.bot.frontends.desk import cards_in, refusal, until_ready
from tests.bot.frontends.loopback import OPENAPI, connected, nothing_more, serve, serving
from tests.bot.stub import OTHER_KINDS, KeywordClassifier, settings
from tests.discord_server import Channel, DiscordServer, point_discord_py_at

IDENTIFY_SECONDS = 0.25


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDENTIFY_SECONDS", IDENTIFY_SECONDS + 0.1)
    monkeypatch.setattr(module, "IDENTIFY_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.05)


@pytest.fixture(params=[1])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[DiscordServer]:
    """One that refuses shards that identify too early; the parameter is its max_concurrency."""
    async with DiscordServer(
        openapi=OPENAPI if OPENAPI.exists() else None,
        max_concurrency=request.param,
        identify_seconds=IDENTIFY_SECONDS,
    ) as server:
        with point_discord_py_at(server):
            yield server


@pytest.fixture
def places(server: DiscordServer) -> dict[int, Channel]:
    """A channel of a server on each of two shards, by the number of the shard."""
    home = (server.guild.id >> 22) % 2
    far = server.world.add_guild("Far away", server.member, server.owner, shard=(1 - home, 2))
    return {home: server.channel, 1 - home: server.world.add_channel("far", far)}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(Settings(database_url=sqlite_url(tmp_path))) as desk:  # type: ignore[arg-type]
        assert desk is not None
        yield desk


@pytest.fixture
async def still_desk(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Desk]:
    """A desk whose clock the test moves."""
    url = sqlite_url(tmp_path)
    async with open_desk(Settings(database_url=url), clock) as desk:  # type: ignore[arg-type]
        assert desk is not None
        yield desk


class _Watched:
    """A monitor that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def connected(self) -> None:
        self.events.append("connected")

    def disconnected(self) -> None:
        self.events.append("disconnected")

    def replied(self, reply: Reply, seconds: float) -> None:
        pass


def _watching(
    server: DiscordServer, engine: Engine, responses: Responses, desk: Desk, monitor: Monitor
) -> "AbstractAsyncContextManager[asyncio.Task[None]]":
    """The bot with two shards in one process, and this monitor."""
    concierge = Concierge(engine, responses)
    return connected(server, concierge, settings(server.token, shard_count=2), desk, monitor)


async def test_one_process_serves_several_shards(
    server: DiscordServer,
    places: dict[int, Channel],
    desk: Desk,
    classifier: KeywordClassifier,
    responses: Responses,
) -> None:
    async with serving(server, classifier, responses, desk, shard_count=2):
        await server.wait_until(lambda: server.shards == {0, 1})
        assert [data["shard"] for data in server.identifies] == [[0, 2], [1, 2]]
        questions = [await server.say(place, "great") for place in places.values()]
        questions.append(await server.dm("so dull"))
        replies = [await server.wait_for_reply(question) for question in questions]
        await server.wait_until(lambda: server.commands.get(None))
        await nothing_more(server, *sorted(replies, key=server.messages.index))


async def test_a_shard_that_was_away_looks_for_its_own_messages(
    server: DiscordServer,
    places: dict[int, Channel],
    desk: Desk,
    classifier: KeywordClassifier,
    responses: Responses,
) -> None:
    watched = _Watched()
    async with Engine(classifier) as engine, _watching(server, engine, responses, desk, watched):
        await server.wait_until(lambda: server.shards == {0, 1})
        first = await server.wait_for_reply(await server.say(places[1], "great"))
        await server.invalidate_session(shard=1)
        lost = await server.say(places[1], "so dull")
        # Meanwhile the other shard loses its connection, resumes and goes on.
        await server.close_gateway(shard=0)
        other = await server.say(places[0], "great")
        replies = [await server.wait_for_reply(each, timeout=15) for each in (other, lost)]
        assert server.resumes
        await nothing_more(server, first, *sorted(replies, key=server.messages.index))
    # It is connected with both or not at all.
    assert watched.events == ["connected", "disconnected", "disconnected", "connected"]


@pytest.mark.parametrize(("server", "rounds"), [(1, 3), (3, 1)], indirect=["server"])
async def test_shards_identify_as_often_as_discord_allows(
    server: DiscordServer,
    desk: Desk,
    classifier: KeywordClassifier,
    responses: Responses,
    rounds: int,
) -> None:
    began = asyncio.get_running_loop().time()
    async with serving(server, classifier, responses, desk, shard_count=4):
        await server.wait_until(lambda: server.shards == {0, 1, 2, 3}, 15)
        assert asyncio.get_running_loop().time() - began >= rounds * IDENTIFY_SECONDS
    assert server.refused_identifies == 0


async def test_a_process_that_does_not_lead_says_who_trains_and_syncs_no_commands(
    server: DiscordServer,
    places: dict[int, Channel],
    desk: Desk,
    classifier: KeywordClassifier,
    responses: Responses,
) -> None:
    left = b'{"candidate":  "b", "serving": "a", "origin": "discord:1:2", "until": 2e9}'
    (STATE / "shadow.json").write_bytes(left)
    async with serving(server, classifier, responses, desk, shard_count=2, shard_ids=(1,)):
        await server.wait_for_reply(await server.say(places[1], "great"))
        for command, options in (("train", {"dataset": "starter"}), ("training cancel", {})):
            asked = await server.slash(command, options, author=server.owner, channel=places[1])
            assert "the one that serves shard 0" in await refusal(server, asked)
        assert not server.commands
    # Another process may share the folder: no restart point, no hash of commands, no other sums.
    assert {path.name.split(".")[0] for path in STATE.iterdir()} == {"desk", "shadow"}
    assert (STATE / "shadow.json").read_bytes() == left


async def test_a_process_that_knows_some_servers_only_guesses_no_customers_server(
    server: DiscordServer,
    places: dict[int, Channel],
    staff: Channel,
    desk: Desk,
    classifier: KeywordClassifier,
    responses: Responses,
) -> None:
    """The customer may share another server with another process."""
    guild = places[0].guild
    assert guild is not None
    set_up = ServerSettings(staff_channel=reference(staff.id))
    await desk.store.set_settings(reference(guild.id), set_up)
    async with serving(server, classifier, responses, desk, shard_count=2, shard_ids=(0,)):
        reply = await server.wait_for_reply(await server.dm(OTHER_KINDS["person"]))
        assert reply.content == "a person sentence"
        await nothing_more(server, reply)


async def test_a_process_whose_shards_were_taken_over_answers_no_more_and_ends(
    server: DiscordServer,
    places: dict[int, Channel],
    still_desk: Desk,
    clock: MovableClock,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 1.0)
    own = {"shard_count": 2, "shard_ids": (1,)}
    with pytest.raises(LostShardsError, match=r"taken over shard 1 of 2"):  # noqa: PT012 (its end)
        async with serving(server, classifier, responses, still_desk, **own) as bot:
            answered = await server.wait_for_reply(await server.say(places[1], "great"))
            clock.move(seconds=LEASE_SECONDS)  # it was paused
            assert await still_desk.store.take(Claim(("shard-1",), "another", LEASE_SECONDS))
            await server.say(places[1], "so dull")
            await asyncio.wait({bot}, timeout=10)
            ended_by_itself = bot.done()
    assert ended_by_itself
    assert server.messages == [answered]


@pytest.mark.parametrize(("shard", "said"), [(0, 1), (1, 0)])
async def test_only_the_leader_tells_staff_unasked_also_in_the_servers_of_others(
    server: DiscordServer,
    places: dict[int, Channel],
    still_desk: Desk,
    clock: MovableClock,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
    shard: int,
    said: int,
) -> None:
    caplog.set_level(logging.INFO, "bot")
    staff = server.world.add_channel("staff", places[1].guild)
    set_up = ServerSettings(staff_channel=reference(staff.id), digest=True)
    assert staff.guild is not None
    await still_desk.store.set_settings(reference(staff.guild.id), set_up)
    more = {"shard_count": 2, "shard_ids": (shard,)}
    async with serving(server, classifier, responses, still_desk, **more):
        await until_ready(server, caplog)
        for _ in range(2):
            clock.move(days=7)
            await still_desk.store.schedule.run_due()
        assert len(cards_in(server, staff)) == said
        # What another process changes, each process reads.
        changed = replace(set_up, locale="de")
        await still_desk.store.set_settings(reference(staff.guild.id), changed)
        clock.move(seconds=REMINDER_SECONDS)
        await still_desk.store.schedule.run_due()
        assert still_desk.locale_of(reference(staff.guild.id)) == "de"


async def test_a_spare_waits_until_the_shards_are_given_back(
    still_desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first, spare = Shards(still_desk, 2, (0, 1)), Shards(still_desk, 2, (1,))
    point = RestartPoint(2**62, (7, 8))
    async with first.held():
        await first.leave(point)
        waiting = asyncio.create_task(_point(spare))
        await asyncio.sleep(0.2)
        assert "Waiting for shard 1 of 2: another process serves one of them" in caplog.text
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, 5) == point
    await first.leave(RestartPoint(1))  # it comes too late
    assert await spare.restart_point() == point


async def test_the_shards_of_a_killed_process_are_free_after_the_time_of_a_lease(
    still_desk: Desk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 3600.0)
    killed, spare = Shards(still_desk, 1, (0,)), Shards(still_desk, 1, (0,))
    async with killed.held():
        clock.move(seconds=LEASE_SECONDS - 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_point(spare), 0.2)
        assert await killed.may_answer()
        clock.move(seconds=1)
        async with asyncio.timeout(5), spare.held():
            assert await spare.may_answer()
            assert not await killed.may_answer()


async def test_processes_with_another_number_of_shards_wait(
    still_desk: Desk, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    two, three = Shards(still_desk, 2, (0,)), Shards(still_desk, 3, (2,))
    async with two.held():
        waiting = asyncio.create_task(_point(three))
        await asyncio.sleep(0.2)
        assert "Waiting for shard 2 of 3: other processes run with another" in caplog.text
        assert not waiting.done()
    clock.move(seconds=LEASE_SECONDS)
    await asyncio.wait_for(waiting, 5)


async def test_while_the_store_cannot_be_used_a_process_keeps_answering(
    still_desk: Desk,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(_claim: Claim) -> bool:
        raise StoreError("The desk's database cannot be used: no route to host")

    own = Shards(still_desk, 1, (0,))
    async with own.held():
        with monkeypatch.context() as patch:
            patch.setattr(still_desk.store, "take", fail)
            clock.move(seconds=LEASE_SECONDS)
            assert await own.may_answer()
            assert await own.is_first_to_tell("The model cannot be used.")
            await asyncio.wait_for(own.wait_to_identify(0), 5)
        assert "The leases of shard 0 of 1 are not renewed. The desk's database" in caplog.text
        clock.move(seconds=LEASE_SECONDS)
        assert await own.may_answer()


async def test_operators_get_a_message_from_one_process(
    still_desk: Desk, clock: MovableClock
) -> None:
    one, other = Shards(still_desk, 2, (0,)), Shards(still_desk, 2, (1,))
    assert await one.is_first_to_tell("The model cannot be used.")
    assert not await other.is_first_to_tell("The model cannot be used.")
    assert await other.is_first_to_tell("responses.yaml is malformed.")
    clock.move(seconds=module.TELL_SECONDS)
    assert await other.is_first_to_tell("The model cannot be used.")


async def test_without_the_store_no_shard_is_served(still_desk: Desk) -> None:
    assert shards_of(settings("x"), None) is None
    with pytest.raises(StoreError, match="the bot does not start without it"):
        shards_of(settings("x", shard_count=2), None)
    own = shards_of(settings("x", shard_count=3), still_desk)
    assert str(own) == "shards 0, 1, 2 of 3"


async def test_a_bot_in_too_many_servers_is_told_to_use_shards(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    chosen = settings(server.token)
    async with Engine(classifier) as engine:
        bot = asyncio.create_task(serve(Concierge(engine, responses), chosen))
        await server.ready(timeout=15)
        await server.close_gateway(4011)
        with pytest.raises(SettingsError, match="SHARD_COUNT must be set, or be larger"):
            await bot


async def _point(shards: Shards) -> RestartPoint | None:
    """What the holder before has left, once the shards are free."""
    async with shards.held():
        return await shards.restart_point()
