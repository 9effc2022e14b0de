"""The two front ends, as the runner speaks to them: a message in, the text of the reply out."""

import asyncio
import io
import logging
import os
import re
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import time
from typing import Protocol

import pytest

from bot.conversation.concierge import Concierge
from bot.desk.desk import Desk, open_desk
from bot.desk.store import Hours, ServerSettings, Shift
from bot.frontends import console
from bot.frontends.discord.client import log as client_log
from bot.frontends.discord.references import reference
from bot.sentences.responses import Kind
from tests.bot.frontends.loopback import connected
from tests.bot.stub import settings
from tests.conversations.script import By, Step, kind_of
from tests.discord_server import Channel, DiscordServer, Posted, User

SECONDS = 5.0

MakeConcierge = Callable[[], Concierge]
"""A concierge as after a start: it has asked nothing yet."""


class Player(Protocol):
    """A front end in one conversation."""

    async def say(self, step: Step) -> str | None:
        """What is replied to a message; None for silence."""

    async def restart(self) -> None:
        """Ends the program, and starts it anew."""

    async def work(self, button: str) -> None:
        """Staff press a button under the latest card."""

    async def aclose(self) -> None:
        """Ends the conversation, and checks that there was no message other than the replies."""


class _Lines(io.BytesIO):
    """Standard output: the lines that were flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed: asyncio.Queue[str] = asyncio.Queue()

    def flush(self) -> None:
        for line in self.getvalue().decode().splitlines():
            self.flushed.put_nowait(line)
        self.seek(0)
        self.truncate()


class TerminalPlayer:
    """`python -m bot chat` in this process, on two pipes."""

    def __init__(self, make: MakeConcierge, monkeypatch: pytest.MonkeyPatch) -> None:
        self._make, self._monkeypatch = make, monkeypatch
        self._lines = _Lines()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(self._lines, "utf-8"))
        self._chat: asyncio.Task[None] | None = None
        self._input = self._keyboard = -1

    async def say(self, step: Step) -> str | None:
        if self._chat is None:
            self._begin()
        os.write(self._keyboard, f"{step.say}\n".encode())
        line = await asyncio.wait_for(self._lines.flushed.get(), SECONDS)
        return None if line == console.SILENCE else re.sub(r"^\[\w+ \d+%[ \w]*\] ", "", line)

    def _begin(self) -> None:
        self._input, self._keyboard = os.pipe()
        self._monkeypatch.setattr("bot.frontends.lines.STDIN", self._input)
        self._chat = asyncio.create_task(console.chat(self._make()))

    async def restart(self) -> None:
        await self.aclose()

    async def work(self, button: str) -> None:
        raise AssertionError(f"the terminal has no staff to press {button}")

    async def aclose(self) -> None:
        if self._chat is not None:
            os.close(self._keyboard)
            await asyncio.wait_for(self._chat, SECONDS)
            os.close(self._input)
            self._chat = None
        assert self._lines.flushed.empty()


class DiscordHouse:
    """The bot on the loopback Discord, for many conversations by different people."""

    def __init__(self, server: DiscordServer, make: MakeConcierge) -> None:
        self.server = server
        self._make = make
        self._running = AsyncExitStack()
        self.staff = server.world.add_channel("staff")
        self.concierge: Concierge
        self._desk: Desk

    async def set_up(self, staff: str | None) -> None:
        """Sets up the server's desk: its staff are "here" or "away", or it has none."""
        elsewhen = Shift((self._desk.clock().weekday() + 3) % 7, Hours(time(0), time(1)))
        chosen = ServerSettings(
            staff_channel=None if staff is None else reference(self.staff.id),
            working_hours=(elsewhen,) if staff == "away" else (),
            private_threads=True,
        )
        await self._desk.store.set_settings(reference(self.server.guild.id), chosen)

    async def start(self) -> None:
        self.concierge = self._make()
        # discord.py stumbles over a client that is closed before it is ready.
        is_ready = _Heard("Ready as")
        client_log.addHandler(is_ready)
        self._running.callback(client_log.removeHandler, is_ready)
        chosen = settings(self.server.token, messages_per_second=0)
        desk = await self._running.enter_async_context(open_desk(chosen))
        assert desk is not None
        self._desk = desk
        bot = connected(self.server, self.concierge, chosen, desk)
        await self._running.enter_async_context(bot)
        await self.server.wait_until(lambda: is_ready.heard, 60)

    async def stop(self) -> None:
        await self._running.aclose()


class _Heard(logging.Handler):
    """Notes whether a line of the log begins so."""

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self._beginning = beginning
        self.heard = False

    def emit(self, record: logging.LogRecord) -> None:
        self.heard = self.heard or record.getMessage().startswith(self._beginning)


