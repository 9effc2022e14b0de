"""The client of a process that serves some of the gateway's shards, or all of several."""

from typing import Any

import discord
from discord.ext import commands

from bot.conversation.concierge import Concierge
from bot.desk.desk import Desk
from bot.frontends.discord.client import ConciergeBot, Monitor
from bot.frontends.discord.shards import Shards
from bot.operations.actions import Operations


class ShardedConciergeBot(ConciergeBot, commands.AutoShardedBot):
    """The same cogs, over one connection for each shard of this process."""

    def __init__(
        self,
        concierge: Concierge,
        operations: Operations,
        desk: Desk | None,
        monitor: Monitor | None,
        shards: Shards,
    ) -> None:
        super().__init__(
            concierge,
            operations,
            desk,
            monitor,
            shard_count=shards.count,
            shard_ids=list(shards.ids),
            shard_connect_timeout=None,  # many shards wait for their turn for long
        )
        self.own_shards = shards

    async def setup_hook(self) -> None:
        assert self.own_shards is not None
        self.operations.begin(leads=self.own_shards.leads)
        try:
            limits = await self.fetch_session_start_limits()
        except discord.GatewayNotFound:
            pass  # one at a time, then
        else:
            self.own_shards.max_concurrency = limits.max_concurrency
        await super().setup_hook()

    async def before_identify_hook(self, shard_id: int | None, **_others: Any) -> None:
        """Called by discord.py: waits for the turn of the shard among those of all processes."""
        assert self.own_shards is not None
        await self.own_shards.wait_to_identify(shard_id or 0)
