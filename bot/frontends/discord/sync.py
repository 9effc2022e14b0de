"""Registers the commands with Discord: if they have changed, or on request.

Not at every start, as in many examples: Discord limits how often, and serves stale ones meanwhile.
"""

import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

from bot.errors import BotError
from bot.files import STATE, write_state
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, as_bot_error
from trainer.model.files import read_regular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.model.classifier import Encoding, Verdict

log = logging.getLogger(__name__)

STATE_FILE = STATE / "commands.json"
"""The hash of the last registered commands; in the working directory, like the checkpoints."""


MAX_STATE_BYTES = 65_536


class NoModel:
    """Replaces the model while commands are registered: nothing is judged then."""

    name = ""

    def encode(self, text: str) -> "Encoding":
        raise NotImplementedError

    def judge(self, encodings: "Sequence[Encoding]") -> "list[Verdict]":
        raise NotImplementedError


async def sync_if_changed(bot: ConciergeBot) -> None:
    """Syncs the command tree unless Discord has it already.

    A failure is logged, not raised: without its commands the bot still answers messages.
    """
    if _last_hash() == _hash(bot):
        return
    try:
        count = await sync(bot)
    except BotError as error:
        log.warning("The commands may be missing. %s", error)
    else:
        log.info("Registered %d commands with Discord, because they have changed", count)


async def sync(bot: ConciergeBot) -> int:
    """Syncs the command tree of a bot that has logged in; returns the number of its commands.

    Raises UnreachableError, RefusedRequestError or RateLimitedError if Discord refuses it.
    """
    try:
        commands = await bot.tree.sync()
    except CANNOT_SEND as error:
        raise as_bot_error(error) from None
    _remember(_hash(bot))
    return len(commands)


def _hash(bot: ConciergeBot) -> str:
    """Of the application's id and the commands, in a fixed order."""
    payload: list[Any] = [command.to_dict(bot.tree) for command in bot.tree.get_commands()]
    payload.sort(key=lambda command: (command["type"], command["name"]))
    content = json.dumps([bot.application_id, payload], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _last_hash() -> object:
    try:
        return json.loads(read_regular(STATE_FILE, MAX_STATE_BYTES))["hash"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None  # the first start, or the file was changed: syncing again is safe


def _remember(value: str) -> None:
    """Without the state file, the next start syncs again."""
    try:
        write_state(STATE_FILE, json.dumps({"hash": value}) + "\n")
    except OSError as error:
        log.warning("%s cannot be written (%s)", STATE_FILE, error.strerror)
