"""An edited responses.yaml, while the bot runs; with simcord, on its clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import discord
import pytest
import simcord
import yaml

from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.responses import LOOK_SECONDS
from bot.sentences.kinds import OPTIONAL
from bot.sentences.responses import MAX_CHARACTERS, Kind, Responses
from tests.bot.frontends.synced import SyncedBot, appoint
from tests.bot.stub import KeywordClassifier, settings

FILE = Path("responses.yaml")
REQUIRED = [kind for kind in Kind if kind not in OPTIONAL]
OLD = "".join(f"{kind}:\n  - Old.\n" for kind in Kind)
NEW = OLD.replace("Old.", "New.")
BROKEN = NEW.replace("negative:\n  - New.", "negative:\n  - 5")
REFUSAL = "The sentences stay as they were. responses.yaml, line 4: this entry of 'negative'"
LOOKS = 3 * LOOK_SECONDS


@pytest.fixture
async def simcord_bot(classifier: KeywordClassifier) -> AsyncIterator[ConciergeBot]:
    _write(OLD)
    async with Engine(classifier) as engine:
        chosen = settings("a.b.c", help_line="Samaritans")
        yield SyncedBot(Concierge(engine, Responses.load(FILE)), chosen)


@pytest.fixture
def staff(simcord_env: simcord.Env, simcord_bot: ConciergeBot) -> simcord.MemberActor:
    """An administrator, to whom Discord shows the command, and an operator in the settings."""
    guild = simcord_env.create_guild()
    guild.create_text_channel("staff")
    role = guild.create_role("staff", permissions=discord.Permissions(administrator=True))
    actor = guild.add_member(simcord_env.create_user("olga"), roles=[role])
    appoint(simcord_bot, actor.id)
    return actor


def _write(content: str) -> None:
    FILE.write_text(content)


def _delete() -> None:
    FILE.unlink()


def _say(bot: ConciergeBot) -> str:
    return bot.concierge.say(Kind.EMPTY).text


async def _until(env: simcord.Env, probe: Callable[[], object]) -> None:
    """Advances the clock until something holds: the file is read in a thread, on no clock."""
    for _ in range(100):
        if probe():
            return
        await env.advance_time(LOOK_SECONDS)
        await asyncio.sleep(0.02)
    raise AssertionError("it has not come to pass")


async def test_a_valid_file_takes_effect_by_itself(
    simcord_env: simcord.Env, simcord_bot: ConciergeBot
) -> None:
    assert _say(simcord_bot) == "Old."
    _write(NEW)
    await simcord_env.advance_time(LOOKS)
    assert _say(simcord_bot) == "New."


async def test_a_broken_file_is_reported_once_and_the_old_sentences_stay(
    simcord_env: simcord.Env,
    simcord_bot: ConciergeBot,
    staff: simcord.MemberActor,
) -> None:
    _write(BROKEN)
    await simcord_env.advance_time(3 * LOOKS)
    (report,) = staff.user.dm_channel.history()
    assert report.content.startswith(REFUSAL)
    assert _say(simcord_bot) == "Old."
    _delete()
    await simcord_env.advance_time(LOOKS)
    assert "responses.yaml is missing" in staff.user.dm_channel.history()[-1].content
    assert _say(simcord_bot) == "Old."
    _write(NEW)
    await simcord_env.advance_time(LOOKS)
    assert _say(simcord_bot) == "New."
    assert len(staff.user.dm_channel.history()) == 2


@pytest.mark.parametrize("broken", ["[" * 2_000, f"{NEW}{'x' * 3_000}: [a]\n", NEW + "#" * 300_000])
async def test_no_file_ends_the_watching(
    simcord_env: simcord.Env, simcord_bot: ConciergeBot, staff: simcord.MemberActor, broken: str
) -> None:
    _write(broken)
    await _until(simcord_env, lambda: staff.user.dm_channel.history())
    (report,) = staff.user.dm_channel.history()
    assert report.content.startswith("The sentences stay as they were. responses.yaml")
    _write(NEW)
    await _until(simcord_env, lambda: _say(simcord_bot) == "New.")


async def test_not_even_a_bug_ends_the_watching(
    simcord_env: simcord.Env,
    simcord_bot: ConciergeBot,
    staff: simcord.MemberActor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("bot.sentences.yaml_lines.yaml.compose", _raise)
        _write(NEW)
        await _until(simcord_env, lambda: staff.user.dm_channel.history())
    (report,) = staff.user.dm_channel.history()
    assert "because of a bug" in report.content
    _write(NEW.replace("New.", "Newer."))
    await _until(simcord_env, lambda: _say(simcord_bot) == "Newer.")


def _raise(*_: object, **__: object) -> None:
    raise LookupError


async def test_a_file_that_is_still_being_written_is_left_alone(
    simcord_env: simcord.Env, simcord_bot: ConciergeBot, staff: simcord.MemberActor
) -> None:
    for length in (10, 60, 200):
        _write(NEW[:length])
        await simcord_env.advance_time(LOOK_SECONDS)
    _write(NEW)
    await simcord_env.advance_time(LOOKS)
    assert _say(simcord_bot) == "New."
    assert not staff.user.dm_channel.history()


async def test_an_operator_may_reload_at_once(
    simcord_bot: ConciergeBot, staff: simcord.MemberActor
) -> None:
    channel = staff.guild.channels["staff"]
    _write(NEW.replace("distress:\n  - New.", 'distress:\n  - "{help_line}"'))
    result = await staff.slash(channel, "responses reload")
    assert result.response is not None
    assert result.ephemeral
    assert simcord_bot.concierge.say(Kind.DISTRESS).text == "Samaritans"
    count = len(Kind)
    assert result.response.content == f"responses.yaml is in use from now on: {count} sentences."
    assert _say(simcord_bot) == "New."
    _write(BROKEN)
    result = await staff.slash(channel, "responses reload")
    assert result.response is not None
    assert result.response.content.startswith(REFUSAL)
    assert _say(simcord_bot) == "New."


@pytest.mark.parametrize("number", [1, len(REQUIRED)])
async def test_lists_that_are_missing_are_shown_to_be_copied(
    simcord_env: simcord.Env, staff: simcord.MemberActor, number: int
) -> None:
    _write("".join(f"{kind}:\n  - Old.\n" for kind in REQUIRED[:-number]) or "other: [a]\n")
    await simcord_env.advance_time(LOOKS)
    (report,) = staff.user.dm_channel.history()
    assert len(report.content) <= MAX_CHARACTERS
    said, block, rest = report.content.split("```")
    assert "missing; copy this to the end of the file" in said
    assert rest == ""
    shown = list(yaml.safe_load(block.removeprefix("yaml\n")))
    missing = REQUIRED[-number:]
    assert shown == missing[: len(shown)]
    assert len(shown) > min(number, 10) - 1  # of very many, those for which there is room


@pytest.mark.simcord(check_errors=False)
async def test_an_administrator_who_is_no_operator_may_not_and_others_do_not_see_it(
    simcord_env: simcord.Env, simcord_bot: ConciergeBot, staff: simcord.MemberActor
) -> None:
    appoint(simcord_bot)
    channel = staff.guild.channels["staff"]
    _write(NEW)
    result = await staff.slash(channel, "responses reload")
    assert result.response is not None
    assert result.ephemeral
    assert "Only those who run this bot" in result.response.content
    assert _say(simcord_bot) == "Old."
    customer = staff.guild.add_member(simcord_env.create_user("maria"))
    assert "responses reload" not in customer.available_commands(channel)
    assert {"review", "help", "privacy"} <= set(customer.available_commands(channel))
