"""Background runs: the trainer's arguments, the files of a run, and how it is found again."""

# ruff: noqa: ASYNC110, ASYNC240 - a test may look at its own files, as often as it likes
import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from bot.engine import Engine
from bot.operations import training
from bot.operations.models import Models
from bot.operations.progress import Progress
from bot.operations.runs import Cancelled, Failed, Order, Outcome, Trained
from bot.operations.training import Training
from tests.bot import fake_trainer
from tests.bot.stub import KeywordClassifier
from trainer.data.reviews import load_reviews
from trainer.errors import TrainerError
from trainer.model.checkpoint import serving_checkpoint
from trainer.model.unfinished import find_unfinished
from trainer.training.encoder import load_encoder

ORDER = Order(label="films", dataset="/srv/films.csv", fraction=0.5, epochs=2, seed=7)
STATE = Path("state/training/run.json")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> None:
    monkeypatch.chdir(tmp_path)
    fake_trainer.install(checkpoint, monkeypatch)


@pytest.fixture
async def models(classifier: KeywordClassifier) -> AsyncIterator[Models]:
    async with Engine(classifier) as engine:
        yield Models(engine)


def _a_bot(models: Models, base_model: str = "stand-in") -> Training:
    """As each start of the bot makes it."""
    return Training(models, base_model)


async def _start(run: Training, order: Order = ORDER) -> None:
    await run.start(order, started_by="Olga", origin="discord:1:2")


async def _ignore(_progress: Progress) -> None:
    pass


async def _end(run: Training) -> Outcome:
    outcome = await run.follow(_ignore)
    run.forget()
    return outcome


def _serving() -> str:
    path = serving_checkpoint()
    assert path is not None
    return path.name


async def test_the_trainer_receives_settings_and_numbers_and_nothing_else(models: Models) -> None:
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Trained)
    output = f"checkpoints/{outcome.name}"
    assert fake_trainer.asked("fit") == [
        "--progress=json",
        "--dataset=/srv/films.csv",
        "--base-model=stand-in",
        f"--output={output}",
        "--fraction=0.5",
        "--epochs=2",
        "--seed=7",
    ]
    assert fake_trainer.asked("evaluate") == [
        "--json",
        "--dataset=/srv/films.csv",
        "--limit=5000",
        f"--checkpoint={output}",
        "--against=checkpoints/tiny",
    ]
    assert outcome.name.endswith("-films")


async def test_the_options_on_columns_reach_training_and_comparison(models: Models) -> None:
    columns = ("--text-column=body", "--label-map=5=positive")
    run = _a_bot(models)
    await _start(run, ORDER.model_copy(update={"columns": columns}))
    await _end(run)
    for command in ("fit", "evaluate"):
        assert set(columns) < set(fake_trainer.asked(command))


async def test_numbers_that_were_not_given_are_the_trainer_s(models: Models) -> None:
    run = _a_bot(models)
    await _start(run, Order(label="films", dataset="starter"))
    await _end(run)
    told = {option.split("=")[0] for option in fake_trainer.asked("fit")}
    assert told == {"--progress", "--dataset", "--base-model", "--output"}


async def test_a_candidate_that_is_not_worse_is_promoted(models: Models) -> None:
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Trained)
    assert outcome.is_promoted
    assert outcome.comparison is not None
    assert outcome.comparison.against.checkpoint.name == "tiny"
    assert _serving() == outcome.name


async def test_a_candidate_that_is_worse_waits(models: Models) -> None:
    comparison = json.loads(Path("comparison.json").read_text())
    Path("comparison.json").write_text(json.dumps({**comparison, "not_worse": False}))
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Trained)
    assert not outcome.is_promoted
    assert outcome.problem is None
    assert _serving() == "tiny"


@pytest.mark.parametrize("answer", ["", "not JSON", "{}"])
async def test_a_candidate_that_cannot_be_compared_waits(models: Models, answer: str) -> None:
    Path("comparison.json").write_text(answer)
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Trained)
    assert outcome.problem is not None
    assert outcome.problem.startswith("It could not be compared: ")
    assert _serving() == "tiny"


