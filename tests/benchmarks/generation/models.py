"""The model that all contestants write with: pieces of the starter songbook, and weights that nobody trained.

Speed does not ask what the words mean. Scores lie around each piece's frequency in the songbook and differ little from
text to text: about six nats of surprise a token, which leaves a draw no fewer candidates than a trained model does.
"""

from pathlib import Path

import torch

from tests.benchmarks.generation.openings import openings, songs
from training.language_model.checkpoint import load_model, save_model
from training.language_model.config import TrainingConfig
from training.language_model.export import export_model
from training.language_model.networks import LyricNetwork
from training.language_model.serving_files import MANIFEST_FILE
from training.language_model.tokenizers import Tokenizer

VOCABULARY_SIZE = 4096
MODEL_FILE = "model.safetensors"
MODELS = {
    "standard": {"embedding_size": 256, "hidden_size": 512},
    "ten-million": {"embedding_size": 512, "hidden_size": 720},
    "small": {"embedding_size": 64, "hidden_size": 128},
}
SCORE_SPREAD = 0.7  # standard deviation of a score; with 2 some pass the gate of eight bits and some do not
NEVER = -60.0  # nats: no text ends before its tokens are written


def model_file(folder: Path, name: str) -> Path:
    """The file of the model called ``name``, made when it is first asked for."""
    path = folder / name / MODEL_FILE
    if not path.exists():
        path.parent.mkdir()
        make_model(path, MODELS[name])
    return path


def ready_model(folder: Path, name: str) -> Path:
    """The folder of the same model, ready to write as a worker makes it."""
    file = model_file(folder, name)
    if not (file.parent / MANIFEST_FILE).exists():
        export_model(load_model(file), file.parent)
    return file.parent


def opening_tokens(file: Path) -> list[int]:
    """One opening as the model reads it."""
    tokenizer = load_model(file).tokenizer
    return [tokenizer.begin_id, *tokenizer.encode(openings(1, number=1)[0])]


def make_model(path: Path, sizes: dict[str, int]) -> None:
    """Write a `model.safetensors` of an LSTM with 4,096 pieces of words; the same weights each time."""
    config = TrainingConfig.from_dict(
        {"tokenizer": "bpe", "minimum_count": 1, "vocabulary_limit": VOCABULARY_SIZE, "num_layers": 2}
        | {"architecture": "lstm", "tie_embeddings": True, "dropout": 0.0}
        | sizes
    )
    tokenizer = piece_tokenizer(config)
    network = LyricNetwork.of(config, tokenizer.vocabulary_size, generator=torch.Generator().manual_seed(1))
    spread_weights(network, tokenizer)
    save_model(path, network, config=config, tokenizer=tokenizer, data={}, metrics={})


def piece_tokenizer(config: TrainingConfig) -> Tokenizer:
    """The pieces of the songbook, marks included as many as `VOCABULARY_SIZE`."""
    marks = Tokenizer.train(songs()[:1], config.replace(vocabulary_limit=1000)).mark_count
    return Tokenizer.train(songs(), config.replace(vocabulary_limit=VOCABULARY_SIZE - marks))


@torch.no_grad()
def spread_weights(network: LyricNetwork, tokenizer: Tokenizer) -> None:
    """Make scores differ by `SCORE_SPREAD` from text to text, around how frequent each piece is in the songbook."""
    network.embedding.weight.mul_(10)  # now evenly from -1 to 1
    ids = [token for song in songs() for token in tokenizer.encode(song)]
    network.start_at_unigram(torch.bincount(torch.tensor(ids), minlength=tokenizer.vocabulary_size))
    scores, _ = network.eval()(torch.tensor(ids[:1000])[:, None])
    network.projection.weight.mul_(SCORE_SPREAD / (scores - network.decoder_bias).std())
    network.decoder_bias[tokenizer.end_id] = NEVER
