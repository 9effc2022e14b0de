"""/model in all its forms, on a real checkpoint."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
import simcord

from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.frontends.discord.client import ConciergeBot
from bot.sentences.responses import MAX_CHARACTERS, Responses
from tests.bot.frontends.synced import SyncedBot, appoint
from tests.bot.stub import KeywordClassifier, settings
from trainer.model.checkpoint import promote, serving_checkpoint

CHECKPOINTS = Path("checkpoints")


@pytest.fixture
async def simcord_bot(
    classifier: KeywordClassifier, responses: Responses, checkpoint: Path
) -> AsyncIterator[ConciergeBot]:
    """`tiny` serves, and `second` could."""
    shutil.copytree(checkpoint.parent, CHECKPOINTS)
    shutil.copytree(checkpoint, CHECKPOINTS / "second")
    async with Engine(classifier) as engine:
        yield SyncedBot(Concierge(engine, responses), settings("a.b.c"))


@pytest.fixture
def operator(simcord_env: simcord.Env, simcord_bot: ConciergeBot) -> simcord.MemberActor:
    guild = simcord_env.create_guild()
    guild.create_text_channel("staff")
    role = guild.create_role("boss", permissions=discord.Permissions(administrator=True))
    actor = guild.add_member(simcord_env.create_user("olga"), roles=[role])
    appoint(simcord_bot, actor.id)
    return actor


async def _ask(actor: simcord.MemberActor, command: str, **options: str) -> simcord.ResponseMessage:
    """The one answer to /model `command`, which is private."""
    result = await actor.slash(actor.guild.channels["staff"], f"model {command}", **options)
    (answer,) = [said for said in (result.response, *result.followups) if said is not None]
    assert answer.ephemeral
    return answer


def _serving() -> str | None:
    path = serving_checkpoint()
    return path.name if path else None


def _spoil(name: str) -> None:
    (CHECKPOINTS / name / "config.json").write_text("{}")


def _copies(count: int) -> None:
    for number in range(count):
        shutil.copytree(CHECKPOINTS / "tiny", CHECKPOINTS / f"a-checkpoint-{number:03}")


def _forget_all() -> None:
    shutil.rmtree(CHECKPOINTS)


async def test_the_list_has_a_line_for_each(operator: simcord.MemberActor) -> None:
    lines = (await _ask(operator, "list")).content.splitlines()
    assert {line.split("`")[1]: "**serving**" in line for line in lines} == {
        "tiny": True,
        "second": False,
    }
    for line in lines:
        assert re.search(r" · accuracy [01]\.\d{3} · reviews\.csv · tiny · <t:\d+>$", line)


async def test_a_long_list_fits_into_a_message(operator: simcord.MemberActor) -> None:
    _copies(40)
    content = (await _ask(operator, "list")).content
    assert len(content) <= MAX_CHARACTERS
    *lines, more = content.splitlines()
    assert more == f"… and {42 - len(lines)} older"


async def test_an_empty_list_says_how_to_begin(operator: simcord.MemberActor) -> None:
    _forget_all()
    assert "To train one: /train" in (await _ask(operator, "list")).content


async def test_info_tells_of_the_serving_one_or_of_another(operator: simcord.MemberActor) -> None:
    answer = await _ask(operator, "info")
    assert answer.content.startswith("**`tiny`**, the one that answers\nMade <t:")
    assert re.search(
        r"^Test: accuracy [01]\.\d{3}, F1 [01]\.\d{3} on ", answer.content, re.MULTILINE
    )
    assert "epochs 12, seed 0, learning rate 0.002" in answer.content
    assert [file.filename for file in answer.attachments] == ["training.png"]
    assert (await _ask(operator, "info", name="second")).content.startswith("**`second`**\n")
    assert "no checkpoint called that" in (await _ask(operator, "info", name="../x")).content


async def test_a_checkpoint_is_promoted_and_rolled_back(
    operator: simcord.MemberActor, simcord_bot: ConciergeBot, classifier: KeywordClassifier
) -> None:
    answer = await _ask(operator, "promote", name="second")
    assert answer.content == "`second` answers from now on. To go back: /model rollback"
    assert _serving() == "second"
    await simcord_bot.concierge.engine.classify("what a wonderful film")
    assert classifier.judged == []
    assert (await _ask(operator, "rollback")).content == "`tiny` answers again."
    assert _serving() == "tiny"
    answer = await _ask(operator, "rollback")
    assert "Nothing has changed" in answer.content
    assert "no earlier checkpoint" in answer.content


async def test_a_broken_checkpoint_is_refused_with_its_reason(
    operator: simcord.MemberActor, simcord_bot: ConciergeBot, classifier: KeywordClassifier
) -> None:
    _spoil("second")
    answer = await _ask(operator, "promote", name="second")
    assert "Nothing has changed, and the present checkpoint goes on" in answer.content
    assert "config.json is missing, truncated or was changed since training" in answer.content
    assert _serving() == "tiny"
    await simcord_bot.concierge.engine.classify("great")
    assert classifier.judged == ["great"]


async def test_names_are_suggested_to_operators_only(
    operator: simcord.MemberActor, simcord_env: simcord.Env
) -> None:
    channel = operator.guild.channels["staff"]
    for typed, names in (("", {"tiny", "second"}), ("SEC", {"second"}), ("x", set())):
        found = await operator.autocomplete(channel, "model promote", "name", typed)
        assert {choice["value"] for choice in found} == names
    boss = operator.guild.roles["boss"]
    adam = operator.guild.add_member(simcord_env.create_user("adam"), roles=[boss])
    assert await adam.autocomplete(channel, "model promote", "name", "") == []


async def test_a_pointer_that_cannot_be_read_is_reported(operator: simcord.MemberActor) -> None:
    promote("second")
    _break_the_pointer()
    for command in ("list", "info"):
        assert "cannot be parsed" in (await _ask(operator, command)).content
    found = await operator.autocomplete(
        operator.guild.channels["staff"], "model promote", "name", ""
    )
    assert found == []


def _break_the_pointer() -> None:
    (CHECKPOINTS / "serving.json").write_text("{")
