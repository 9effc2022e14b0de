"""Looks at something again and again while the bot runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.logs import whereabouts

log = logging.getLogger(__name__)


class Repeated:
    """Calls `look` with a pause of so many seconds, until it is cancelled.

    `what` names it in the log. An error is logged, and does not end it.

    discord.py's `tasks.loop` computes its pauses from the time of day: a clock that is set back
    stops it for as long, and one that is set ahead makes it run without a pause.
    """

    def __init__(self, what: str, seconds: float, look: Callable[[], Awaitable[object]]) -> None:
        self._what = what
        self.seconds = seconds
        self._look = look
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Looks for the first time at once."""
        self._task = asyncio.create_task(self._run())

    def cancel(self) -> None:
        """Also ends a look in progress."""
        if self._task is not None:
            self._task.cancel()

    async def look(self) -> None:
        """Looks once."""
        try:
            await self._look()
        except Exception as error:
            log.error("%s failed: %s", self._what, whereabouts(error))

    async def _run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self.seconds)
