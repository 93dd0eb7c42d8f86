"""The files of a model that is ready to write, and what its manifest says. Pure.

serving.json         format, network, gates passed, what it was made with
tokenizer.json       words or signs and their numbers
step.<precision>.onnx    one step of the network
"""

FORMAT, VERSION = "lyrics-serving", "1"
MANIFEST_FILE, TOKENIZER_FILE = "serving.json", "tokenizer.json"
GRAPH_FILES = {"float32": "step.float32.onnx", "int8": "step.int8.onnx"}