async def test_why_it_could_not_be_compared_names_no_path_either(models: Models) -> None:
    code = Path("trainer/__main__.py")
    begins = 'if command == "evaluate":\n'
    fails = f'{begins}    sys.exit("error: /srv/films.csv is gone.")\n'
    code.write_text(code.read_text().replace(begins, fails))
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Trained)
    assert outcome.problem == "It could not be compared: films is gone."


async def test_nothing_to_compare_with_lets_the_candidate_wait(models: Models) -> None:
    Path("checkpoints/serving.json").unlink()
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Trained)
    assert outcome.problem == "It was not compared: there is no serving checkpoint."


async def test_a_candidate_that_came_to_nothing_is_never_promoted_by_itself(
    models: Models,
) -> None:
    file = Path("checkpoints/tiny/training.json")  # of which the candidate is a copy
    warning = "Its accuracy, 0.500 on 50 test reviews, is no better than chance."
    file.write_text(json.dumps(json.loads(file.read_text()) | {"warning": warning}))
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Trained)
    assert not outcome.is_promoted
    assert outcome.comparison is not None
    assert outcome.comparison.not_worse
    assert outcome.problem is not None
    assert warning in outcome.problem
    assert _serving() == "tiny"


async def test_a_candidate_against_which_something_speaks_is_never_promoted_by_itself(
    models: Models,
) -> None:
    comparison = json.loads(Path("comparison.json").read_text())
    objection = "The labels of this data set look inverted."
    Path("comparison.json").write_text(json.dumps({**comparison, "objection": objection}))
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Trained)
    assert not outcome.is_promoted
    assert outcome.problem == f"It was not promoted automatically. {objection}"
    assert _serving() == "tiny"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print('error: a sentence of its own', file=sys.stderr); sys.exit(1)", "a sentence of"),
        ("import os; os.abort()", "was stopped without reporting an error"),
    ],
)
async def test_how_a_run_failed_is_reported(models: Models, code: str, reason: str) -> None:
    Path("trainer/__main__.py").write_text(f"import sys\n{code}")
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Failed)
    assert reason in outcome.reason
    assert run.run is None


async def test_an_error_is_reported_in_the_trainer_s_own_sentence(models: Models) -> None:
    Path("failure").write_text("The reviews are too few.")
    run = _a_bot(models)
    await _start(run)
    assert await _end(run) == Failed("The reviews are too few.")


