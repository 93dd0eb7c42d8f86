"""Checkpoints as text, on numpy alone: no torch, no Django.

`model_file` reads a model, `network` steps it, `sampler` draws a token, `writer` turns recipe and prompt into pieces of
text, `cache` keeps models in memory and `engine` shares the threads among everyone who writes.
"""

import os

# Before numpy is first imported: a matrix product split over threads sums in an order that depends on the machine's
# cores, and a seed should not. The engine's own threads use the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
