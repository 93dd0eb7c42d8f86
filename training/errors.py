"""What can be expected to go wrong, each with a sentence a person can act on. The edges turn these into answers."""


class ExpectedError(Exception):
    """Base of all refusals; ``message`` is for people, ``code`` for programs, ``status`` for HTTP."""

    status = 400
    code = "refused"

    def __init__(self, message: str, *, code: str | None = None, **details) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.details = details


class Invalid(ExpectedError):
    """Raised for input that breaks a rule; ``errors`` maps a field to its messages."""

    code = "invalid"

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("; ".join(message for messages in errors.values() for message in messages))
        self.errors = errors


class Conflict(ExpectedError):
    """Raised when the object's state does not allow it; ``state`` says which state that is."""

    status = 409
    code = "conflict"

    def __init__(self, message: str, *, state: str = "", code: str | None = None) -> None:
        super().__init__(message, code=code, state=state)


class TooLarge(ExpectedError):
    """Raised when an upload is over its limit."""

    status = 413
    code = "too_large"


class Damaged(ExpectedError):
    """Raised when a file we published is missing or no longer what it was."""

    status = 410
    code = "damaged"


class LimitReached(ExpectedError):
    """Raised when a person's quota is used up; ``retry_seconds`` says when to try again."""

    status = 429
    code = "limit_reached"

    def __init__(self, message: str, *, retry_seconds: int = 60) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds
