"""A stand-in for `python -m trainer`, which ends as a test orders and needs no torch.

It lies in the working directory, which comes before the real one. Its candidate is a copy of the
checkpoint `tiny`.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.operations import background, training

_CODE = """\
import json, os, pathlib, shutil, signal, sys, time
command = sys.argv[1]
options = dict(option.removeprefix("--").split("=", 1) for option in sys.argv[2:] if "=" in option)
pathlib.Path(command + ".asked").write_text(json.dumps(sys.argv[2:]))
def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)
def hold():
    end = time.monotonic() + 120  # a test that fails leaves nothing behind for ever
    while time.monotonic() < end and pathlib.Path("hold-" + command).exists():
        time.sleep(0.02)
if command == "evaluate":
    hold()
    answer = json.loads(pathlib.Path("comparison.json").read_text())
    answer["checkpoint"] = options["checkpoint"]
    answer["against"]["checkpoint"] = options["against"]
    print(json.dumps(answer))
    sys.exit()
say("note", message="A note of the trainer.")
say("plan", epochs=2, steps=10, dataset="...", base_model="...", reviews={}, output="...")
output = pathlib.Path(options["output"])
unfinished = output.with_name(".review-concierge-partial-" + output.name)
if "--resume" in sys.argv:
    say("note", message="Continued after step 3 of 10, from the saved state.")
say("step", number=4, total=10, epoch=1, loss=0.5, tokens=53450, seconds=43.3)
deaths = pathlib.Path("deaths")
if deaths.exists():
    run = json.dumps({"output": output.name, "step": 3, "total": 10})
    header = json.dumps({"__metadata__": {"run": run}}).encode()
    unfinished.mkdir(exist_ok=True)
    state = len(header).to_bytes(8, "little") + header
    unfinished.joinpath("state.safetensors").write_bytes(state)
    if left := int(deaths.read_text()):
        deaths.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)
try:
    hold()
except KeyboardInterrupt:
    sys.exit(130)
failure = pathlib.Path("failure")
if failure.exists():
    say("error", message=failure.read_text())
    sys.exit(2)
say("judging", split="test", done=5, total=10)
shutil.rmtree(unfinished, ignore_errors=True)
shutil.copytree("checkpoints/tiny", options["output"])
say("saved", path=options["output"], serving=False, validation={}, test={})
"""


def install(checkpoint: Path, monkeypatch: pytest.MonkeyPatch, *, not_worse: bool = True) -> None:
    """Puts the stand-in and the serving checkpoint `tiny` into the working directory.

    The bot looks at it often, and it gives way to nobody: other work shares the processors.
    """
    monkeypatch.setattr(training, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(background, "_give_way", lambda _pid: None)
    shutil.copytree(checkpoint.parent, "checkpoints")
    Path("trainer").mkdir()
    Path("trainer/__init__.py").touch()
    Path("trainer/__main__.py").write_text(_CODE)
    Path("comparison.json").write_text(
        json.dumps(
            {
                "dataset": "starter",
                "split": "test",
                "reviews": 50,
                "accuracy": 0.84 if not_worse else 0.5,
                "f1": 0.85 if not_worse else 0.4,
                "against": {"accuracy": 0.82, "f1": 0.81},
                "difference": 0.02 if not_worse else -0.32,
                "interval": [-0.05, 0.09] if not_worse else [-0.45, -0.19],
                "p_value": 0.75 if not_worse else 0.001,
                "not_worse": not_worse,
                "objection": "",
            }
        )
    )


def die(times: int) -> None:
    """Lets `fit` save states, and so many runs of it kill themselves afterwards."""
    Path("deaths").write_text(str(times))


def hold(command: str) -> Path:
    """Lets `fit` or `evaluate` wait until the file that is returned is deleted."""
    file = Path(f"hold-{command}")
    file.touch()
    return file


def asked(command: str) -> Any:
    """The arguments that `fit` or `evaluate` was started with."""
    return json.loads(Path(f"{command}.asked").read_text())
