"""A client for the load test: `bare`, `stub`, `desk` or `checkpoint`.

It prints the lag of its event loop.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from statistics import quantiles

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot import logs
from bot.conversation.concierge import Concierge
from bot.conversation.language import load_identifier
from bot.conversation.throttle import Throttle
from bot.desk.desk import open_desk
from bot.engine import Engine, TextClassifier
from bot.frontends.discord import serve
from bot.operations.actions import Operations
from bot.sentences.responses import Responses
from bot.settings import Settings, load_settings
from trainer.model.checkpoint import serving_checkpoint
from trainer.model.classifier import Classifier, Encoding, Verdict
from trainer.model.statements import load_phrases

TIMER_SECONDS = 0.005


class Stub:
    """Judges every text as positive, without delay."""

    name = "stub"

    def encode(self, text: str) -> Encoding:
        return Encoding([], None, len(text) // 4)

    def judge(self, encodings: Sequence[Encoding]) -> list[Verdict]:
        return [Verdict("positive", 0.99, {"negative": 0.01, "positive": 0.99}) for _ in encodings]


class Bare(discord.Client):
    """The minimal client that replies."""

    async def on_message(self, message: discord.Message) -> None:
        if self.user in message.mentions and message.author != self.user:
            await message.reply("ok", mention_author=False)


async def watch_the_loop(late: list[float]) -> None:
    """Records how late a timer fires, in milliseconds."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(TIMER_SECONDS)
        late.append(1000 * (time.perf_counter() - began - TIMER_SECONDS))


async def run(side: str, settings: Settings) -> None:
    """Serves until SIGTERM, then prints the lag."""
    late: list[float] = []
    watching = asyncio.create_task(watch_the_loop(late))
    if side == "bare":
        await run_bare(settings)
    else:
        load_identifier()
        load_phrases()
        opening = open_desk(settings) if side == "desk" else nullcontext()
        async with Engine(_classifier(side)) as engine, opening as desk:
            responses = Responses.load(settings.responses_file)
            concierge = Concierge(engine, responses, Throttle(0))
            assert settings.discord_token is not None
            await serve(concierge, Operations(concierge, settings), settings.discord_token, desk)
    watching.cancel()
    print(json.dumps({"lag p99 ms": quantiles(late, n=100)[98]}))


async def run_bare(settings: Settings) -> None:
    """The bare client, until SIGTERM."""
    assert settings.discord_token is not None
    intents = discord.Intents(guilds=True, guild_messages=True)
    async with Bare(intents=intents) as client:
        task = asyncio.create_task(client.start(settings.discord_token.get_secret_value()))
        asyncio.get_running_loop().add_signal_handler(15, task.cancel)
        with suppress(asyncio.CancelledError):
            await task


def _classifier(side: str) -> TextClassifier:
    if side in ("stub", "desk"):
        return Stub()
    path = serving_checkpoint()
    assert path is not None
    return Classifier.load(path)


if __name__ == "__main__":
    _, api, gateway, which = sys.argv
    Route.BASE = api
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    chosen = load_settings()
    logs.configure(chosen.log_level)
    asyncio.run(run(which, chosen))
