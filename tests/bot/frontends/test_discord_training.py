"""/train from the command to the result, over sockets."""

# ruff: noqa: ASYNC110, ASYNC240 - a test may look at its own files, as often as it likes
import asyncio
import json
import logging
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.frontends.discord import reports
from bot.operations import background, training
from bot.operations.models import Models
from bot.sentences.responses import Kind, Responses
from tests.bot import fake_trainer
from tests.bot.frontends.loopback import POST_MESSAGE, nothing_more, serving
from tests.bot.stub import KeywordClassifier
from tests.conftest import separable_reviews, write_csv
from tests.discord_server import ADMINISTRATOR, DiscordServer, Interaction, Posted, User
from trainer.model.checkpoint import serving_checkpoint

DATASETS = {"films": "/srv/films.csv --text-column body"}
PATIENCE = 60.0
"""In seconds: other work shares the processors."""


@pytest.fixture(autouse=True)
def _edited_at_every_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "EDIT_SECONDS", 0.0)


@pytest.fixture
def _fake(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_trainer.install(checkpoint, monkeypatch)


async def _train(server: DiscordServer, author: User | None = None, **options: Any) -> Interaction:
    author = author or server.owner
    return await server.slash("train", {"dataset": "films", **options}, author=author)


async def _answer(server: DiscordServer, interaction: Interaction) -> Posted:
    """The private answer to a command, which comes after a deferral."""
    answer = await server.wait_for_message(
        lambda posted: posted.interaction_id == interaction.id, PATIENCE
    )
    assert answer.ephemeral
    assert interaction.answered_after_s is not None
    return answer


async def _shown(server: DiscordServer) -> Posted:
    """The message of the run, once the trainer has reported something."""
    shown = await server.wait_for_message(lambda posted: "begins …" in posted.request["content"])
    await server.wait_until(lambda: "step 4 of 10" in shown.content, PATIENCE)
    return shown


async def _result(server: DiscordServer, beginning: str = "**Trained on films") -> Posted:
    result = await server.wait_for_message(
        lambda posted: posted.content.startswith(beginning), PATIENCE
    )
    assert result.interaction is None
    return result


def _serving() -> str:
    path = serving_checkpoint()
    assert path is not None
    return path.name


@pytest.mark.usefixtures("_fake")
async def test_a_run_is_shown_as_it_goes_and_its_result_is_a_new_message(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    held = fake_trainer.hold("fit")
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        command = await _train(server, fraction=0.5, epochs=2, seed=7)
        assert "The training has started" in (await _answer(server, command)).content
        shown = await _shown(server)
        assert shown.content == (
            "**Training on films**, started by Olga\n"
            "`████████░░░░░░░░░░░░` 40%\n"
            "step 4 of 10, epoch 1 of 2\n"
            "loss 0.500 · 1,234 tokens/s · 1 min 05 s left\n"
            "-# A note of the trainer."
        )
        held.unlink()
        result = await _result(server)
        assert "done. The result is below." in shown.content
        name = _serving()
        assert name.endswith("-films")
        assert result.content == (
            f"**Trained on films: `{name}`**\n"
            "On the same 50 test reviews, beside the serving `tiny`:\n"
            "```\n"
            "           accuracy      F1\n"
            "candidate     0.840   0.850\n"
            "serving       0.820   0.810\n"
            "```\n"
            "Difference in accuracy: +2.0 points (95% interval -5.0 to +9.0)\n"
            "It is not worse by McNemar's exact test (p = 0.750), so it answers from now on.\n"
            "To go back: /model rollback"
        )
        assert result.components == []
        assert [file.filename for file in result.files] == ["training.png"]
        assert result.files[0].data.startswith(b"\x89PNG")
        # The checkpoint answers now, and not the stub any more.
        await server.wait_for_reply(await server.dm("what a wonderful film"), PATIENCE)
        assert classifier.judged == []
    columns = "--text-column=body"
    assert {"--fraction=0.5", "--epochs=2", "--seed=7", "--dataset=/srv/films.csv", columns} < set(
        fake_trainer.asked("fit")
    )
    assert server.unknown_requests == server.violations == []


@pytest.mark.usefixtures("_fake")
async def test_the_message_is_edited_only_when_something_has_changed(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "LOOK_SECONDS", 0.02)
    held = fake_trainer.hold("fit")
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _train(server)
        shown = await _shown(server)
        edits = len(shown.edits)
        await asyncio.sleep(0.5)
        assert len(shown.edits) == edits
        monkeypatch.setattr(reports, "EDIT_SECONDS", 3_600.0)
        held.unlink()
        await _result(server)
        # However soon the end comes, it is shown.
        assert len(shown.edits) == edits + 1
        assert "done. The result is below." in shown.content


@pytest.mark.usefixtures("_fake")
async def test_a_second_run_is_refused_with_the_operator_and_progress_of_the_first(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    held = fake_trainer.hold("fit")
    admin = server.admin
    chosen: dict[str, Any] = {"train_datasets": DATASETS, "operator_users": frozenset({admin.id})}
    async with serving(server, classifier, responses, **chosen):
        await _train(server)
        await _shown(server)
        answer = await _answer(server, await _train(server, admin))
        assert answer.content == (
            "One training at a time: Olga has started one on films, and it is at step 4 of 10 "
            "(40%), with 1 min 05 s of training left. To stop it: /training cancel"
        )
        held.unlink()
        await _result(server)
    assert len([m for m in server.messages if "begins …" in m.request["content"]]) == 1


@pytest.mark.usefixtures("_fake")
async def test_two_at_once_start_one(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        commands = [await _train(server), await _train(server)]
        answers = {(await _answer(server, command)).content[:12] for command in commands}
        assert answers == {"The training", "One training"}
        await _result(server)


@pytest.mark.usefixtures("_fake")
async def test_a_run_is_cancelled(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    fake_trainer.hold("fit")
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        nothing = await server.slash("training cancel", author=server.owner)
        assert (await _answer(server, nothing)).content == "No training is running."
        await _answer(server, await _train(server))
        shown = await _shown(server)
        cancel = await server.slash("training cancel", author=server.owner)
        assert "The training was stopped." in (await _answer(server, cancel)).content
        assert "stopped by Olga. Nothing was kept of it" in shown.content
        assert _serving() == "tiny"
        # And another may start.
        assert "The training has started" in (await _answer(server, await _train(server))).content
        await server.slash("training cancel", author=server.owner)
        await server.wait_until(lambda: "stopped" in server.messages[-1].content, PATIENCE)


@pytest.mark.usefixtures("_fake")
async def test_a_failure_is_reported_in_the_trainer_s_sentence(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
) -> None:
    Path("failure").write_text("/srv/films.csv holds too few @everyone *reviews*.")
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _train(server)
        result = await _result(server, "**The training on films failed.**")
        told = "films holds too few @\N{ZERO WIDTH SPACE}everyone \\*reviews\\*."
        assert told in result.content
        assert "/srv" not in result.content
        assert "/srv/films.csv holds too few" in caplog.text  # for the operator
        assert not result.pings_everyone


@pytest.mark.usefixtures("_fake")
async def test_a_run_whose_process_was_killed_continues_and_says_so(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fake_trainer.die(times=1)
    held = fake_trainer.hold("fit")  # the second process: the first dies before it
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _train(server)
        shown = await server.wait_for_message(lambda posted: "begins" in posted.request["content"])
        await server.wait_until(lambda: "Continued after step 3 of 10" in shown.content, PATIENCE)
        assert "The training was interrupted, and continues from its saved state." in shown.content
        held.unlink()
        result = await _result(server)
        assert "answers from now on" in result.content
    assert "was interrupted, and continues after step 3 of 10" in caplog.text


@pytest.fixture
async def left_alone(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    caplog: pytest.LogCaptureFixture,
    _fake: None,
) -> tuple[Posted, Path]:
    """A run whose bot has stopped: the message that showed it, and the file that holds it."""
    caplog.set_level(logging.INFO, "bot")
    held = fake_trainer.hold("fit")
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _train(server)
        shown = await _shown(server)
        # discord.py stumbles over a client that is closed before it is ready.
        await server.wait_until(lambda: "Ready as" in caplog.text, PATIENCE)
    return shown, held


async def test_a_bot_that_restarts_finds_the_run(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    left_alone: tuple[Posted, Path],
) -> None:
    shown, held = left_alone
    edits = len(shown.edits)
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await server.wait_until(lambda: len(shown.edits) > edits, PATIENCE)
        held.unlink()
        result = await _result(server)
        assert "answers from now on" in result.content
        assert "done. The result is below." in shown.content
        assert _serving() != "tiny"


async def test_a_run_of_the_version_before_is_shown_where_it_was(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    left_alone: tuple[Posted, Path],
) -> None:
    shown, held = left_alone
    file = Path("state/training/run.json")
    state = json.loads(file.read_text())
    platform, channel, message = state.pop("origin").split(":")
    assert platform == "discord"
    file.write_text(json.dumps({**state, "channel": int(channel), "message": int(message)}))
    held.unlink()
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        result = await _result(server)
        assert result.channel is shown.channel
        assert "done. The result is below." in shown.content


async def test_a_run_whose_place_cannot_be_read_is_reported_to_the_operator(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    left_alone: tuple[Posted, Path],
) -> None:
    _, held = left_alone
    file = Path("state/training/run.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "origin": "elsewhere:1:2"}))
    held.unlink()
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        result = await _result(server)
        assert result.channel.recipient is server.owner


async def test_a_bot_that_was_away_tells_how_the_run_ended(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    left_alone: tuple[Posted, Path],
) -> None:
    _, held = left_alone
    held.unlink()
    while not [path for path in Path("checkpoints").iterdir() if "films" in path.name]:
        await asyncio.sleep(0.05)
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _result(server)


@pytest.mark.parametrize("decision", ["promote", "discard"])
async def test_a_worse_candidate_waits_for_an_operator_also_after_a_restart(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    decision: str,
) -> None:
    caplog.set_level(logging.INFO, "bot")
    fake_trainer.install(checkpoint, monkeypatch, not_worse=False)
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _train(server)
        result = await _result(server)
        assert "It is worse by McNemar's exact test (p = 0.001)" in result.content
        await server.wait_until(lambda: "Ready as" in caplog.text, PATIENCE)
    (folder,) = [path for path in Path("checkpoints").iterdir() if "films" in path.name]
    button = f"candidate:{decision}:{folder.name}"
    async with serving(server, classifier, responses):
        for stranger in (server.member, server.admin):
            refused = await server.press(result, button, author=stranger)
            answer = await server.wait_for_message(
                lambda posted, pressed=refused: posted.interaction_id == pressed.id  # type: ignore[misc]
            )
            assert answer.ephemeral
            assert "Only those who run this bot" in answer.content
        assert _serving() == "tiny"
        await server.press(result, button, author=server.owner)
        await server.wait_until(lambda: not result.components, PATIENCE)
    if decision == "promote":
        assert "Olga promoted it" in result.content
        assert _serving() == folder.name
    else:
        assert "Olga discarded it" in result.content
        assert not folder.exists()
        assert _serving() == "tiny"
    assert server.unknown_requests == server.violations == []


BROKEN = [
    {"number": 3, "line": 8, "wanted": "positive", "found": "unsure"},
    {"number": 4, "line": 10, "wanted": "distress", "found": "negative"},
]


@pytest.mark.parametrize("lost", [BROKEN[1:], []], ids=["lost", "broken-before"])
@pytest.mark.usefixtures("_fake")
async def test_a_candidate_that_breaks_a_sentence_under_test_waits(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    lost: list[dict[str, Any]],
) -> None:
    Path("checks.yaml").write_text('- text: "my own secret words"\n  kind: positive\n')
    answer = json.loads(Path("comparison.json").read_text())
    checks = {"total": 12, "broken": BROKEN, "lost": lost}
    Path("comparison.json").write_text(json.dumps({**answer, "checks": checks}))
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _train(server)
        result = await _result(server)
        assert "Sentences under test: 10 of 12 kept." in result.content
        third = "number 3 \\(line 8\\): unsure, not positive; the serving checkpoint breaks it too"
        assert third in result.content
        if lost:
            assert "distress; the serving checkpoint keeps it" in result.content
            assert "It was not promoted automatically, because it breaks" in result.content
            assert _serving() == "tiny"
            assert len(result.components) == 1
        else:
            assert "answers from now on" in result.content
            assert _serving() != "tiny"
    assert "--checks=checks.yaml" in fake_trainer.asked("evaluate")
    assert "secret" not in "".join(message.content for message in server.messages)


@pytest.mark.usefixtures("_fake")
async def test_malformed_sentences_under_test_are_told_before_anything_starts(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/checks.yaml").write_text('- text: "my own secret words"\n  kind: fine\n')
    chosen: dict[str, Any] = {
        "train_datasets": DATASETS,
        "responses_file": tmp_path / "mine/responses.yaml",
    }
    async with serving(server, classifier, responses, **chosen):
        answer = await _answer(server, await _train(server))
        assert answer.content.startswith(
            "Nothing was started. checks.yaml, line 2: 'kind' must be one of negative,"
        )
        assert "secret" not in answer.content
    assert not Path("fit.asked").exists()


async def test_a_broken_candidate_is_refused_and_its_buttons_stay(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_trainer.install(checkpoint, monkeypatch, not_worse=False)
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _train(server)
        result = await _result(server)
        (folder,) = [path for path in Path("checkpoints").iterdir() if "films" in path.name]
        (folder / "config.json").write_text("{}")
        pressed = await server.press(
            result, f"candidate:promote:{folder.name}", author=server.owner
        )
        answer = await server.wait_for_message(
            lambda posted: posted.interaction_id == pressed.id, PATIENCE
        )
        assert answer.ephemeral
        assert "was changed since training" in answer.content
        assert result.components
        reply = await server.wait_for_reply(await server.dm("A great film"))
        assert reply.content == "a positive sentence"
        assert classifier.judged == ["A great film"]


async def test_a_bug_while_a_candidate_is_promoted_is_excused(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("private")

    monkeypatch.setattr(Models, "promote", broken)
    fake_trainer.install(checkpoint, monkeypatch, not_worse=False)
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _train(server)
        result = await _result(server)
        (folder,) = [path for path in Path("checkpoints").iterdir() if "films" in path.name]
        button = f"candidate:promote:{folder.name}"
        pressed = await server.press(result, button, author=server.owner)
        answer = await server.wait_for_message(
            lambda posted: posted.interaction_id == pressed.id, PATIENCE
        )
        assert (answer.content, answer.ephemeral) == (f"a {Kind.FAILURE} sentence", True)
        assert result.components
    assert "Deciding on a candidate failed: RuntimeError" in caplog.text
    assert "private" not in caplog.text


@pytest.mark.usefixtures("_fake")
async def test_others_are_refused_and_nothing_starts(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        for name, options in (("train", {"dataset": "films"}), ("training cancel", {})):
            command = await server.slash(
                name, options, author=server.admin, permissions=ADMINISTRATOR
            )
            answer = await _answer(server, command)
            assert f"its owner <@{server.owner.id}>" in answer.content
            assert not answer.pinged
        last = await server.wait_for_reply(await server.dm("great"))
        assert last.content == "a positive sentence"
    assert not Path("fit.asked").exists()
    assert not Path("state/training").exists()


@pytest.mark.parametrize("dataset", ["/srv/films.csv", "../films.csv", "starter", ""])
@pytest.mark.usefixtures("_fake")
async def test_only_what_the_operator_listed_reaches_the_trainer(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses, dataset: str
) -> None:
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        answer = await _answer(server, await _train(server, dataset=dataset))
        assert answer.content == "The data sets are: films."
        await nothing_more(server, answer)
    assert not Path("fit.asked").exists()


CORRECTIONS = "text,label\nnot bad at all,positive\n"


@pytest.mark.usefixtures("_fake")
async def test_the_operator_s_corrections_are_a_data_set(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    Path("corrections.csv").write_text(CORRECTIONS)
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await server.wait_until(lambda: None in server.commands, PATIENCE)
        (command,) = [each for each in server.commands[None] if each["name"] == "train"]
        (option,) = [each for each in command["options"] if each["name"] == "dataset"]
        assert [choice["value"] for choice in option["choices"]] == ["films", "corrections"]
        await _answer(server, await _train(server, dataset="corrections"))
        await _result(server, "**Trained on corrections")
    datasets = [word for word in fake_trainer.asked("fit") if word.startswith("--dataset")]
    assert datasets == ["--dataset=corrections.csv", "--dataset=starter"]
    assert "--dataset=corrections.csv" in fake_trainer.asked("evaluate")
    assert Path("corrections.csv").read_text() == CORRECTIONS


@pytest.mark.usefixtures("_fake")
async def test_a_setting_of_that_name_comes_before_the_corrections(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    Path("corrections.csv").write_text(CORRECTIONS)
    chosen: dict[str, Any] = {"train_datasets": {"corrections": "/srv/mine.csv"}}
    async with serving(server, classifier, responses, **chosen):
        await _answer(server, await _train(server, dataset="corrections"))
        await _result(server, "**Trained on corrections")
    datasets = [word for word in fake_trainer.asked("fit") if word.startswith("--dataset")]
    assert datasets == ["--dataset=/srv/mine.csv"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("it was my secret,postive", "corrections, line 3: the label is 'postive', but must be"),
        ("it was my secret, truly,positive", "corrections, line 3 has 3 fields"),
        ('"it was my secret,positive', "corrections, line 3: a quotation mark opens"),
        ("positive,it was my secret", "corrections, line 3: the label is where the text should"),
        ("it was my secret,negative", "corrections holds only 1 negative training reviews"),
    ],
)
async def test_an_error_in_the_corrections_is_told_with_its_row_and_without_its_text(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    checkpoint: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    row: str,
    problem: str,
) -> None:
    monkeypatch.setattr(background, "_give_way", lambda _pid: None)
    shutil.copytree(checkpoint.parent, "checkpoints")
    Path("corrections.csv").write_text(f"{CORRECTIONS}{row}\n")
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _answer(server, await _train(server, dataset="corrections"))
        result = await _result(server, "**The training on corrections failed.**")
    assert problem in result.content
    assert "secret" not in "".join(message.content for message in server.messages)
    assert "secret" not in caplog.text


@pytest.mark.usefixtures("_fake")
async def test_a_number_that_is_none_reaches_no_trainer(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        command = await _train(server, seed="1 --output=/etc")
        assert "the seed one from 0 to 4294967295" in (await _answer(server, command)).content
    assert not Path("fit.asked").exists()


@pytest.mark.usefixtures("_fake")
async def test_where_the_bot_may_not_write_nothing_starts(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    server.fail(*POST_MESSAGE, status=403)
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        answer = await _answer(server, await _train(server))
        assert "Nothing was started, because I cannot write in this channel" in answer.content
    assert not Path("fit.asked").exists()


@pytest.mark.usefixtures("_fake")
async def test_a_result_is_sent_without_the_picture_rather_than_not_at_all(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    held = fake_trainer.hold("evaluate")
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _train(server)
        while not Path("evaluate.asked").exists():
            await asyncio.sleep(0.05)
        server.fail(*POST_MESSAGE, status=403)
        held.unlink()
        result = await _result(server)
        assert result.files == []


@pytest.mark.usefixtures("_fake")
async def test_a_result_that_cannot_be_posted_reaches_the_operator(
    server: DiscordServer, classifier: KeywordClassifier, responses: Responses
) -> None:
    held = fake_trainer.hold("evaluate")
    async with serving(server, classifier, responses, train_datasets=DATASETS):
        await _train(server)
        while not Path("evaluate.asked").exists():
            await asyncio.sleep(0.05)
        server.fail(*POST_MESSAGE, status=403, times=2)
        held.unlink()
        result = await _result(server)
        assert result.channel.recipient is server.owner


async def test_a_real_training_on_a_small_file(
    server: DiscordServer,
    classifier: KeywordClassifier,
    responses: Responses,
    checkpoint: Path,
    roomy_encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Other work on this machine would keep it waiting for ever.
    monkeypatch.setattr(background, "_give_way", lambda _pid: None)
    shutil.copytree(checkpoint.parent, "checkpoints")
    reviews = write_csv(tmp_path / "films.csv", separable_reviews())
    chosen: dict[str, Any] = {
        "train_datasets": {"films": str(reviews)},
        "train_base_model": str(roomy_encoder),
    }
    async with serving(server, classifier, responses, **chosen):
        command = await _train(server, fraction=1.0, epochs=3)
        await _answer(server, command)
        assert command.answered_after_s is not None
        assert command.answered_after_s < 3
        shown = await server.wait_for_message(lambda posted: "begins" in posted.request["content"])
        answered = 0
        while not (results := [m for m in server.messages if m.content.startswith("**Trained")]):
            await server.wait_for_reply(await server.dm(f"great {answered}"), PATIENCE)
            answered += 1
            await asyncio.sleep(0.1)
            assert "failed" not in server.messages[-1].content
    (result,) = results
    assert "On the same" in result.content
    assert "McNemar" in result.content
    times = [r.at for r in server.requests if r.method == "PATCH" and str(shown.id) in r.path]
    assert all(later - earlier >= 1.9 for earlier, later in pairwise(times))
    assert len([m for m in server.messages if m.reply_to is not None]) == answered
    (folder,) = [path for path in Path("checkpoints").iterdir() if "films" in path.name]
    assert json.loads((folder / "training.json").read_text())["hyperparameters"]["epochs"] == 3
