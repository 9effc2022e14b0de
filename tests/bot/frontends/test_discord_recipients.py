"""Names, servers and languages in replies, over sockets."""

from itertools import pairwise

import pytest

from bot.sentences.file import Sentence
from bot.sentences.kinds import Side
from bot.sentences.responses import Kind, Responses
from tests.discord_server import DiscordServer, Interaction, Posted

MEMBER = "Maria"
SERVER = "The Film Club"


@pytest.fixture
def responses() -> Responses:
    """A sentence of each kind, in English and in German, that names its recipient."""
    english, german = (
        {kind: [Sentence(f"{hello} {{user}}, {{server}}: {kind}")] for kind in Kind}
        for hello in ("Hello", "Hallo")
    )
    return Responses(english, locales={"de": german})


async def _review(server: DiscordServer, text: str = "great") -> Posted:
    return await server.wait_for_reply(await server.say(server.channel, text))


async def _response(server: DiscordServer, used: Interaction) -> Posted:
    return await server.wait_for_message(lambda posted: posted.interaction_id == used.id)


@pytest.mark.usefixtures("bot")
async def test_a_reply_names_the_customer_and_the_server(server: DiscordServer) -> None:
    assert (await _review(server)).content == f"Hello {MEMBER}, {SERVER}: positive"
    server.guild.members[server.member.id].payload["nick"] = "Moviegoer"
    assert (await _review(server)).content == f"Hello Moviegoer, {SERVER}: positive"
    direct = await server.wait_for_reply(await server.dm("great"))
    assert direct.content == f"Hello {MEMBER}, our server: positive"
    assert server.violations == server.unknown_requests == []


NAMES = {
    "<@1234567890123456789>": "\\<@\u200b1234567890123456789\\>",
    "@everyone": "@\u200beveryone",
    "**Max**_": "\\*\\*Max\\*\\*\\_",
    "[free](https://a.example)": "\\[free\\]\\(https\\://a\\.example\\)",
    "discord.gg/abc": "discord\\.gg/abc",
    "# Big\n- Max": "\\# Big - Max",
    "\u202egnp.exe\u2066": "gnp\\.exe",
    "{owner} {help_line}": "{owner} {help\\_line}",
    "x" * 500: "x" * 63 + "…",
    "[" * 32: "\\[" * 32,
    " \u200b ": "friend",
    "Mr. 🎬": "Mr. 🎬",
    "🎬" * 32: "🎬" * 32,
    "\u2067\u05d0\u05d1\u2069 \u200f<#1>": "\u05d0\u05d1 \\<#1\\>",
    "Z" + "\u0301\u0316" * 15: "Z" + "\u0301\u0316" * 15,
    "<@&1> @here </train:1>": "\\<@&1\\> @\u200bhere \\</train:1\\>",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("bot")
async def test_a_name_pings_links_and_formats_nothing(server: DiscordServer, name: str) -> None:
    server.guild.members[server.member.id].payload["nick"] = name
    reply = await _review(server)
    assert reply.content == f"Hello {NAMES[name]}, {SERVER}: positive"
    assert reply.pinged == set()


@pytest.fixture
def hostile_server(server: DiscordServer) -> DiscordServer:
    """A server whose name is to ping, to link and to hide."""
    server.guild.name = "@everyone [free](https://a.example) \u202e||discord.gg/abc||"
    return server


@pytest.mark.usefixtures("hostile_server", "bot")
async def test_the_name_of_a_server_does_no_more(server: DiscordServer) -> None:
    reply = await _review(server)
    shown = "@\u200beveryone \\[free\\]\\(https\\://a\\.example\\) \\|\\|discord\\.gg/abc\\|\\|"
    assert reply.content == f"Hello {MEMBER}, {shown}: positive"
    assert not reply.pings_everyone


@pytest.fixture
def german_server(server: DiscordServer) -> DiscordServer:
    """A server in German, with a customer whose own client is in English."""
    server.guild.preferred_locale = "de"
    server.guild.name = "Der *Filmklub*"
    return server


@pytest.mark.usefixtures("german_server", "bot")
async def test_a_message_is_answered_in_the_language_of_the_server(server: DiscordServer) -> None:
    german = "Hallo Maria, Der \\*Filmklub\\*"
    for text, kind in [("great", "positive"), ("half great", "unsure"), ("poison", "failure")]:
        assert (await _review(server, text)).content == f"{german}: {kind}"
    # A direct message is of no server, and says nothing of a language.
    direct = await server.wait_for_reply(await server.dm("great"))
    assert direct.content == "Hello Maria, our server: positive"


@pytest.mark.usefixtures("bot")
async def test_a_command_and_a_button_answer_in_the_language_of_who_uses_them(
    server: DiscordServer,
) -> None:
    server.member.locale, server.admin.locale = "de", "de-AT"
    for name, options, kind in (
        ("review", {"text": "great"}, Kind.POSITIVE),
        ("help", {}, Kind.HELP),
        ("privacy", {}, Kind.PRIVACY),
    ):
        used = await server.slash(name, options, author=server.member)
        reply = await _response(server, used)
        assert reply.content.splitlines()[0] == f"Hallo {MEMBER}, {SERVER}: {kind}"
    assert reply.content.splitlines()[1] == f"Hallo {MEMBER}, {SERVER}: {Kind.KEPT_NOTHING}"
    question = await _review(server, "half great")
    assert question.content == f"Hello {MEMBER}, {SERVER}: unsure"
    button = f"answer:{server.member.id}:{Side.POSITIVE}"
    pressed = await server.press(question, button, author=server.admin)
    refusal = await _response(server, pressed)
    assert refusal.content == f"Hallo Adam, {SERVER}: not_yours"
    await server.press(question, button, author=server.member)
    await server.wait_until(lambda: question.content == f"Hallo {MEMBER}, {SERVER}: positive")
    assert server.violations == server.unknown_requests == []


@pytest.mark.usefixtures("german_server", "bot")
async def test_asking_why_of_a_deleted_review_is_answered_in_the_language_of_the_user(
    server: DiscordServer,
) -> None:
    reply = await _review(server)
    assert reply.reply_to is not None
    await server.delete(reply.reply_to)
    pressed = await server.press(reply, "why", author=server.member)
    told = await _response(server, pressed)
    assert told.content == f"Hello {MEMBER}, Der \\*Filmklub\\*: unexplained"


class TestVariety:
    """One list has two sentences, in a channel of its own each."""

    @pytest.fixture
    def responses(self) -> Responses:
        return Responses({kind: ["One.", "Two."] for kind in Kind})

    @pytest.mark.usefixtures("bot")
    async def test_no_sentence_comes_twice_in_a_row_in_a_channel(
        self, server: DiscordServer
    ) -> None:
        said: dict[int, list[str]] = {}
        for _ in range(6):
            for channel in (server.channel, server.other_channel):
                reply = await server.wait_for_reply(await server.say(channel, "great"))
                said.setdefault(channel.id, []).append(reply.content)
        for sentences in said.values():
            assert all(one != other for one, other in pairwise(sentences))
