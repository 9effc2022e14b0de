"""Takes an edited responses.yaml into use while the bot runs; a broken one never takes effect."""

import asyncio
import logging
from functools import partial
from pathlib import Path

import discord
from discord import app_commands
from discord.ext import tasks

from bot.errors import ResponsesError
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.operators import OperatorCog, tell_operators
from bot.logs import whereabouts
from bot.responses import MAX_CHARACTERS, Responses

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between looks at the file. A change counts once two looks see the same: an editor may write it
in parts."""

_UNREADABLE = "The file cannot be read, because of a bug: the log says where."


@app_commands.default_permissions(administrator=True)
class ResponsesCommands(OperatorCog, group_name="responses", group_description="What the bot says"):
    """The watcher, and /responses reload for those who cannot wait."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._file = bot.settings.responses_file
        self._in_use = self._seen = _fingerprint(self._file)

    async def cog_load(self) -> None:
        self.watch.start()

    async def cog_unload(self) -> None:
        self.watch.cancel()

    @app_commands.command(name="reload", description="Read the file with the sentences again")
    async def reload(self, interaction: discord.Interaction) -> None:
        try:
            said = await self._reload()
        except ResponsesError as error:
            said = _refusal(error)
        await interaction.response.send_message(said, ephemeral=True)

    @tasks.loop(seconds=LOOK_SECONDS)
    async def watch(self) -> None:
        """Reads the file when it has changed; a file that cannot be used is told once."""
        before, self._seen = self._seen, _fingerprint(self._file)
        if self._seen == self._in_use or self._seen != before:
            return
        try:
            log.info(await self._reload())
        except ResponsesError as error:
            await tell_operators(self._bot, _refusal(error))
        except Exception as error:  # a bug, which must not end the watching
            log.error("Reading %s failed: %s", self._file, whereabouts(error))
            await tell_operators(self._bot, _refusal(ResponsesError(_UNREADABLE)))

    async def _reload(self) -> str:
        """Takes the file into use, and returns a sentence on it; raises ResponsesError."""
        self._in_use = self._seen = _fingerprint(self._file)
        # In a thread, as customers are answered meanwhile.
        load = partial(Responses.load, self._file, self._bot.settings.help_line)
        responses = await asyncio.to_thread(load)
        self._bot.concierge.responses = responses
        return f"{self._file} is in use from now on: {responses.count} sentences."


def _refusal(error: ResponsesError) -> str:
    """With the lines to copy as a block of code, or as many of them as there is room for."""
    refusal = f"The sentences stay as they were. {error.problem}"[:MAX_CHARACTERS]
    if not error.sample:
        return refusal
    room = MAX_CHARACTERS - len(f"{refusal}\n```yaml\n```")
    lines = error.sample.splitlines(keepends=True)
    # A list is two lines. Once these are in the file, the next refusal has the others.
    while len("".join(lines)) > room:
        del lines[-2:]
    return f"{refusal}\n```yaml\n{''.join(lines)}```"


def _fingerprint(file: Path) -> tuple[int, int, int] | None:
    """What changes with the file; None while there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(ResponsesCommands(bot))
