"""Models as text, on numpy and onnxruntime alone: no torch, no Django.

`model_file` reads a model that a worker made ready (`training.language_model.step_network` runs its graph), `sampler`
draws tokens, `banned` says which would complete a word that is not to be written, `writer` turns them into pieces of
text, `batch` does so for many texts side by side, `prefixes` remembers prompts, `cache` keeps models in memory, and
`engine` lets all who write with a model share its batch.
"""
