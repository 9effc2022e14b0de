"""Promotions: many of them, one that is killed, one of a damaged checkpoint."""

import asyncio
import json
import random
import shutil
import signal
import time

from benchmarks.soak.rig import BURST, MORE_MEGABYTES, Rig, Row

PROMOTING_SECONDS = 1.5
"""A kill amid a promotion comes at a random moment of this time."""


async def promoted_often(rig: Rig, times: int) -> Row:
    """Another checkpoint is promoted again and again while customers are answered."""
    row = Row("promotion, one after another", times)
    names = [rig.serving(), rig.copy_of_serving("soak-copy")]
    before = 0.0
    for number in range(times + 2):
        if number == 2:  # both have been loaded once
            before = rig.megabytes
        ids = await rig.write(4)
        began = time.monotonic()
        said = await rig.promote(names[(number + 1) % 2])
        row.took(began)
        row.expect(f"a promotion, and not: {said}", "answers from now on" in said)
        await rig.settle(row, ids)
    after = rig.megabytes
    row.note = f"memory {before:,.0f} MB before, {after:,.0f} MB after"
    row.expect(f"at most {MORE_MEGABYTES:.0f} MB more", after - before <= MORE_MEGABYTES)
    return row


async def killed_in_a_promotion(rig: Rig, times: int) -> Row:
    """The process is killed at some moment of a promotion: the old one or the new one serves."""
    row = Row("kill -9 of the bot in a promotion", times)
    names = [rig.serving(), rig.copy_of_serving("soak-copy")]
    moments = random.Random(0)
    for number in range(times):
        ids = await rig.write(4)
        await rig.server.slash(
            "model promote", {"name": names[(number + 1) % 2]}, author=rig.server.owner
        )
        await asyncio.sleep(moments.uniform(0, PROMOTING_SECONDS))
        await rig.bot.stop(signal.SIGKILL)
        began = time.monotonic()
        await rig.bot.start()
        await rig.settle(row, ids)
        row.took(began)
        row.expect("one of the two serves", rig.serving() in names)
    return row


async def corrupted_checkpoint(rig: Rig, times: int) -> Row:
    """A damaged checkpoint is promoted: the last good one serves."""
    row = Row("promotion of a damaged checkpoint", times)
    good = rig.serving()
    pointer = rig.checkpoints / "serving.json"
    for number in range(times):
        name = rig.copy_of_serving(f"soak-damaged-{number}")
        weights = rig.checkpoints / name / "model.onnx"
        content = bytearray(weights.read_bytes())
        content[len(content) // 2] ^= 0xFF
        weights.write_bytes(content)
        ids = await rig.write(BURST // 4)
        said = await rig.promote(name)
        row.expect("a refusal", "was changed since training" in said)
        row.expect("the good one in the pointer", rig.serving() == good)
        # As a process that does not verify would write it.
        since, before = rig.log_size(), pointer.read_bytes()
        pointer.write_text(json.dumps({"serving": name, "earlier": [good]}), "utf-8")
        await rig.logged("was promoted elsewhere, but cannot be used", since)
        ids += await rig.write(BURST // 4)
        await rig.settle(row, ids)
        since = rig.log_size()
        pointer.write_bytes(before)
        shutil.rmtree(rig.checkpoints / name)
        await rig.logged("was promoted elsewhere, and is serving now", since)
    row.note = "refused, and the good one serves"
    return row
