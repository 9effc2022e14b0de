"""Do the words that an explanation weighs most carry the verdict? They are taken away to see.

The test of explanations by removal: DeYoung et al. 2020, "ERASER: A Benchmark to Evaluate
Rationalized NLP Models", section 4 (comprehensiveness), beside as many words taken at random.
"""

import random
from collections.abc import Collection, Sequence
from statistics import fmean

from bot.conversation.why import Explainer, Explanation
from bot.engine import Engine, TextClassifier

SHARE = 0.2
"""Of a review's words, those that are taken away; one at least."""


async def removal(classifier: TextClassifier, reviews: Sequence[str]) -> tuple[float, float]:
    """What taking words away takes from the confidence, on average, in probability.

    First for the words with the largest weights, then for as many at random.
    """
    chance = random.Random(0)
    by_weight, by_chance = [], []
    async with Engine(classifier) as engine:
        for review in reviews:
            explanation = await Explainer(engine).explain(review)
            parts = range(len(explanation.parts))
            count = max(1, round(SHARE * len(parts)))
            heaviest = sorted(parts, key=lambda index: -explanation.parts[index].weight)[:count]
            by_weight.append(await _drop(engine, explanation, heaviest))
            by_chance.append(await _drop(engine, explanation, chance.sample(parts, count)))
    return fmean(by_weight), fmean(by_chance)


async def _drop(engine: Engine, explanation: Explanation, taken: Collection[int]) -> float:
    """In the probability of the explained class."""
    kept = [part.text for index, part in enumerate(explanation.parts) if index not in taken]
    verdict = await engine.classify(" ".join(kept))
    before, after = explanation.probabilities, verdict.probabilities
    return before[explanation.label] - after[explanation.label]
