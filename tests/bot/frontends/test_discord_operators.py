"""Who may steer the bot, and who hears what."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import discord
import pytest
import simcord

from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.operators import tell_operators
from bot.sentences.responses import Responses
from tests.bot.frontends.synced import SyncedBot, appoint
from tests.bot.stub import KeywordClassifier, settings

COMMANDS = {
    "model info": {},
    "model list": {},
    "model promote": {"name": "tiny"},
    "model rollback": {},
    "train": {"dataset": "starter"},
    "training cancel": {},
}


@pytest.fixture
async def simcord_bot(
    classifier: KeywordClassifier, responses: Responses
) -> AsyncIterator[ConciergeBot]:
    async with Engine(classifier) as engine:
        yield SyncedBot(Concierge(engine, responses), settings("a.b.c"))


@pytest.fixture
def guild(simcord_env: simcord.Env) -> simcord.GuildHandle:
    guild = simcord_env.create_guild()
    guild.create_text_channel("staff")
    guild.create_role("boss", permissions=discord.Permissions(administrator=True))
    guild.create_role("crew")
    return guild


def _member(env: simcord.Env, name: str, *roles: str) -> simcord.MemberActor:
    guild = env.guild
    return guild.add_member(env.create_user(name), roles=[guild.roles[role] for role in roles])


def _owned_by(bot: ConciergeBot, owner: Any, team: Any = None) -> None:
    """simcord's application belongs to the bot itself."""
    application: Any = SimpleNamespace(owner=owner, team=team, id=bot.application_id)
    bot._application = application


def _person(actor: simcord.MemberActor) -> Any:
    return SimpleNamespace(id=actor.id, mention=actor.mention)


@pytest.mark.simcord(check_errors=False)
@pytest.mark.parametrize("command", COMMANDS)
async def test_an_administrator_is_refused_and_the_operators_are_named(
    simcord_env: simcord.Env,
    simcord_bot: ConciergeBot,
    guild: simcord.GuildHandle,
    command: str,
) -> None:
    owner = _member(simcord_env, "olga")
    helper = _member(simcord_env, "hanna")
    _owned_by(simcord_bot, _person(owner))
    appoint(simcord_bot, helper.id, role=guild.roles["crew"].id)
    adam = _member(simcord_env, "adam", "boss")
    result = await adam.slash(guild.channels["staff"], command, **COMMANDS[command])
    assert result.response is not None
    assert result.response.ephemeral
    assert result.response.content == (
        f"Only those who run this bot can do that: its owner {owner.mention}, {helper.mention} "
        f"and everybody with the role {guild.roles['crew'].mention}."
    )


async def test_the_owner_the_listed_and_holders_of_a_role_may(
    simcord_env: simcord.Env, simcord_bot: ConciergeBot, guild: simcord.GuildHandle
) -> None:
    owner = _member(simcord_env, "olga", "boss")
    helper = _member(simcord_env, "hanna", "boss")
    crew = _member(simcord_env, "carl", "boss", "crew")
    _owned_by(simcord_bot, _person(owner))
    appoint(simcord_bot, helper.id, role=guild.roles["crew"].id)
    for actor in (owner, helper, crew):
        result = await actor.slash(guild.channels["staff"], "training cancel")
        assert [said.content for said in _said(result)] == ["No training is running."]


@pytest.mark.simcord(check_errors=False)
async def test_the_role_of_everyone_makes_no_one_an_operator(
    simcord_env: simcord.Env, simcord_bot: ConciergeBot, guild: simcord.GuildHandle
) -> None:
    _owned_by(simcord_bot, SimpleNamespace(id=1, mention="<@1>"))
    appoint(simcord_bot, role=guild.id)
    adam = _member(simcord_env, "adam", "boss")
    result = await adam.slash(guild.channels["staff"], "training cancel")
    (said,) = _said(result)
    assert said.content == "Only those who run this bot can do that: its owner <@1>."


def _said(result: simcord.InteractionResult) -> list[simcord.ResponseMessage]:
    first = [result.response] if result.response is not None else []
    return [*first, *result.followups]


@pytest.mark.simcord(check_errors=False)
async def test_of_a_team_those_may_who_may_change_its_applications(
    simcord_env: simcord.Env, simcord_bot: ConciergeBot, guild: simcord.GuildHandle
) -> None:
    roles = {
        "olga": discord.TeamMemberRole.read_only,  # what Discord says of a team's owner, too
        "dora": discord.TeamMemberRole.developer,
        "anna": discord.TeamMemberRole.admin,
        "rita": discord.TeamMemberRole.read_only,
    }
    actors = {name: _member(simcord_env, name, "boss") for name in roles}
    members = [
        SimpleNamespace(id=actor.id, mention=actor.mention, role=roles[name])
        for name, actor in actors.items()
    ]
    team = SimpleNamespace(owner_id=actors["olga"].id, members=members)
    _owned_by(simcord_bot, None, team)
    may = []
    for name, actor in actors.items():
        result = await actor.slash(guild.channels["staff"], "training cancel")
        if _said(result)[0].content == "No training is running.":
            may.append(name)
    assert may == ["olga", "dora", "anna"]


async def test_discord_hides_the_commands_from_members(
    simcord_env: simcord.Env, guild: simcord.GuildHandle
) -> None:
    member = _member(simcord_env, "maria", "crew")
    shown = set(member.available_commands(guild.channels["staff"]))
    assert not shown & set(COMMANDS)
    adam = _member(simcord_env, "adam", "boss")
    assert set(COMMANDS) <= set(adam.available_commands(guild.channels["staff"]))


@pytest.mark.usefixtures("guild")
async def test_what_operators_should_know_reaches_each(
    simcord_env: simcord.Env, simcord_bot: ConciergeBot
) -> None:
    people = [_member(simcord_env, name) for name in ("olga", "hanna")]
    _owned_by(simcord_bot, _person(people[0]))
    appoint(simcord_bot, people[1].id)
    await tell_operators(simcord_bot, "Look!")
    for person in people:
        assert [m.content for m in person.user.dm_channel.history()] == ["Look!"]


async def test_what_reaches_no_one_is_in_the_log(
    simcord_bot: ConciergeBot, simcord_env: simcord.Env, caplog: pytest.LogCaptureFixture
) -> None:
    simcord_env.create_guild()
    _owned_by(simcord_bot, SimpleNamespace(id=1, mention="<@1>"))
    await tell_operators(simcord_bot, "Look!")
    assert "To the operator: Look!" in caplog.text