@pytest.mark.parametrize(
    "path", ["{home}/kept/it.csv", "kept/it.csv", "./kept//it.csv", "~/it.csv"]
)
@pytest.mark.parametrize(
    ("load", "word"), [(load_reviews, "films"), (partial(load_encoder, seed=0), "TRAIN_BASE_MODEL")]
)
async def test_what_all_may_read_names_no_path_of_the_operator(
    models: Models,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    load: Callable[[str], object],
    word: str,
    path: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = path.format(home=tmp_path)
    with pytest.raises(TrainerError) as caught:
        load(path)
    sentence = str(caught.value)
    Path("failure").write_text(sentence)
    is_dataset = word == "films"
    run = _a_bot(models, "stand-in" if is_dataset else path)
    await _start(run, Order(label="films", dataset=path if is_dataset else "starter"))
    with caplog.at_level(logging.WARNING, "bot"):
        outcome = await _end(run)
    assert isinstance(outcome, Failed)
    assert word in outcome.reason
    assert not any(part in outcome.reason for part in ("it.csv", "kept", str(tmp_path), "~"))
    assert sentence in caplog.text


async def test_a_path_within_another_is_told_as_the_longer_one(models: Models) -> None:
    Path("failure").write_text("/srv/films/base has no tokenizer, and /srv/films/train.csv no end.")
    run = _a_bot(models, "/srv/films/base")
    await _start(run, Order(label="films", dataset="/srv/films"))
    assert await _end(run) == Failed(
        "TRAIN_BASE_MODEL has no tokenizer, and films/train.csv no end."
    )


async def test_a_bot_that_starts_finds_the_run_and_sees_it_through(models: Models) -> None:
    held = fake_trainer.hold("fit")
    await _start(_a_bot(models))
    second = _a_bot(models)
    assert second.run is not None
    assert (second.run.started_by, second.run.origin) == ("Olga", "discord:1:2")
    shown = asyncio.Event()

    async def show(progress: Progress) -> None:
        if progress.step is not None and progress.step.number == 4:
            shown.set()

    following = asyncio.create_task(second.follow(show))
    await asyncio.wait_for(shown.wait(), 20)
    held.unlink()
    outcome = await following
    assert isinstance(outcome, Trained)
    assert outcome.is_promoted


async def test_a_run_that_an_earlier_version_has_started_is_found(models: Models) -> None:
    fake_trainer.hold("fit")
    first = _a_bot(models)
    await _start(first)
    state = json.loads(STATE.read_text())
    del state["origin"]
    STATE.write_text(json.dumps({**state, "channel": 1234, "message": 5678}))
    second = _a_bot(models)
    assert second.run is not None
    assert second.run.origin == "1234:5678"
    following = asyncio.create_task(second.follow(_ignore))
    await second.cancel("Adam")
    assert await following == Cancelled("Adam")
    assert json.loads(STATE.read_text())["origin"] == "1234:5678"


async def test_a_bot_that_starts_late_learns_how_the_run_ended(models: Models) -> None:
    first = _a_bot(models)
    held = fake_trainer.hold("evaluate")
    await _start(first)
    following = asyncio.create_task(first.follow(_ignore))
    while not Path("evaluate.asked").exists():
        await asyncio.sleep(0.02)
    following.cancel()  # the bot stops, and the comparison ends without it
    held.unlink()
    second = _a_bot(models)
    outcome = await _end(second)
    assert isinstance(outcome, Trained)
    assert outcome.is_promoted
    assert not STATE.exists()
    assert _a_bot(models).run is None


async def test_a_run_that_died_with_the_machine_is_reported(models: Models) -> None:
    held = fake_trainer.hold("fit")
    first = _a_bot(models)
    await _start(first)
    state = STATE.read_text()
    await first.cancel("Olga")
    held.unlink()
    STATE.write_text(state)
    outcome = await _end(_a_bot(models))
    assert isinstance(outcome, Failed)
    assert "restarted" in outcome.reason


async def test_a_run_whose_process_was_killed_continues_from_its_state(models: Models) -> None:
    fake_trainer.die(times=2)
    run = _a_bot(models)
    await _start(run)
    notes: list[str] = []

    async def show(progress: Progress) -> None:
        notes[:] = progress.notes

    outcome = await run.follow(show)
    assert isinstance(outcome, Trained)
    assert outcome.is_promoted
    assert run.run is not None
    assert run.run.resumed == 2
    numbers = ["--fraction=0.5", "--epochs=2", "--seed=7", "--resume"]
    assert fake_trainer.asked("fit")[-4:] == numbers
    assert "The training was interrupted, and continues from its saved state." in notes
    assert "Continued after step 3 of 10, from the saved state." in run.progress.notes


async def test_a_bot_that_starts_after_a_crash_of_the_machine_continues_the_run(
    models: Models,
) -> None:
    fake_trainer.die(times=1)
    first = _a_bot(models)
    await _start(first)
    while first._process.is_running():
        await asyncio.sleep(0.02)
    outcome = await _end(_a_bot(models))
    assert isinstance(outcome, Trained)
    assert outcome.is_promoted
    assert "--resume" in fake_trainer.asked("fit")


async def test_a_run_that_is_killed_again_and_again_fails_and_its_state_is_named(
    models: Models,
) -> None:
    fake_trainer.die(times=9)
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Failed)
    assert "was stopped without reporting an error" in outcome.reason
    assert "is unfinished: its state after step 3 of 10 is kept" in outcome.reason
    assert Path("deaths").read_text() == str(9 - 1 - training.MAX_RESUMED)


