"""Checkpoints as text, on numpy alone: no torch, no Django.

`model_file` reads a model, `network` steps it, `sampler` draws tokens, `banned` says which
would complete a word that is not to be written, `writer` turns them into pieces of text, `batch`
does so for many texts side by side, `prefixes` remembers prompts, `cache` keeps models in memory, and `engine` lets all
who write with a model share its batch.
"""

import os

# Before numpy is first imported: a matrix product split over threads sums in an order that depends on the machine's
# cores, and a seed should not. The engine's own threads use the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
