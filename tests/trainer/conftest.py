"""One tiny model with random weights of each family that the trainer is asked to compare."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from tests.conftest import separable_reviews

FAMILIES = ("distilbert", "bert", "roberta", "gpt2")
MAX_TOKENS = 64
"""Tokens that each of them reads at once."""


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> dict[str, Path]:
    """Folders that --base-model takes, by the family's name: all of `FAMILIES`."""
    root = tmp_path_factory.mktemp("families")
    small: dict[str, Any] = {
        **{"hidden_size": 32, "intermediate_size": 64},
        **{"num_attention_heads": 2, "num_hidden_layers": 1},
        **{"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    }
    torch.manual_seed(0)

    special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]"}
    size = _save_tokenizer(root / "bert", special)
    bert = BertConfig(vocab_size=size, max_position_embeddings=MAX_TOKENS, **small)
    BertForSequenceClassification(bert).save_pretrained(root / "bert")

    # Positions are counted from behind the padding token's id, so two of them are never used.
    special = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>"}
    size = _save_tokenizer(root / "roberta", special)
    roberta = RobertaConfig(vocab_size=size, max_position_embeddings=MAX_TOKENS + 2, **small)
    RobertaForSequenceClassification(roberta).save_pretrained(root / "roberta")

    # One special token for everything, none around a text, no padding; a head for five classes.
    special = {"unk": "<|endoftext|>", "eos": "<|endoftext|>"}
    size = _save_tokenizer(root / "gpt2", special)
    gpt2 = GPT2Config(vocab_size=size, n_positions=MAX_TOKENS, n_embd=32, n_layer=1, n_head=2)
    gpt2.num_labels = 5
    gpt2.bos_token_id = gpt2.eos_token_id = 0
    GPT2ForSequenceClassification(gpt2).save_pretrained(root / "gpt2")
    return {"distilbert": tiny_encoder, **{name: root / name for name in FAMILIES[1:]}}


def _save_tokenizer(path: Path, special: dict[str, str]) -> int:
    """A tokenizer of whole words with a family's special tokens, which have the first ids.

    Returns:
        How many tokens it knows.
    """
    words = sorted({word for text, _ in separable_reviews() for word in text.split()})
    vocabulary = {
        word: index for index, word in enumerate((*dict.fromkeys(special.values()), *words))
    }
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=special["unk"]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if "cls" in special:
        first, last = special["cls"], special["sep"]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}",
            special_tokens=[(first, vocabulary[first]), (last, vocabulary[last])],
        )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=MAX_TOKENS,
        **{f"{name}_token": token for name, token in special.items()},
    ).save_pretrained(path)
    return len(vocabulary)
