"""The texts of a training run for operators: its progress and its outcome."""

from datetime import UTC, datetime

from discord.utils import format_dt

from bot.frontends.discord.escaping import code, plain
from bot.operations.progress import Progress
from bot.operations.runs import Cancelled, Failed, Outcome, Run, Trained
from bot.operations.shadow import MAX_MESSAGES, Tally
from bot.sentences.responses import MAX_CHARACTERS
from trainer.events import Checked, Compared, Step, duration

EDIT_SECONDS = 5.0
"""Between two edits of the message of a run: everybody in the channel sees them, and they count
towards Discord's rate limit there, which the replies to customers need most."""

BAR_CHARACTERS = 20
MAX_NOTES_CHARACTERS = 600
"""In characters: enough for the notes of a run, and far below Discord's 2,000."""

MAX_PROBLEM_CHARACTERS = 700
"""In characters: the figures are in the same message."""

_TRIAL = "**Tried silently on live messages"
"""The beginning of the lines about it, which are the last ones of the message."""

MAX_DIFFERENCES = 8
"""Lines."""

MAX_CHECKS = 5
"""Broken sentences that a result lists; `python -m trainer evaluate` lists all."""


def standing(run: Run, progress: Progress) -> str:
    """The progress of a run: the message that is edited during it."""
    lines = [f"**Training on {plain(run.label)}**, started by {plain(run.started_by)}"]
    if progress.is_saved:
        lines += ["Trained. Comparing it with the serving checkpoint, on the same reviews …"]
    elif progress.judging is not None:
        judging = progress.judging
        how_far = f"{judging.done:,} of {judging.total:,} {plain(judging.split)} reviews"
        lines += [f"Trained. Judging it: {how_far}"]
    elif progress.step is not None:
        step = progress.step
        epochs = f" of {progress.plan.epochs}" if progress.plan else ""
        lines += [
            f"`{_bar(step)}` {step.number / step.total:.0%}",
            f"step {step.number:,} of {step.total:,}, epoch {step.epoch}{epochs}",
            f"loss {step.loss:.3f} · {step.tokens_per_second:,.0f} tokens/s · "
            f"{duration(step.seconds_left)} left",
        ]
    else:
        lines += ["Reading the reviews and the pre-trained encoder …"]
    if progress.notes:
        lines += [f"-# {plain(' '.join(progress.notes), MAX_NOTES_CHARACTERS)}"]
    return "\n".join(lines)


def occupied(run: Run, progress: Progress) -> str:
    """The refusal of a second run."""
    if progress.is_saved or progress.judging is not None:
        how_far = "it is trained, and being judged"
    elif progress.step is not None:
        step = progress.step
        how_far = (
            f"it is at step {step.number:,} of {step.total:,} ({step.number / step.total:.0%}), "
            f"with {duration(step.seconds_left)} of training left"
        )
    else:
        how_far = "it is reading its reviews"
    return (
        f"One training at a time: {plain(run.started_by)} has started one on {plain(run.label)}, "
        f"and {how_far}. To stop it: /training cancel"
    )


def ended(run: Run, outcome: Outcome) -> str:
    """The last edit of the message that showed the progress."""
    training = f"**Training on {plain(run.label)}**, started by {plain(run.started_by)}: "
    match outcome:
        case Cancelled(by):
            return (
                f"{training}stopped by {plain(by)}. Nothing was kept of it, and every checkpoint "
                "there was is untouched."
            )
        case Failed():
            return training + "it failed. The reason is below."
        case Trained():
            return training + "done. The result is below."


