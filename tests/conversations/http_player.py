"""The HTTP front end, as the runner speaks to it: a real server on loopback."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import count

import aiohttp

from bot.conversation.concierge import Concierge
from tests.bot.frontends.http_server import served
from tests.conversations.script import Step


class HttpHouse:
    """The server, for many conversations by different people."""

    def __init__(self, make: Callable[[], Concierge]) -> None:
        self._make = make
        self._running = AsyncExitStack()
        self.concierge: Concierge
        self.client: aiohttp.ClientSession
        self.numbers = count()

    async def start(self) -> None:
        self.concierge = self._make()
        self.client = await self._running.enter_async_context(served(self.concierge))

    async def stop(self) -> None:
        await self._running.aclose()


class HttpPlayer:
    """One conversation there."""

    def __init__(self, house: HttpHouse) -> None:
        self._house = house
        self._number = next(house.numbers)

    async def say(self, step: Step) -> str | None:
        """The reply to a message, of any way in; None for silence."""
        body = {"text": step.say, "conversation": f"{self._number}.{step.who}.{step.place}"}
        async with self._house.client.post("/v1/answer", json=body) as response:
            answer = await response.json()
            assert response.status == 200, answer
        reply: str = answer["reply"]
        return None if answer["repeated"] else reply

    async def restart(self) -> None:
        responses = self._house.concierge.responses
        await self._house.stop()
        await self._house.start()
        self._house.concierge.responses = responses

    async def work(self, button: str) -> None:
        raise AssertionError(f"there is no staff to press {button}")

    async def aclose(self) -> None:
        """Nothing is said without being asked."""
