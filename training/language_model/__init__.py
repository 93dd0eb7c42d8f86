"""Recurrent language models of lyrics: text, tokenizers, networks, training, model files. Torch, and no Django.

Torch's threads wait for each other by spinning, millions of turns by default. That is a little faster on an idle
machine (51 steps a second instead of 42 with a small net on two cores) and ruinous where another process needs one of
the cores: 0.8 steps a second instead of 21. The library reads the number when torch is loaded, so it is set here,
before any module of this room is; who sets it in the environment is heard.

cuDNN's cells multiply on several streams of a graphics processor, and by which way a product is made depends on which
of cuBLAS's buffers is free just then, unless all are of one size (NVIDIA's advice, and PyTorch's for its LSTM). So they
are, for the sake of a training that repeats bit by bit.
"""

import os

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
