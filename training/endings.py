"""Ends of a training that its own process says, or that its supervisor must say for it when it no longer can."""

OUT_OF_MEMORY = "out_of_memory"
OUT_OF_MEMORY_WORDS = (
    "The training needed more memory than there is. Choose a smaller batch, a shorter sequence or a smaller network."
)
# What the allocators of Python, C++, torch and OpenMP say when they get nothing, whichever of them asks first.
_SAID_WITHOUT_MEMORY = (
    "memoryerror",
    "bad_alloc",
    "allocate memory",
    "cannot allocate",
    "out of memory",
    "thread creation failed",
    "create a memory object",
    "can't start new thread",
    "failed to map segment",
)


def tells_of_no_memory(words: str) -> bool:
    """Whether an error, or the last words of a process, say that memory was asked for in vain."""
    words = words.lower()
    return any(said in words for said in _SAID_WITHOUT_MEMORY)
