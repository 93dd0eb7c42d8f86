"""Compiles what is exported into one object file for this machine's processor.

python -m training.language_model.kernels.compile            # where `linked` looks for it
python -m training.language_model.kernels.compile FILE
"""

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from llvmlite import binding
from numba import cfunc, types

from training.language_model.kernels import exported, linked

# What numba puts in for errors and for memory that Python counts. Nothing here raises or allocates, so it is never
# called; if it were, the process would end there and then.
NEVER_CALLED = re.compile(r"^declare .*@((?:NRT_|numba_|Py)\w*)\(", re.MULTILINE)


def compile_all(names: Mapping[str, int], processor: str, features: str) -> bytes:
    """The object file: each exported function of those ``names`` (with how many arguments) under its own name.

    Raises: RuntimeError for a function that asks for memory.
    """
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    whole = binding.parse_assembly("")
    for name, count in names.items():
        compiled = cfunc(types.int64(*[types.int64] * count), error_model="numpy")(getattr(exported, name))
        module = binding.parse_assembly(compiled._library.get_llvm_str())
        module.get_function(compiled.native_name).name = name
        whole.link_in(module)
    whole.link_in(binding.parse_assembly(_traps(str(whole))))
    whole.verify()
    target = binding.Target.from_default_triple()
    how = {"opt": 3, "jit": True, "codemodel": "jitdefault"}
    return target.create_target_machine(cpu=processor, features=features, **how).emit_object(whole)


def _traps(assembly: str) -> str:
    names = sorted(set(NEVER_CALLED.findall(assembly)))
    if allocating := [name for name in names if "lloc" in name]:
        raise RuntimeError(f"A compiled function asks for memory ({', '.join(allocating)}).")
    lines = ["declare void @llvm.trap()"]
    for name in names:
        lines.append(f"define void @{name}() {{ call void @llvm.trap() unreachable }}")
    return "\n".join(lines)


def main() -> None:
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else linked.object_file()
    if file.exists():
        return
    code = compile_all(linked.arguments(), *linked.this_processor())
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=file.name, delete=False) as part:
        part.write(code)
    made = Path(part.name)
    made.chmod(0o644)
    made.replace(file)  # whoever looks finds it whole or not at all


if __name__ == "__main__":
    main()
