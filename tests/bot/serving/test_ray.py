"""`python -m bot serve` as its users run it: replicas on a Ray cluster of this machine, under load.

Everything that Ray writes is in a folder of the test, and is searched for customers' text.
"""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from bot.serving.remote import RemoteEngine
from tests.bot.http_process import Running, running
from tests.bot.serving.loopback import free_port
from tests.marker import marked, traces
from trainer.extras import SCALE, missing
from trainer.model.checkpoint import promote
from trainer.model.classifier import Classifier

ABSENT = missing("The test of replicas", *SCALE, extra="scale")
pytestmark = pytest.mark.skipif(bool(ABSENT), reason=ABSENT)

REPLICA = "ray::ServeReplica"


@pytest.fixture
def home() -> Iterator[Path]:
    """With a short path, because Ray puts sockets there."""
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:
        yield Path(folder)


def _environment(home: Path) -> dict[str, str]:
    """Leaves another Ray cluster on this machine alone."""
    proxy = home / "proxy"
    return {
        "HOME": str(home),  # where Ray keeps the token of a cluster
        "RAY_TMPDIR": str(home),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(proxy / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(proxy / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(proxy),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(proxy / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(proxy / "metrics.sock"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(free_port()),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(free_port()),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),
    }


class Load:
    """Texts without a pause."""

    def __init__(self, remote: RemoteEngine) -> None:
        self._remote = remote
        self.names: list[str] = []
        """The checkpoint of each reply."""
        self.lost = 0

    @asynccontextmanager
    async def going_on(self, outstanding: int = 16) -> AsyncIterator[None]:
        asking = [asyncio.create_task(self._ask(number)) for number in range(outstanding)]
        self._is_over = False
        yield
        self._is_over = True
        await asyncio.gather(*asking)

    async def _ask(self, number: int) -> None:
        while not self._is_over:
            number += 1000
            try:
                _, name = await self._remote.classify_by(marked(f"a great film {number}"))
            except Exception:
                self.lost += 1
            else:
                self.names.append(name)

    async def until(self, replies: int) -> None:
        """So many more have come."""
        wanted = len(self.names) + replies
        async with asyncio.timeout(60):
            while len(self.names) < wanted:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)


def _replicas(server: Running) -> list[psutil.Process]:
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [each for each in children if each.name().startswith(REPLICA)]


async def test_no_reply_is_lost_by_a_dead_replica_or_a_promotion(
    checkpoint: Path, tmp_path: Path, home: Path
) -> None:
    for name in ("old", "new"):
        shutil.copytree(checkpoint, tmp_path / "checkpoints" / name)
    promote("old", tmp_path / "checkpoints")
    port = free_port()
    command = ("serve", "--replicas", "2", "--port", str(port))
    async with running(tmp_path, *command, **_environment(home)) as server:
        await server.read_until("Ready: replicas at .* serve old by 2")
        family = psutil.Process(server.process.pid).children(recursive=True)
        async with RemoteEngine(f"http://127.0.0.1:{port}", None) as remote:
            text = marked("what a wonderful film")
            (expected,) = Classifier.load(checkpoint)([text])
            found, name = await remote.classify_by(text)
            assert (found.label, name) == (expected.label, "old")
            assert found.probabilities == pytest.approx(expected.probabilities, abs=0.01)

            load = Load(remote)
            async with load.going_on():
                await load.until(100)
                first, _ = _replicas(server)
                first.send_signal(signal.SIGKILL)
                await load.until(200)
                promote("new", tmp_path / "checkpoints")
                await server.read_until("Promoted: replicas at .* serve new by")
                await load.until(100)
            assert load.lost == 0
            assert set(load.names) == {"old", "new"}
            assert load.names[-1] == "new"
        assert await server.stop() == 0
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    assert traces(home) == []
