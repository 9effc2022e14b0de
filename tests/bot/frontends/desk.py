"""A desk for tests of the front end, and its staff."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bot.desk.desk import Desk, open_desk
from bot.desk.schedule import Clock, utc_now
from bot.settings import Settings
from tests.discord_server import Channel, DiscordServer, Interaction, Posted, User

Start = Callable[..., AbstractAsyncContextManager[Desk]]
"""Starts the bot with a desk, in a server with these settings (default: a staff channel)."""


@asynccontextmanager
async def opened_desk(folder: Path, clock: Clock = utc_now) -> AsyncIterator[Desk]:
    """A desk whose database is a file in this folder."""
    url = f"sqlite:///{folder}/desk.sqlite3"
    async with open_desk(Settings(database_url=url), clock) as desk:  # type: ignore[arg-type]
        assert desk is not None
        yield desk


async def until_ready(server: DiscordServer, caplog: pytest.LogCaptureFixture) -> None:
    """Waits until discord.py has heard of every server, which it gives two seconds."""
    await server.wait_until(lambda: "Ready as" in caplog.text, 60)
    caplog.clear()  # so that the next start is not taken for ready


async def ask(server: DiscordServer, text: str, author: User | None = None) -> tuple[int, Posted]:
    written = await server.say(server.channel, text, author=author)
    return written, await server.wait_for_reply(written)


async def ask_as_newcomer(server: DiscordServer, text: str) -> tuple[int, Posted]:
    """The same by somebody who has never written before, and so has no card to join."""
    return await ask(server, text, server.world.add_user("newcomer"))


def cards_in(server: DiscordServer, staff: Channel) -> list[Posted]:
    return [posted for posted in server.messages if posted.channel is staff]


async def card_in(server: DiscordServer, staff: Channel, number: int = 1) -> Posted:
    """The latest card, once there are so many."""
    await server.wait_until(lambda: len(cards_in(server, staff)) >= number)
    return cards_in(server, staff)[number - 1]


def labels(message: Posted) -> dict[str, str]:
    """The ids of its buttons, by what is on them."""
    buttons = [button for row in message.components for button in row["components"]]
    return {button["label"]: button["custom_id"] for button in buttons}


async def press(
    server: DiscordServer, card: Posted, label: str, author: User, permissions: int | None = None
) -> Interaction:
    pressed = await server.press(card, labels(card)[label], author=author, permissions=permissions)
    await server.wait_until(lambda: pressed.answered_after_s is not None)
    return pressed


async def refusal(server: DiscordServer, pressed: Interaction) -> str:
    said = await server.wait_for_message(lambda posted: posted.interaction_id == pressed.id)
    assert said.ephemeral
    return said.content
