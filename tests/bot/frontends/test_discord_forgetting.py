"""/privacy with `delete`, and servers that the bot leaves."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.desk.desk import Desk
from bot.desk.store import Request, ServerSettings
from bot.desk.store.servers import GRACE
from bot.sentences.responses import Kind, Responses
from tests.bot.frontends.desk import opened_desk
from tests.bot.frontends.loopback import serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer, Interaction, Posted

REQUESTS, FIGURES = Kind.KEPT_REQUESTS, Kind.KEPT_FIGURES
UP = "\N{THUMBS UP SIGN}"


@pytest.fixture
async def desk(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses, tmp_path: Path
) -> AsyncIterator[Desk]:
    """Of the bot, which is connected."""
    async with opened_desk(tmp_path) as desk, serving(server, classifier, responses, desk):
        yield desk


async def _answer(server: DiscordServer, interaction: Interaction) -> Posted:
    posted = await server.wait_for_message(lambda p: p.interaction_id == interaction.id)
    assert posted.ephemeral
    return posted


async def _votes(server: DiscordServer, desk: Desk) -> int:
    now = desk.clock()
    hour = timedelta(hours=1)
    figures = await desk.store.figures(f"discord:{server.guild.id}", now - hour, now + hour)
    return sum(each.up + each.down for each in figures.votes)


async def _card(server: DiscordServer, desk: Desk, customer: int) -> Posted:
    """A card about a customer, and the message that shows it."""
    request = Request(
        server=f"discord:{server.guild.id}",
        link=f"https://discord.com/channels/1/2/{customer}",
        kind="person",
        customer=f"discord:{customer}",
    )
    opened = await desk.store.open_card(request)
    shown = await server.wait_for_reply(await server.say(server.other_channel, "great"))
    await desk.store.attach(opened.card.id, f"discord:{server.other_channel.id}:{shown.id}")
    return shown


async def test_a_person_has_deleted_what_there_is_of_them_and_nothing_else(
    server: DiscordServer, desk: Desk
) -> None:
    reply = await server.wait_for_reply(await server.say(server.channel, "great"))
    for author in (server.member, server.admin):
        await server.react(reply, UP, author=author)
    theirs = await _card(server, desk, server.member.id)
    other = await _card(server, desk, server.admin.id)
    assert await _votes(server, desk) == 2
    answer = await _answer(server, await server.slash("privacy", {"delete": "me"}))
    assert answer.content == "a forgotten sentence"
    assert await _votes(server, desk) == 1
    assert [card.customer for card in await desk.store.open_cards()] == [
        f"discord:{server.admin.id}"
    ]
    assert theirs.deleted
    assert not other.deleted
    assert server.unknown_requests == server.violations == []


async def test_privacy_says_what_is_kept_under_the_settings_in_force(
    server: DiscordServer, classifier: KeywordClassifier, tmp_path: Path
) -> None:
    sentences = {kind: [f"a {kind} sentence"] for kind in Kind}
    sentences |= {kind: [f"{kind} {{server}} {{retention}}"] for kind in (REQUESTS, FIGURES)}

    async def kept(*, direct: bool = False) -> str:
        channel = server.world.dm_channel(server.member) if direct else None
        answer = await _answer(server, await server.slash("privacy", channel=channel))
        first, second = answer.content.splitlines()
        assert first == "a privacy sentence"
        return second

    async with (
        opened_desk(tmp_path) as desk,
        serving(server, classifier, Responses(sentences), desk),
    ):
        assert await kept() == "kept_figures The Film Club 90 days"
        assert await kept(direct=True) == "kept_figures The Film Club 90 days"
        chosen = ServerSettings(staff_channel="discord:1", retention_days=7)
        await desk.set_settings(f"discord:{server.guild.id}", chosen)
        assert await kept() == "kept_requests The Film Club 7 days"
        # The figures of direct messages are kept for the default time.
        assert await kept(direct=True) == "kept_requests The Film Club 90 days"
    assert server.unknown_requests == server.violations == []


async def test_a_long_privacy_sentence_is_followed_by_a_message_with_what_is_kept(
    server: DiscordServer, classifier: KeywordClassifier
) -> None:
    sentences = {kind: [f"a {kind} sentence"] for kind in Kind}
    responses = Responses({**sentences, Kind.PRIVACY: ["x" * 1_990]})
    async with serving(server, classifier, responses):
        used = await server.slash("privacy")
        assert (await _answer(server, used)).content == "x" * 1_990
        assert (await _answer(server, used)).content == "a kept_nothing sentence"


async def test_a_held_question_is_forgotten(
    server: DiscordServer, desk: Desk, classifier: KeywordClassifier
) -> None:
    del desk
    for author in (server.member, server.admin):
        question = await server.say(server.channel, "half of it", author=author)
        assert "unsure" in (await server.wait_for_reply(question)).content
    await _answer(server, await server.slash("privacy", {"delete": "me"}))
    for author, is_answer in ((server.member, False), (server.admin, True)):
        before = len(classifier.judged)
        await server.wait_for_reply(await server.say(server.channel, "thumbs up", author=author))
        reply = server.messages[-1].content
        assert (reply == "a positive sentence") is is_answer
        assert len(classifier.judged) > before


async def test_without_a_desk_what_is_in_memory_is_forgotten(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses):
        answer = await _answer(server, await server.slash("privacy", {"delete": "me"}))
        assert answer.content == "a forgotten sentence"


async def test_an_admin_deletes_all_of_a_server_with_a_second_press(
    server: DiscordServer, desk: Desk
) -> None:
    name = f"discord:{server.guild.id}"
    await desk.store.set_settings(name, ServerSettings(reminder_minutes=5))
    await _card(server, desk, server.member.id)
    refused = await server.slash("privacy", {"delete": "server"})
    assert "Manage Server" in (await _answer(server, refused)).content
    asked = await _answer(
        server, await server.slash("privacy", {"delete": "server"}, author=server.admin)
    )
    assert "It cannot be undone" in asked.content
    assert await desk.store.open_cards()
    pressed = await server.press(asked, "forget_server", author=server.admin, permissions=0)
    assert "Manage Server" in (await _answer(server, pressed)).content
    await server.press(asked, "forget_server", author=server.admin)
    await server.wait_until(lambda: "is deleted" in asked.content)
    assert asked.components == []
    assert await desk.store.open_cards() == []
    assert await desk.store.all_settings() == {}


async def test_a_server_that_was_left_is_removed_after_the_grace_time(
    server: DiscordServer, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"discord:{server.guild.id}"
    await desk.store.set_settings(name, ServerSettings())
    await server.wait_until(lambda: "Ready as" in caplog.text)  # discord.py waits for its servers
    invited = {k: v for k, v in server.guild.create_payload.items() if k != "unavailable"}
    for is_back in (True, False):
        await server.send_event("GUILD_DELETE", {"id": str(server.guild.id)})
        if is_back:
            await server.send_event("GUILD_CREATE", invited)
        await server.wait_for_reply(await server.dm("great"))  # what came before is handled
        await desk.store.expire(desk.clock() + GRACE / 2)
        assert name in await desk.store.all_settings()
        await desk.store.expire(desk.clock() + 2 * GRACE)
        assert (name in await desk.store.all_settings()) is is_back


async def test_an_outage_of_discord_is_no_departure(server: DiscordServer, desk: Desk) -> None:
    name = f"discord:{server.guild.id}"
    await desk.store.set_settings(name, ServerSettings())
    gone = {"id": str(server.guild.id), "unavailable": True}
    await server.send_event("GUILD_DELETE", gone)
    await server.wait_for_reply(await server.dm("great"))
    await desk.store.expire(desk.clock() + 2 * GRACE)
    assert name in await desk.store.all_settings()