def result(run: Run, outcome: Failed | Trained) -> str:
    """The message with the outcome."""
    if isinstance(outcome, Failed):
        return (
            f"**The training on {plain(run.label)} failed.** {plain(outcome.reason)}\n"
            "The serving checkpoint goes on answering."
        )
    lines = [f"**Trained on {plain(run.label)}: `{outcome.name}`**"]
    comparison = outcome.comparison
    if comparison is not None:
        lines += [*_figures(comparison), *_checks(comparison.checks)]
    if outcome.is_promoted:
        lines += [f"It is {_judgement(comparison)}, so it answers from now on."]
        lines += ["To go back: /model rollback"]
    elif comparison is not None and not comparison.not_worse:
        lines += [f"It is {_judgement(comparison)}, so the present one goes on answering."]
    else:
        problem = plain(outcome.problem or "", MAX_PROBLEM_CHARACTERS)
        lines += [f"{problem} The present one goes on answering."]
    return "\n".join(lines)


def trying(content: str, tally: Tally) -> str:
    """The message about a candidate, with a line that says that it is tried silently."""
    until = format_dt(datetime.fromtimestamp(tally.until, UTC))
    return _with_trial(
        content,
        [
            f"{_TRIAL}**, beside {code(tally.serving)}, until {until} or until it has judged "
            f"{MAX_MESSAGES:,}. It answers nobody, and no text is kept."
        ],
    )


def tried(content: str, tally: Tally, why: str) -> str:
    """The message about a candidate, with what came of trying it."""
    share = f" ({tally.differ / tally.judged:.1%})" if tally.judged else ""
    left_out = f", {tally.left_out:,} left out, as customers came first" if tally.left_out else ""
    lines = [
        f"{_TRIAL}**, beside {code(tally.serving)}: {tally.judged:,} judged, {tally.differ:,} of "
        f"them differently{share}{left_out}. It ended because {plain(why)}."
    ]
    for each in tally.differences[:MAX_DIFFERENCES]:
        lines += [f"- {plain(each.serving)} → {plain(each.candidate)}: {each.messages:,}"]
    if more := sum(each.messages for each in tally.differences[MAX_DIFFERENCES:]):
        lines += [f"- others: {more:,}"]
    return _with_trial(content, lines)


def _with_trial(content: str, lines: list[str]) -> str:
    """The content with these last lines, in place of those of an earlier trial."""
    before = content.partition(f"\n{_TRIAL}")[0]
    return "\n".join([before, *lines])[:MAX_CHARACTERS]


def _bar(step: Step) -> str:
    done = round(BAR_CHARACTERS * step.number / step.total)
    return "█" * done + "░" * (BAR_CHARACTERS - done)


def _figures(comparison: Compared) -> list[str]:
    """Both checkpoints in a table, and the difference."""
    low, high = comparison.interval
    rows = [("candidate", comparison), ("serving", comparison.against)]
    table = [f"{name:<10} {row.accuracy:>8.3f}  {row.f1:>6.3f}" for name, row in rows]
    return [
        f"On the same {comparison.reviews:,} {plain(comparison.split)} reviews, beside the serving "
        f"{code(comparison.against.checkpoint.name)}:",
        "\n".join(["```", f"{'':<10} {'accuracy':>8}  {'F1':>6}", *table, "```"]),
        f"Difference in accuracy: {100 * comparison.difference:+.1f} points "
        f"(95% interval {100 * low:+.1f} to {100 * high:+.1f})",
    ]


def _checks(checked: Checked | None) -> list[str]:
    """How the sentences under test fared, by number: everybody in the channel sees it."""
    if checked is None:
        return []
    kept = checked.total - len(checked.broken)
    lines = [f"Sentences under test: {kept:,} of {checked.total:,} kept."]
    first = sorted(checked.broken, key=lambda each: each not in checked.lost)[:MAX_CHECKS]
    for each in first:
        serving = "keeps it" if each in checked.lost else "breaks it too"
        lines += [f"- {plain(str(each))}; the serving checkpoint {serving}"]
    if more := len(checked.broken) - len(first):
        lines += [f"- … and {more:,} more"]
    return lines


def _judgement(comparison: Compared | None) -> str:
    assert comparison is not None  # nothing is promoted automatically without one
    word = "not worse" if comparison.not_worse else "worse"
    return f"{word} by McNemar's exact test (p = {comparison.p_value:.3f})"
