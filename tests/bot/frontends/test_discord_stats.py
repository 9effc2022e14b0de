"""/stats: a picture, the same in words, and the figures as CSV."""

import csv
import shutil
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest

from bot.desk.desk import Desk
from bot.sentences.responses import Responses
from tests.bot.frontends.desk import opened_desk
from tests.bot.frontends.loopback import serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import DiscordServer, Posted, User

UP, DOWN = "\N{THUMBS UP SIGN}", "\N{THUMBS DOWN SIGN}"


@pytest.fixture
async def desk(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses, tmp_path: Path
) -> AsyncIterator[Desk]:
    """Of the bot, which is connected."""
    async with opened_desk(tmp_path) as desk, serving(server, classifier, responses, desk):
        yield desk


async def _stats(server: DiscordServer, author: User, period: int = 24) -> Posted:
    used = await server.slash("stats", {"period": period}, author=author)
    posted = await server.wait_for_message(lambda p: p.interaction_id == used.id, 20)
    assert posted.ephemeral
    assert server.unknown_requests == server.violations == []
    return posted


async def _talk(server: DiscordServer) -> None:
    """Four replies, of which one gets a vote for it and one against it."""
    for text, reaction in (("great", UP), ("dull", DOWN), ("half great", None), ("great", None)):
        reply = await server.wait_for_reply(await server.say(server.channel, text))
        if reaction is not None:
            await server.react(reply, reaction)


async def test_an_admin_gets_a_picture_the_same_in_words_and_a_csv(
    server: DiscordServer, desk: Desk
) -> None:
    del desk
    await _talk(server)
    posted = await _stats(server, server.admin)
    picture, table = posted.files
    assert picture.filename == "stats.png"
    assert picture.data.startswith(b"\x89PNG")
    lines = posted.content.splitlines()
    assert lines[:2] == [
        "**The last 24 hours**",
        "Replies: 4 (2 to praise, 1 to complaints, 1 unsure, 0 other)",
    ]
    assert lines[3:5] == ["Left unsure: 25% of the verdicts", "Was I right? 50% yes of 2 votes"]
    assert picture.description == posted.content.replace("**", "")
    assert table.filename == "stats-24.csv"
    rows = list(csv.DictReader(StringIO(table.data.decode())))
    assert sum(int(row["replies"]) for row in rows) == 4
    assert {row["checkpoint"] for row in rows} == {"stub"}
    assert "stub" not in posted.content  # the models are the operator's


@pytest.mark.parametrize("period", [24, 7, 30])
async def test_a_server_without_replies_gets_no_picture(
    server: DiscordServer, desk: Desk, period: int
) -> None:
    del desk
    posted = await _stats(server, server.admin, period)
    assert posted.content.endswith("There were no replies.")
    assert [file.filename for file in posted.files] == [f"stats-{period}.csv"]


async def test_operators_see_the_votes_beside_the_test_figures(
    server: DiscordServer, desk: Desk, classifier: KeywordClassifier, checkpoint: Path
) -> None:
    del desk
    shutil.copytree(checkpoint.parent, "checkpoints")
    await _talk(server)
    assert "`stub`: 50% of 2 votes say right" in (await _stats(server, server.owner)).content
    classifier.name = checkpoint.name
    await _talk(server)
    posted = await _stats(server, server.owner)
    (line,) = [line for line in posted.content.splitlines() if checkpoint.name in line]
    assert line.startswith(f"`{checkpoint.name}`: 50% of 2 votes say right; in its test on ")
    assert line.endswith(" of verdicts were right")


async def test_operators_see_the_figures_of_direct_messages(
    server: DiscordServer, desk: Desk
) -> None:
    del desk
    await server.wait_for_reply(await server.dm("great"))
    used = await server.slash("stats", channel=server.world.dm_channel(server.owner))
    posted = await server.wait_for_message(lambda p: p.interaction_id == used.id, 20)
    assert posted.content.startswith("**The last 7 days**\nReplies: 1 (1 to praise,")


async def test_customers_are_refused(server: DiscordServer, desk: Desk) -> None:
    del desk
    assert "Only people with the permission" in (await _stats(server, server.member)).content
    used = await server.slash("stats", channel=server.world.dm_channel(server.member))
    posted = await server.wait_for_message(lambda p: p.interaction_id == used.id)
    assert "Only people with the permission" in posted.content


async def test_without_matplotlib_the_words_say_so(
    server: DiscordServer, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    del desk
    monkeypatch.setattr("trainer.extras.find_spec", lambda _: None)
    await _talk(server)
    posted = await _stats(server, server.admin)
    assert [file.filename for file in posted.files] == ["stats-24.csv"]
    assert "Replies: 4" in posted.content
    assert "The picture needs the package matplotlib, which is not installed" in posted.content


async def test_a_database_that_fails_is_reported(server: DiscordServer, desk: Desk) -> None:
    async with desk.store._database.writing() as connection:
        await connection.exec_driver_sql("DROP TABLE durations")
    assert "database cannot be used" in (await _stats(server, server.admin)).content
