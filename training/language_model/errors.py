"""What can be expected to go wrong in the numeric rooms. Pure."""


class LyricsError(Exception):
    """Base of what can be expected to go wrong in the numeric rooms, each with a sentence a person can act on."""


class ConfigError(LyricsError):
    """Raised for settings outside their bounds; ``errors`` maps a field to its messages."""

    def __init__(self, errors: dict[str, list[str]]):
        super().__init__("; ".join(f"{name}: {' '.join(messages)}" for name, messages in errors.items()))
        self.errors = errors


class CorpusTooSmall(LyricsError):
    """Raised when the songs hold too little text to train on and to hold some back for validation."""


class TrainingDiverged(LyricsError):
    """Raised when the loss or its gradient is no longer a number; ``step`` says where."""

    def __init__(self, step: int, learning_rate: float):
        self.step = step
        self.suggested_learning_rate = learning_rate / 2
        super().__init__(
            f"The loss stopped being a number at step {step}. Train again with half the learning rate "
            f"({self.suggested_learning_rate:g} instead of {learning_rate:g})."
        )


class TooFewDevices(LyricsError):
    """Raised when a training is to share its batches among more processes than there are graphics processors."""

    def __init__(self, processes: int, devices: int):
        super().__init__(f"The training asks for {processes} graphics processors, and this machine has {devices}.")


class CheckpointError(LyricsError):
    """Raised when a file is not a model that this program wrote and can read."""
