"""The loopback Discord, proved with a bare discord.py client: what holds here holds for any bot."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import aiohttp
import discord
import pytest
from discord import app_commands

from tests.discord_server import (
    EVERY_PERMISSION,
    Attachment,
    DiscordServer,
    bot_process_argv,
    point_discord_py_at,
)

POST_MESSAGE = "/channels/{channel_id}/messages"
OPENAPI = Path(
    os.environ.get(
        "DISCORD_OPENAPI",
        Path(__file__).parents[2] / "shared" / "discord" / "openapi.json",
    )
)


class Buttons(discord.ui.View):
    @discord.ui.button(label="Right", custom_id="right")
    async def right(
        self, interaction: discord.Interaction, button: discord.ui.Button["Buttons"]
    ) -> None:
        button.disabled = True
        await interaction.response.edit_message(content="Glad to hear it.", view=self)


class Echo(discord.Client):
    """Replies to what it can read, and has one command of each kind."""

    def __init__(self, intents: discord.Intents | None = None) -> None:
        # The client calls itself ready this many seconds after the last guild came in.
        super().__init__(intents=intents or discord.Intents.default(), guild_ready_timeout=0.05)
        self.heard: list[discord.Message] = []
        self.trouble: list[Exception] = []
        self.resumed = 0
        self.tree = app_commands.CommandTree(self)
        self.tree.command(name="rate", description="Rate a film")(rate)
        self.tree.context_menu(name="Classify")(classify)
        group = app_commands.Group(name="model", description="The model")
        group.command(name="promote", description="Promote it")(promote)
        self.tree.add_command(group)

    async def setup_hook(self) -> None:
        self.add_view(Buttons(timeout=None))

    async def on_resumed(self) -> None:
        self.resumed += 1

    async def on_message(self, message: discord.Message) -> None:
        if message.author == self.user:
            return
        self.heard.append(message)
        if message.content:
            try:
                await message.reply(f"You said: {message.content}", mention_author=False)
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                self.trouble.append(error)


async def rate(
    interaction: discord.Interaction, film: str, stars: int, scan: discord.Attachment | None = None
) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    size = "" if scan is None else f", {len(await scan.read())} bytes"
    await interaction.followup.send(f"{film}: {stars}{size}")
    await interaction.followup.send("Thank you.")


async def classify(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"It reads: {message.content}")


@app_commands.checks.has_permissions(manage_guild=True)
async def promote(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("Done.", view=Buttons(timeout=None))


@asynccontextmanager
async def running(client: discord.Client, server: DiscordServer) -> AsyncIterator[None]:
    """The client, connected and ready, until the block ends."""
    with point_discord_py_at(server):
        async with client:
            task = asyncio.create_task(client.start(server.token))
            try:
                await server.ready()
                await client.wait_until_ready()
                yield
            finally:
                await client.close()
                await task


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server
        assert server.unknown_requests == []


@pytest.fixture
async def client(server: DiscordServer) -> AsyncIterator[Echo]:
    client = Echo()
    async with running(client, server):
        yield client


async def test_a_mention_is_answered_with_a_reply(server: DiscordServer, client: Echo) -> None:
    question = await server.say(server.channel, "A masterpiece.")
    reply = await server.wait_for_reply(question)
    assert reply.content == f"You said: {server.bot.mention} A masterpiece."
    assert reply.reply_to == question
    assert reply.channel_id == server.channel.id
    assert reply.allowed_mentions is not None
    assert reply.allowed_mentions["replied_user"] is False
    assert reply.pinged == {server.bot.id}  # named in the echo; the author is not
    heard = client.heard[0]
    assert isinstance(heard.channel, discord.TextChannel)
    assert heard.author.name == server.member.name
    assert heard.channel.permissions_for(heard.channel.guild.me).send_messages


async def test_a_direct_message_is_answered(server: DiscordServer, client: Echo) -> None:
    question = await server.dm("Dull.")
    reply = await server.wait_for_reply(question)
    assert reply.content == "You said: Dull."
    assert isinstance(client.heard[0].channel, discord.DMChannel)


async def test_content_is_withheld_without_the_intent(server: DiscordServer, client: Echo) -> None:
    await server.say(server.channel, "Not for the bot.", mention_bot=False)
    question = await server.say(server.channel, "For the bot.")
    reply = await server.wait_for_reply(question)
    await server.say(
        server.channel, "Silent reply.", mention_bot=False, reply_to=reply.id, ping_reply=False
    )
    follow_up = await server.say(server.channel, "And why?", mention_bot=False, reply_to=reply)
    assert (await server.wait_for_reply(follow_up)).content == "You said: And why?"
    referenced = client.heard[-1].reference
    assert referenced is not None
    assert isinstance(referenced.resolved, discord.Message)
    assert referenced.resolved.id == reply.id
    mention = server.bot.mention
    assert [m.content for m in client.heard] == ["", f"{mention} For the bot.", "", "And why?"]


async def test_content_arrives_where_the_intent_is_granted() -> None:
    intents = discord.Intents.default()
    intents.message_content = True
    server = DiscordServer(privileged_intents=discord.Intents.message_content.flag)
    async with server, running(Echo(intents), server):
        question = await server.say(server.channel, "Hello.", mention_bot=False)
        assert (await server.wait_for_reply(question)).content == "You said: Hello."


async def test_a_privileged_intent_that_is_not_granted_is_refused(server: DiscordServer) -> None:
    intents = discord.Intents.default()
    intents.message_content = True
    with point_discord_py_at(server), pytest.raises(discord.PrivilegedIntentsRequired):
        async with Echo(intents) as client:
            await client.start(server.token)


async def test_a_wrong_token_fails_the_login(server: DiscordServer) -> None:
    with point_discord_py_at(server), pytest.raises(discord.LoginFailure):
        async with Echo() as client:
            await client.start("wrong")


async def test_the_addresses_are_restored(server: DiscordServer) -> None:
    before = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    with point_discord_py_at(server):
        assert server.api_base == discord.http.Route.BASE
    assert before == (discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY)


@pytest.mark.parametrize("code", [4000, 1000, None])
async def test_a_resume_replays_what_was_said_meanwhile(
    server: DiscordServer, client: Echo, code: int | None
) -> None:
    await server.close_gateway(code)
    question = await server.say(server.channel, "Are you there?")
    await server.wait_for_reply(question, timeout=10)
    assert len(server.identifies) == 1
    assert len(server.resumes) == 1
    assert client.resumed == 1


async def test_a_reconnect_is_asked_for_and_resumed(server: DiscordServer, client: Echo) -> None:
    await server.request_reconnect()
    await server.wait_for_reply(await server.say(server.channel, "Still there?"))
    assert len(server.identifies) == 1
    assert client.resumed == 1


async def test_an_invalid_session_is_identified_again(server: DiscordServer, client: Echo) -> None:
    await server.invalidate_session()
    missed = await server.say(server.channel, "Nobody hears this.")
    await server.wait_until(lambda: len(server.identifies) == 2, timeout=10)
    question = await server.say(server.channel, "But this.")
    await server.wait_for_reply(question)
    assert [message.id for message in client.heard] == [question]
    channel = client.get_partial_messageable(server.channel.id)
    assert missed in [message.id async for message in channel.history(limit=10)]


async def test_a_resumable_invalid_session_is_resumed(server: DiscordServer, client: Echo) -> None:
    await server.invalidate_session(resumable=True)
    await server.wait_for_reply(await server.say(server.channel, "Hello again."))
    assert client.resumed == 1


async def test_a_rate_limit_is_waited_for(server: DiscordServer, client: Echo) -> None:
    fault = server.fail("POST", POST_MESSAGE, status=429, retry_after=0.1)
    await server.wait_for_reply(await server.say(server.channel, "Patience."))
    statuses = [(r.status, r.at) for r in server.requests if r.route == POST_MESSAGE]
    assert [status for status, _ in statuses] == [429, 200]
    assert statuses[1][1] - statuses[0][1] >= 0.1
    assert fault.left == 0
    assert client.trouble == []


async def test_a_server_error_is_retried(server: DiscordServer, client: Echo) -> None:
    server.fail("POST", POST_MESSAGE, status=500)
    await server.wait_for_reply(await server.say(server.channel, "Again."))
    assert [r.status for r in server.requests if r.route == POST_MESSAGE] == [500, 200]
    assert client.trouble == []


async def test_a_reset_reaches_the_caller(server: DiscordServer, client: Echo) -> None:
    server.fail("POST", POST_MESSAGE, reset=True)
    await server.say(server.channel, "Cut off.")
    await server.wait_until(lambda: client.trouble)
    assert isinstance(client.trouble[0], ConnectionResetError | aiohttp.ClientError)
    assert [r.status for r in server.requests if r.route == POST_MESSAGE] == [None]
    await server.wait_for_reply(await server.say(server.channel, "Once more."))


@pytest.mark.parametrize(
    ("status", "error", "code"), [(403, discord.Forbidden, 50013), (404, discord.NotFound, 10008)]
)
async def test_a_refusal_reaches_the_caller(
    server: DiscordServer,
    client: Echo,
    status: int,
    error: type[discord.HTTPException],
    code: int,
) -> None:
    server.fail("POST", POST_MESSAGE, status=status)
    await server.say(server.channel, "No entry.")
    await server.wait_until(lambda: client.trouble)
    refusal = client.trouble[0]
    assert type(refusal) is error
    assert refusal.code == code


@pytest.mark.usefixtures("client")
async def test_a_slow_answer_is_slow(server: DiscordServer) -> None:
    server.fail("POST", POST_MESSAGE, delay=0.2)
    reply = await server.wait_for_reply(await server.say(server.channel, "Slowly."))
    assert reply.at - server.requests[-1].at >= 0.2


async def test_a_reply_to_a_deleted_message_is_refused(server: DiscordServer, client: Echo) -> None:
    question = await server.say(server.channel, "Never mind.")
    await server.delete(question)
    await server.wait_until(lambda: client.trouble)
    refusal = client.trouble[0]
    assert isinstance(refusal, discord.HTTPException)
    assert (refusal.status, refusal.code) == (400, 50035)
    assert "Unknown message" in refusal.text


async def test_an_unarmed_route_must_exist(server: DiscordServer) -> None:
    with pytest.raises(ValueError, match="no operation"):
        server.fail("POST", "/channels/messages", status=500)


async def test_an_unknown_route_is_recorded() -> None:
    async with DiscordServer() as server:
        client = Echo()
        async with running(client, server):
            with pytest.raises(discord.NotFound):
                await client.fetch_premium_sticker_packs()
    assert server.unknown_requests == ["GET /sticker-packs"]


async def test_too_long_and_empty_messages_are_refused(server: DiscordServer, client: Echo) -> None:
    channel = client.get_partial_messageable(server.channel.id)
    with pytest.raises(discord.HTTPException, match="2000 or fewer"):
        await channel.send("x" * 2001)
    with pytest.raises(discord.HTTPException, match="empty message"):
        await channel.send("")
    assert server.messages == []


async def test_messages_are_edited_deleted_and_listed(server: DiscordServer, client: Echo) -> None:
    channel = client.get_partial_messageable(server.channel.id)
    sent = [await channel.send(f"{n}", embed=discord.Embed(title="Card")) for n in range(5)]
    await sent[0].edit(content="first")
    await sent[4].delete()
    first, last = server.messages[0], server.messages[4]
    assert first.content == "first"
    assert [edit["content"] for edit in first.edits] == ["first"]
    assert first.embeds[0]["title"] == "Card"
    assert last.deleted
    assert [m.content async for m in channel.history(limit=2)] == ["3", "2"]
    assert [m.content async for m in channel.history(before=sent[2])] == ["1", "first"]
    assert [m.content async for m in channel.history(after=sent[1])] == ["2", "3"]
    assert (await channel.fetch_message(sent[1].id)).content == "1"
    with pytest.raises(discord.NotFound):
        await channel.fetch_message(sent[4].id)


async def test_a_repeated_nonce_posts_once(server: DiscordServer, client: Echo) -> None:
    channel = client.get_partial_messageable(server.channel.id)
    first, second = await channel.send("Hello", nonce=7), await channel.send("Hello", nonce=7)
    assert first.id == second.id
    assert len(server.messages) == 1


async def test_pings_follow_the_allowed_mentions(server: DiscordServer, client: Echo) -> None:
    channel = client.get_partial_messageable(server.channel.id)
    text = f"@everyone {server.member.mention} {server.admin.mention}"
    await channel.send(text)
    await channel.send(text, allowed_mentions=discord.AllowedMentions.none())
    only = discord.AllowedMentions(users=[discord.Object(server.admin.id)], everyone=False)
    await channel.send(text, allowed_mentions=only)
    default, nobody, one = server.messages
    assert default.pings_everyone
    assert default.pinged == {server.member.id, server.admin.id}
    assert not nobody.pings_everyone
    assert nobody.pinged == set()
    assert one.pinged == {server.admin.id}


async def test_files_travel_in_both_directions(server: DiscordServer, client: Echo) -> None:
    await server.say(server.channel, "See this.", attachments=[Attachment("in.txt", b"review")])
    await server.wait_for_message()
    received = client.heard[0].attachments[0]
    assert received.filename == "in.txt"
    assert await received.read() == b"review"
    plot = discord.File(BytesIO(b"figure"), "plot.png", description="A figure")
    await client.heard[0].channel.send("Here.", file=plot)
    posted = await server.wait_for_message(lambda message: bool(message.files))
    assert posted.content == "Here."
    assert posted.files[0].filename == "plot.png"
    assert posted.files[0].description == "A figure"
    assert posted.files[0].data == b"figure"


async def test_a_slash_command_defers_and_follows_up(server: DiscordServer, client: Echo) -> None:
    await client.tree.sync()
    scan = Attachment("scan.png", b"12345")
    interaction = await server.slash("rate", {"film": "Alien", "stars": 5, "scan": scan})
    first = await server.wait_for_message(lambda m: m.interaction is interaction)
    second = await server.wait_for_message(lambda m: m.interaction is interaction)
    assert (
        interaction.response_type == discord.InteractionResponseType.deferred_channel_message.value
    )
    assert interaction.answered_after_s is not None
    assert interaction.answered_after_s < 3
    assert first is interaction.original
    assert first.content == "Alien: 5, 5 bytes"
    assert first.ephemeral
    assert second.content == "Thank you."
    assert second.interaction_id == interaction.id
    registered = {command["name"]: command for command in server.commands[None]}
    assert registered.keys() == {"rate", "Classify", "model"}
    assert interaction.data["id"] == registered["rate"]["id"]


async def test_a_message_command_reads_its_target(server: DiscordServer, client: Echo) -> None:
    target = await server.say(server.channel, "Hidden otherwise.", mention_bot=False)
    await server.message_command("Classify", target, author=server.admin)
    assert (await server.wait_for_message()).content == "It reads: Hidden otherwise."
    assert client.heard[0].content == ""


async def test_permissions_come_from_the_roles_or_the_call(
    server: DiscordServer, client: Echo
) -> None:
    refused: asyncio.Queue[app_commands.AppCommandError] = asyncio.Queue()

    async def on_error(_: discord.Interaction, error: app_commands.AppCommandError) -> None:
        refused.put_nowait(error)

    client.tree.error(on_error)
    await server.slash("model promote", author=server.member)
    assert isinstance(await refused.get(), app_commands.MissingPermissions)
    for author, permissions in ((server.admin, None), (server.member, EVERY_PERMISSION)):
        await server.slash("model promote", author=author, permissions=permissions)
        assert (await server.wait_for_message()).content == "Done."


async def test_a_button_changes_its_message(server: DiscordServer, client: Echo) -> None:
    await server.slash("model promote", author=server.admin)
    posted = await server.wait_for_message()
    press = await server.press(posted, "right")
    await server.wait_until(lambda: posted.edits)
    assert posted.content == "Glad to hear it."
    assert press.original is posted
    with pytest.raises(ValueError, match="disabled"):
        await server.press(posted, "right")
    with pytest.raises(LookupError):
        await server.press(posted, "left")
    assert client.is_ready()


@pytest.mark.usefixtures("client")
async def test_an_interaction_is_answered_in_time_and_once(server: DiscordServer) -> None:
    late = await server.slash("rate", {"film": "Alien", "stars": 5})
    late.created_at -= 4
    await server.wait_until(lambda: server.requests[-1].status == 404)
    assert late.response is None
    answered = await server.slash("rate", {"film": "Alien", "stars": 5})
    await server.wait_until(lambda: answered.response)
    callback = f"{server.api_base}/interactions/{answered.id}/{answered.token}/callback"
    async with (
        aiohttp.ClientSession() as session,
        session.post(callback, json={"type": 5}) as again,
    ):
        assert again.status == 400
        assert (await again.json())["code"] == 40060


@pytest.mark.usefixtures("client")
async def test_a_slash_command_works_in_a_direct_message(server: DiscordServer) -> None:
    channel = server.world.dm_channel(server.member)
    interaction = await server.slash("rate", {"film": "Alien", "stars": 4}, channel=channel)
    assert (await server.wait_for_message()).content == "Alien: 4"
    assert interaction.user is server.member


async def test_the_account_of_a_failed_wait_says_what_happened(
    server: DiscordServer, client: Echo
) -> None:
    await client.get_partial_messageable(server.channel.id).send("Other")
    with pytest.raises(TimeoutError, match=r"Other|POST /channels"):
        await server.wait_for_message(lambda m: m.content == "This", timeout=0.05)


async def test_lookups_answer_what_the_world_holds(server: DiscordServer, client: Echo) -> None:
    guild = await client.fetch_guild(server.guild.id, with_counts=False)
    assert guild.owner_id == server.admin.id
    assert (await guild.fetch_member(server.member.id)).name == server.member.name
    assert (await client.fetch_user(server.owner.id)).name == server.owner.name
    assert (await client.application_info()).owner.id == server.owner.id
    dm = await (await client.fetch_user(server.member.id)).create_dm()
    assert (await client.fetch_channel(dm.id)).id == dm.id
    async with dm.typing():
        await dm.send("Unasked.")
    assert server.typing == [dm.id]
    assert server.messages[-1].channel.recipient is server.member


@pytest.mark.skipif(not OPENAPI.exists(), reason=f"no {OPENAPI}: set DISCORD_OPENAPI to its place")
async def test_the_traffic_keeps_to_discords_contract() -> None:
    async with DiscordServer(openapi=OPENAPI) as server:
        client = Echo()
        async with running(client, server):
            await client.tree.sync()
            await test_a_slash_command_defers_and_follows_up(server, client)
            await test_a_button_changes_its_message(server, client)
            await test_files_travel_in_both_directions(server, client)
            await test_lookups_answer_what_the_world_holds(server, client)
            await client.tree.sync(guild=discord.Object(server.guild.id))
            assert len(await client.tree.fetch_commands()) == 3
            assert server.violations == []
            assert server.unknown_requests == []
            send = discord.http.Route("POST", POST_MESSAGE, channel_id=server.channel.id)
            await client.http.request(send, json={"content": "Hi", "nonce": "n" * 26})
    assert len(server.violations) == 1
    assert "POST /channels/{channel_id}/messages request: $.nonce" in server.violations[0]


async def test_the_bot_runs_in_a_process_of_its_own(server: DiscordServer, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(
        "import sys, discord\n"
        "client = discord.Client(intents=discord.Intents.default())\n"
        "@client.event\n"
        "async def on_message(message):\n"
        "    if message.author != client.user:\n"
        "        await message.reply(sys.argv[1])\n"
        f"client.run({server.token!r})\n"
    )
    argv = bot_process_argv(server, "from elsewhere")
    process = await asyncio.create_subprocess_exec(*argv, cwd=tmp_path)
    try:
        await server.ready(timeout=20)
        question = await server.say(server.channel, "Who are you?")
        assert (await server.wait_for_reply(question)).content == "from elsewhere"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
