"""A bot in a process of its own that serves shards, with a stub for a model and short leases."""

import asyncio
import sys

from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from bot import logs
from bot.conversation.concierge import Concierge
from bot.conversation.throttle import Throttle
from bot.desk.desk import open_desk
from bot.engine import Engine
from bot.errors import BotError
from bot.frontends.discord import serve, shards, shards_of
from bot.operations.actions import Operations
from bot.sentences.responses import Kind, Responses
from bot.settings import Settings, load_settings
from tests.bot.stub import KeywordClassifier

LEASE_SECONDS, RENEW_SECONDS, IDENTIFY_SECONDS = 5.0, 0.5, 0.75


async def run(settings: Settings) -> None:
    """Serves until SIGTERM, as the command line does."""
    async with open_desk(settings) as desk, Engine(KeywordClassifier()) as engine:
        responses = Responses({kind: [f"a {kind} sentence"] for kind in Kind})
        concierge = Concierge(engine, responses, Throttle(0))
        assert settings.discord_token is not None
        own = shards_of(settings, desk)
        operations = Operations(concierge, settings)
        await serve(concierge, operations, settings.discord_token, desk, None, own)


if __name__ == "__main__":
    Route.BASE, gateway = sys.argv[1:]
    DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway)
    shards.LEASE_SECONDS, shards.RENEW_SECONDS = LEASE_SECONDS, RENEW_SECONDS
    shards.LOOK_SECONDS, shards.IDENTIFY_SECONDS = 0.25, IDENTIFY_SECONDS
    logs.configure("INFO")
    try:
        asyncio.run(run(load_settings()))
    except BotError as error:
        sys.exit(error.exit_code)
