"""How sequences of different lengths become batches: the one rule, in serving and in evaluation.

Texts of like length share a batch, and a batch is cut by its padded tokens (longest x count), as
huggingface/text-embeddings-inference does, since padding is wasted work.
"""

from collections.abc import Iterator, Sequence

PADDED_TOKENS = 1_024
"""The bound on a batch, longest x count: on a processor a larger one takes longer and is no faster
for each text."""
PADDED_TOKENS_ON_GPU = 16_384
"""The same on a GPU, which small batches leave idle."""


def batches(lengths: Sequence[int], padded_tokens: int = PADDED_TOKENS) -> Iterator[list[int]]:
    """Yields the indices of `lengths` (tokens), shortest first, in batches of at most
    `padded_tokens`. A sequence that is longer than that is a batch by itself."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[index] * (len(batch) + 1) > padded_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