async def test_a_run_that_failed_with_an_error_is_not_continued(models: Models) -> None:
    fake_trainer.die(times=0)
    Path("failure").write_text("The disk is full.")
    run = _a_bot(models)
    await _start(run)
    outcome = await _end(run)
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("The disk is full. The training of checkpoints/")
    assert "--resume" not in fake_trainer.asked("fit")


async def test_a_cancelled_run_leaves_no_state(models: Models) -> None:
    fake_trainer.die(times=0)
    fake_trainer.hold("fit")
    run = _a_bot(models)
    await _start(run)
    following = asyncio.create_task(run.follow(_ignore))
    assert run.run is not None
    while find_unfinished(run.run.output) is None:
        await asyncio.sleep(0.02)
    await run.cancel("Adam")
    assert await following == Cancelled("Adam")
    assert list(Path("checkpoints").glob(".*")) == []


async def test_a_cancelled_run_leaves_nothing(models: Models) -> None:
    fake_trainer.hold("fit")
    run = _a_bot(models)
    await _start(run)
    following = asyncio.create_task(run.follow(_ignore))
    await run.cancel("Adam")
    assert await following == Cancelled("Adam")
    assert [path.name for path in Path("checkpoints").iterdir() if path.is_dir()] == ["tiny"]


async def test_a_comparison_that_is_cancelled_keeps_the_candidate(models: Models) -> None:
    fake_trainer.hold("evaluate")
    run = _a_bot(models)
    await _start(run)
    following = asyncio.create_task(run.follow(_ignore))
    while not Path("evaluate.asked").exists():
        await asyncio.sleep(0.02)
    await run.cancel("Adam")
    outcome = await following
    assert isinstance(outcome, Trained)
    assert outcome.problem == "Adam stopped the comparison."
    assert Path("checkpoints", outcome.name).is_dir()


async def test_a_bot_that_died_while_it_started_a_run_finds_and_stops_it(
    models: Models,
) -> None:
    fake_trainer.hold("fit")
    await _start(_a_bot(models))
    state = json.loads(STATE.read_text())
    STATE.write_text(json.dumps({**state, "pid": None}))  # as an earlier version left it
    second = _a_bot(models)
    following = asyncio.create_task(second.follow(_ignore))
    await asyncio.wait_for(second.cancel("Adam"), 20)
    assert await asyncio.wait_for(following, 20) == Cancelled("Adam")


async def test_the_state_is_written_before_the_process_begins(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up meanwhile orphans nothing, for nothing is written afterwards."""
    fake_trainer.hold("fit")
    run = _a_bot(models)
    synced: list[int] = []
    sync = os.fsync

    def fail_the_second_time(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) > 1:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail_the_second_time)
        await _start(run)
    second = _a_bot(models)
    assert second.run is not None
    following = asyncio.create_task(second.follow(_ignore))
    await second.cancel("Adam")
    assert await following == Cancelled("Adam")


async def test_the_state_names_no_one_once_the_run_is_over(models: Models) -> None:
    held = fake_trainer.hold("fit")
    run = _a_bot(models)
    await _start(run)
    assert "Olga" in STATE.read_text()
    held.unlink()
    await _end(run)
    for file in Path("state").rglob("*"):
        assert file.is_dir() or "Olga" not in file.read_text()


async def test_a_run_of_which_the_state_is_lost_is_not_overrun(models: Models) -> None:
    held = fake_trainer.hold("fit")
    await _start(_a_bot(models))
    STATE.write_text("not what was written")
    run = _a_bot(models)
    assert run.run is None
    with pytest.raises(OSError, match="another run is in progress"):
        await _start(run)
    held.unlink()


async def test_a_disk_that_takes_no_state_starts_nothing(models: Models) -> None:
    run = _a_bot(models)
    Path("state").mkdir()
    Path("state/training").touch()
    with pytest.raises(OSError, match=r"exists|directory"):
        await _start(run)
    assert run.run is None
    assert not Path("fit.asked").exists()
