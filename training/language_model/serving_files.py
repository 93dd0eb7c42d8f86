"""The files of a model that is ready to write, and what its manifest says. Pure.

serving.json         format, network, gates passed, what it was made with
tokenizer.json       words or signs and their numbers
step.<precision>.onnx    one step of the network
step.int8.safetensors    the weights of the compiled step, for those networks that have one
"""

FORMAT, VERSION = "lyrics-serving", "1"
MANIFEST_FILE, TOKENIZER_FILE = "serving.json", "tokenizer.json"
COMPILED_FILE = "step.int8.safetensors"
GRAPH_FILES = {"float32": "step.float32.onnx", "int8": "step.int8.onnx"}
ALL_FILES = (MANIFEST_FILE, TOKENIZER_FILE, COMPILED_FILE, *GRAPH_FILES.values())
