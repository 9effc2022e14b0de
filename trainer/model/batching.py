"""How sequences of different lengths become batches, both in serving and in evaluation.

Texts of similar length share a batch, and a batch is limited by its padded tokens (longest x
count), as in huggingface/text-embeddings-inference, because padding is wasted work.
"""

from collections.abc import Iterator, Sequence

PADDED_TOKENS = 1_024
"""The limit of a batch, longest x count: on a processor, larger batches take longer and are no
faster per text."""
PADDED_TOKENS_ON_GPU = 16_384
"""The same on a GPU, which small batches leave idle."""


def batches(lengths: Sequence[int], padded_tokens: int = PADDED_TOKENS) -> Iterator[list[int]]:
    """Yields the indices of `lengths` (tokens), shortest first, in batches of at most
    `padded_tokens`. A longer sequence is a batch by itself."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[index] * (len(batch) + 1) > padded_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