class DiscordPlayer:
    """One conversation there, by people who have never written before."""

    def __init__(self, house: DiscordHouse) -> None:
        self._house, self._server = house, house.server
        self._people: dict[str, User] = {}
        self._last: dict[str, tuple[int, Posted]] = {}
        """Of each person, the last message and the reply to it."""
        self._question: Posted | None = None
        self._posted = self._said_to_customers()
        self._unchanged: list[tuple[Posted, str]] = []
        """Replies that an edit must not change, and what they say."""

    async def say(self, step: Step) -> str | None:
        if step.who not in self._people:
            self._people[step.who] = self._server.world.add_user(step.who)
        author = self._people[step.who]
        earlier = self._last.get(step.who)
        reply: Posted | None
        if step.by is By.BUTTON:
            reply = await self._press(step.say, author)
        elif step.by is By.EDIT:
            reply = await self._edit(step)
        elif step.by is By.SLASH:
            reply = await self._use_slash(step, author)
        else:
            message = await self._write(step, author)
            if step.kind == "silence":
                return None  # the replies are counted at the end
            reply = await self._server.wait_for_reply(message)
            self._posted += 1
            self._last[step.who] = message, reply
        if reply is None:
            return None
        if {"👍", "Not quite"} & set(_labels(reply)):
            self._question = reply
        if step.earlier is not None:
            assert earlier is not None, "there is no earlier reply"
            await self._see_changed(earlier[1], step.earlier)
        return reply.content

    async def _write(self, step: Step, author: User) -> int:
        server = self._server
        places = {"reviews": server.channel, "lobby": server.other_channel}
        channel = places.get(step.place) or server.guild.threads[-1]
        if step.by is By.DM:
            return await server.dm(step.say, author=author)
        if step.by in (By.REPLY, By.BARE_REPLY):
            _, replied_to = self._last[step.who]
            return await server.say(
                replied_to.channel,
                step.say,
                author=author,
                mention_bot=False,
                reply_to=replied_to,
                ping_reply=step.by is By.REPLY,
            )
        return await server.say(channel, step.say, author=author)

    async def _press(self, label: str, author: User) -> Posted:
        assert self._question is not None, "nothing has been asked"
        question = self._question
        ids = dict(zip(_labels(question), _ids(question), strict=True))
        pressed = await self._server.press(question, ids[label], author=author)
        await self._server.wait_until(lambda: pressed.answered_after_s is not None)
        own = [posted for posted in self._server.messages if posted.interaction_id == pressed.id]
        if not own:
            assert label not in _labels(question), "the button is still there"
            return question
        assert own[0].ephemeral
        self._posted += 1
        return own[0]

    async def _see_changed(self, earlier: Posted, into: str) -> None:
        def is_changed() -> bool:
            is_there = into in ("without buttons", kind_of(earlier.content))
            return is_there and earlier.components == []

        await self._server.wait_until(is_changed)

    async def _edit(self, step: Step) -> Posted | None:
        message, reply = self._last[step.who]
        edits = len(reply.edits)
        await self._server.edit(message, step.say)
        if step.kind == "silence":
            self._unchanged.append((reply, reply.content))
            return None
        await self._server.wait_until(lambda: len(reply.edits) > edits)
        return reply

    async def _use_slash(self, step: Step, author: User) -> Posted:
        channel = self._server.channel if step.place == "reviews" else self._server.other_channel
        options = {"text": step.say}
        used = await self._server.slash("review", options, author=author, channel=channel)
        reply = await self._server.wait_for_message(lambda posted: posted.interaction_id == used.id)
        self._posted += 1
        return reply

    async def work(self, button: str) -> None:
        staff = self._house.staff
        # Beside cards, there are answers that only the one who pressed sees.
        said = [each for each in self._server.messages if each.channel is staff]
        card = next(each for each in reversed(said) if not each.ephemeral)
        ids = dict(zip(_labels(card), _ids(card), strict=True))
        pressed = await self._server.press(card, ids[button], author=self._server.admin)
        await self._server.wait_until(lambda: pressed.answered_after_s is not None)
        if button == "Claim":  # its thread is open once staff hear so
            await self._server.wait_for_message(lambda posted: posted.interaction_id == pressed.id)

    async def restart(self) -> None:
        responses = self._house.concierge.responses
        await self._house.stop()
        await self._house.start()
        self._house.concierge.responses = responses

    async def aclose(self) -> None:
        for reply, said in self._unchanged:
            await self._see_an_edit(reply.channel)
            assert reply.content == said
        assert self._said_to_customers() == self._posted
        assert self._server.unknown_requests == self._server.violations == []

    async def _see_an_edit(self, channel: Channel) -> None:
        """Replies of a channel change in their order: earlier edits are through after this one."""
        author = channel.recipient or self._server.world.add_user("sven")
        written = await self._server.say(channel, "half great", author=author)
        reply = await self._server.wait_for_reply(written)
        self._posted += 1
        await self._server.edit(written, "great")
        await self._server.wait_until(lambda: len(reply.edits) == 1)

    def _said_to_customers(self) -> int:
        """Messages so far, without the reports of faults to the owner and those to staff."""
        server = self._server
        return sum(
            posted.channel.recipient is not server.owner
            and posted.channel is not self._house.staff
            and kind_of(posted.content) not in (Kind.PERSON_IS_HERE, Kind.PERSON_HAS_LEFT)
            for posted in server.messages
        )


def _labels(message: Posted) -> list[str]:
    return [button["label"] for row in message.components for button in row["components"]]


def _ids(message: Posted) -> list[str]:
    return [button["custom_id"] for row in message.components for button in row["components"]]
