"""The server keeps to its OpenAPI document, whatever a client sends: schemathesis checks it."""

import asyncio
import re
import sys
from datetime import date
from pathlib import Path

import pytest

from bot.conversation.concierge import Concierge
from bot.frontends.http import keys
from tests.bot.frontends.http_server import served

SEED, EXAMPLES, SECONDS = 20_261_126, 20, 20
"""Of each operation, beside the examples of the document and the limits of each field."""

SETTINGS = """
# A text that is too long may make the body too large.
[checks]
negative_data_rejection.expected-statuses = [400, 401, 405, 413, 415, 422]
positive_data_acceptance.expected-statuses = ["2xx", 413]
"""


async def test_the_server_keeps_to_its_document(
    concierge: Concierge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    key = keys.add("website", date(2026, 1, 2))
    async with served(concierge, key=key) as client:
        async with client.get("/openapi.json") as response:
            address = str(response.url)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("run", address, "--header", f"Authorization: Bearer {key}"),
            *("--seed", str(SEED), "--max-examples", str(EXAMPLES), "--max-time", str(SECONDS)),
            *("--phases", "examples,coverage,fuzzing", "--no-color"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    said = output.decode()
    assert process.returncode == 0, said
    assert "Tested: 6" in said
    generated = re.search(r"(\d+) generated", said)
    assert generated is not None
    assert int(generated[1]) > 50, said
