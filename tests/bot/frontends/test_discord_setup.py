"""/setup: an admin sets the desk of a server up, changes it, and undoes it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import time
from pathlib import Path

import pytest

from bot.desk.desk import Desk
from bot.desk.store import Hours, ServerSettings, Shift, database
from bot.sentences.file import Sentence
from bot.sentences.responses import Kind, Responses
from tests.bot.desk.conftest import MovableClock
from tests.bot.frontends.desk import opened_desk
from tests.bot.frontends.loopback import serving
from tests.bot.stub import KeywordClassifier
from tests.discord_server import ADMINISTRATOR, DiscordServer, Interaction, Posted

MANAGE_SERVER = 1 << 5
SEND_MESSAGES = 1 << 11


@pytest.fixture
async def desk(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    clock: MovableClock,
    tmp_path: Path,
) -> AsyncIterator[Desk]:
    """Of the bot, which is connected. Its clock stands still, as the panel shows the time."""
    async with (
        opened_desk(tmp_path, clock) as desk,
        serving(server, classifier, responses, desk),
    ):
        yield desk


async def _kept(server: DiscordServer, desk: Desk) -> ServerSettings:
    return await desk.store.settings(f"discord:{server.guild.id}")


async def _answer(server: DiscordServer, interaction: Interaction) -> Posted:
    """The answer to it, which only the one who asks can see."""
    posted = await server.wait_for_message(lambda p: p.interaction_id == interaction.id)
    assert posted.ephemeral
    return posted


async def _panel(server: DiscordServer) -> Posted:
    return await _answer(server, await server.slash("setup start", author=server.admin))


async def _choose(server: DiscordServer, panel: Posted, menu: str, *ids: int) -> None:
    edits = len(panel.edits)
    await server.press(panel, f"setup:{menu}", author=server.admin, values=list(map(str, ids)))
    await server.wait_until(lambda: len(panel.edits) > edits)


async def _fill_in(
    server: DiscordServer, panel: Posted, form: str, **values: str
) -> tuple[Posted, Interaction]:
    """Opens a form and submits it."""
    opened = await server.press(panel, f"setup:{form}", author=server.admin)
    await server.wait_until(lambda: opened.response)
    return panel, await server.submit(opened, values)


async def test_an_admin_sets_a_server_up_from_the_panel_alone(
    server: DiscordServer, desk: Desk
) -> None:
    panel = await _panel(server)
    assert "none, so no customer is handed over" in panel.content
    assert panel.content.endswith("\n> a person sentence")
    helpers = server.world.add_role("helpers")
    made = {"guild_id": str(server.guild.id), "role": helpers.payload}
    await server.send_event("GUILD_ROLE_CREATE", made)
    await _choose(server, panel, "channel", server.other_channel.id)
    await _choose(server, panel, "roles", helpers.id)
    await _choose(server, panel, "mention", helpers.id)
    for form, values in (
        (
            "hours",
            {"hours": "mon-fri 9:00-17:00", "zone": "europe/berlin", "quiet": "22:00 - 7:30"},
        ),
        ("numbers", {"minutes": "15", "days": "365"}),
    ):
        edits = len(panel.edits)
        await _fill_in(server, panel, form, **values)
        await server.wait_until(lambda edits=edits: len(panel.edits) > edits)  # type: ignore[misc]
    for switch in ("private_threads", "alerts", "digest"):
        await _choose(server, panel, switch)
    assert await _kept(server, desk) == ServerSettings(
        staff_channel=f"discord:{server.other_channel.id}",
        staff_roles=(f"discord:{helpers.id}",),
        mention_role=f"discord:{helpers.id}",
        working_hours=tuple(Shift(day, Hours(time(9), time(17))) for day in range(5)),
        time_zone="Europe/Berlin",
        reminder_minutes=15,
        retention_days=365,
        private_threads=True,
        alerts=True,
        digest=True,
        quiet_hours=Hours(time(22), time(7, 30)),
    )
    assert panel.content.endswith(
        "> a handed_over sentence\nOutside the working hours:\n> a out_of_hours sentence"
    )
    assert f"**Staff channel:** <#{server.other_channel.id}>" in panel.content
    assert f"**Staff roles:** <@&{helpers.id}>" in panel.content
    assert f"**Role that a card notifies:** <@&{helpers.id}>" in panel.content
    assert f"I cannot notify <@&{helpers.id}>. Allow anyone to mention it" in panel.content
    assert (
        "**Working hours:** Mon-Fri 09:00-17:00 (Europe/Berlin, where it is 13:30 now)"
        in panel.content
    )
    assert "**Alerts:** on · **Weekly digest:** on · **Quiet hours for both:** 22:00-07:30" in (
        panel.content
    )
    assert "**Reminder:** after 15 minutes" in panel.content
    assert "kept for:** 365 days" in panel.content
    shown = await _answer(server, await server.slash("setup show", author=server.admin))
    assert shown.content == panel.content
    assert shown.components == []
    assert server.unknown_requests == server.violations == []


async def test_the_panel_shows_what_is_chosen_and_everything_can_be_unset(
    server: DiscordServer, desk: Desk
) -> None:
    panel = await _panel(server)
    await _choose(server, panel, "channel", server.channel.id)
    (chosen,) = panel.component("setup:channel")["default_values"]
    assert int(chosen["id"]) == server.channel.id
    await _choose(server, panel, "channel")
    assert (await _kept(server, desk)).staff_channel is None


async def test_a_missing_permission_in_the_staff_channel_is_named(
    server: DiscordServer, desk: Desk
) -> None:
    del desk
    server.other_channel.denied = SEND_MESSAGES
    await server.send_event("CHANNEL_UPDATE", server.other_channel.payload)
    panel = await _panel(server)
    await _choose(server, panel, "channel", server.channel.id)
    assert "I lack" not in panel.content
    await _choose(server, panel, "channel", server.other_channel.id)
    assert "In that channel I lack: Send Messages." in panel.content
    await _choose(server, panel, "private_threads")
    assert "I lack: Create Private Threads, Send Messages in Threads." in panel.content
    await server.send_event("CHANNEL_DELETE", server.other_channel.payload)
    shown = await _answer(server, await server.slash("setup show", author=server.admin))
    assert "That channel is gone" in shown.content


@pytest.mark.parametrize(
    ("form", "values", "reason"),
    [
        ("hours", {"hours": "9 to 5"}, "Working hours need days and times"),
        ("hours", {"hours": "Mon 9-5"}, "A time must have hours"),
        ("hours", {"quiet": "at night"}, "Quiet hours must be two times, such as 22:00-07:00"),
        ("hours", {"quiet": "22-7"}, "A time must have hours"),
        ("hours", {"zone": "Atlantis"}, "such as Europe/Berlin"),
        ("numbers", {"minutes": "soon"}, "The reminder must be a whole number from 0 to 10,080."),
        ("numbers", {"minutes": "-1"}, "The reminder must be"),
        ("numbers", {"days": "0"}, "The retention must be a whole number from 1 to 3,650."),
    ],
)
async def test_a_form_that_cannot_be_read_changes_nothing_and_says_why(
    server: DiscordServer, desk: Desk, form: str, values: dict[str, str], reason: str
) -> None:
    _, submitted = await _fill_in(server, await _panel(server), form, **values)
    answer = await _answer(server, submitted)
    assert answer.content.startswith("Nothing has changed. ")
    assert reason in answer.content
    assert await _kept(server, desk) == ServerSettings()


@pytest.fixture
def responses() -> Responses:
    """One sentence of each kind in English; of some, also in German."""
    german = {kind: [Sentence(f"deutsch {kind}")] for kind in (Kind.POSITIVE, Kind.PERSON)}
    return Responses({kind: [f"a {kind} sentence"] for kind in Kind}, locales={"de": german})


async def test_a_server_chooses_the_language_of_its_sentences(
    server: DiscordServer, desk: Desk
) -> None:
    async def said(text: str) -> str:
        written = await server.say(server.channel, text)
        return (await server.wait_for_reply(written)).content

    panel = await _panel(server)
    options = panel.component("setup:language")["options"]
    assert [option["label"] for option in options] == [
        "Language: as Discord says",
        "Language: English (en)",
        "Language: German (de)",
    ]
    assert await said("great") == "a positive sentence"
    for value, kept, sentence in (("de", "de", "deutsch"), ("en", "en", "a"), ("auto", None, "a")):
        edits = len(panel.edits)
        await server.press(panel, "setup:language", author=server.admin, values=[value])
        await server.wait_until(lambda n=edits: len(panel.edits) > n)  # type: ignore[misc]
        assert (await _kept(server, desk)).locale == kept
        assert f"> {sentence} person" in panel.content
        assert (await said("great")).startswith(f"{sentence} positive")
    for option in panel.component("setup:language")["options"]:
        assert option.get("default", False) is (option["value"] == "auto")
    await desk.set_settings(f"discord:{server.guild.id}", ServerSettings(locale="fr"))
    shown = await _answer(server, await server.slash("setup show", author=server.admin))
    assert "**Language:** French (fr)" in shown.content
    assert "no sentences in that language any more" in shown.content
    assert server.unknown_requests == server.violations == []


async def test_everybody_is_no_staff(server: DiscordServer, desk: Desk) -> None:
    panel = await _panel(server)
    used = await server.press(
        panel, "setup:roles", author=server.admin, values=[str(server.guild.id)]
    )
    assert "Choose another one" in (await _answer(server, used)).content
    used = await server.press(
        panel, "setup:mention", author=server.admin, values=[str(server.guild.id)]
    )
    assert "would notify everybody" in (await _answer(server, used)).content
    assert await _kept(server, desk) == ServerSettings()


async def test_a_channel_of_another_server_is_refused(server: DiscordServer, desk: Desk) -> None:
    panel = await _panel(server)
    used = await server.press(panel, "setup:channel", author=server.admin, values=["4711"])
    assert "Choose another one" in (await _answer(server, used)).content
    used = await server.press(
        panel, "setup:channel", author=server.admin, values=["4711"], permissions=0
    )
    assert "Manage Server" in (await _answer(server, used)).content
    assert (await _kept(server, desk)).staff_channel is None


async def test_of_two_admins_at_once_neither_undoes_the_others_change(
    server: DiscordServer, desk: Desk
) -> None:
    other = server.world.add_user("anna", server.world.add_role("admins", ADMINISTRATOR))
    helpers = server.world.add_role("helpers")
    panels = [await _panel(server), await _panel(server)]
    chosen = str(server.channel.id)
    await server.press(panels[0], "setup:channel", author=server.admin, values=[chosen])
    await server.press(panels[1], "setup:roles", author=other, values=[str(helpers.id)])
    await server.wait_until(lambda: all(panel.edits for panel in panels))
    kept = await _kept(server, desk)
    assert (kept.staff_channel, kept.staff_roles) == (
        f"discord:{chosen}",
        (f"discord:{helpers.id}",),
    )


async def test_a_database_that_cannot_be_written_is_in_the_log_with_what_to_do(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.05)
    async with opened_desk(tmp_path) as desk, serving(server, classifier, responses, desk):
        panel = await _panel(server)
        file = tmp_path / "desk.sqlite3"
        with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
            # In a thread: the desk may be writing, and ends that on this loop.
            await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")
            chosen = [str(server.channel.id)]
            used = await server.press(panel, "setup:channel", author=server.admin, values=chosen)
            assert (await _answer(server, used)).content == "a failure sentence"
    assert (
        "Choosing a staff channel failed: The desk's database cannot be used: SQLITE_BUSY, an"
        in (caplog.text)
    )


async def test_the_set_up_is_undone(server: DiscordServer, desk: Desk) -> None:
    panel = await _panel(server)
    await _choose(server, panel, "channel", server.channel.id)
    answer = await _answer(server, await server.slash("setup reset", author=server.admin))
    assert "The set-up is undone" in answer.content
    assert await _kept(server, desk) == ServerSettings()


@pytest.mark.parametrize("command", ["start", "show", "reset"])
async def test_others_than_admins_are_refused(
    server: DiscordServer, desk: Desk, command: str
) -> None:
    del desk
    for who in (server.member, server.owner):  # who owns the bot, not the server
        used = await server.slash(f"setup {command}", author=who)
        assert "Manage Server" in (await _answer(server, used)).content
    for granted in (MANAGE_SERVER, ADMINISTRATOR):
        used = await server.slash(f"setup {command}", author=server.member, permissions=granted)
        assert "Only people" not in (await _answer(server, used)).content


async def test_the_panel_is_of_no_use_to_one_who_is_no_admin_any_more(
    server: DiscordServer, desk: Desk
) -> None:
    panel = await _panel(server)
    for name, values in (
        ("channel", [str(server.channel.id)]),
        ("private_threads", []),
        ("hours", []),
    ):
        used = await server.press(
            panel, f"setup:{name}", author=server.admin, values=values, permissions=0
        )
        assert "Manage Server" in (await _answer(server, used)).content
    opened = await server.press(panel, "setup:numbers", author=server.admin)
    await server.wait_until(lambda: opened.response)
    submitted = await server.submit(opened, {"minutes": "1"}, permissions=0)
    assert "Manage Server" in (await _answer(server, submitted)).content
    assert await _kept(server, desk) == ServerSettings()


async def test_without_a_desk_it_says_so(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses):
        used = await server.slash("setup start", author=server.admin)
        assert "The service desk is off" in (await _answer(server, used)).content
