"""What a JSON body may hold wherever it is sent."""

from rest_framework import parsers
from rest_framework.exceptions import ParseError, ValidationError

HALF_A_CHARACTER = "This holds half a character (a lone surrogate)."


class JSONParser(parsers.JSONParser):
    """JSON without half characters, which no answer can repeat and no database store: a refusal names the fields."""

    def parse(self, stream, media_type=None, parser_context=None):
        data = super().parse(stream, media_type, parser_context)
        if is_whole(data):
            return data
        if isinstance(data, dict) and all(map(is_whole, data)):
            raise ValidationError({name: [HALF_A_CHARACTER] for name, value in data.items() if not is_whole(value)})
        raise ParseError(HALF_A_CHARACTER)


def is_whole(value) -> bool:
    """Whether no string inside ``value`` holds a lone surrogate."""
    if isinstance(value, dict):
        return all(is_whole(key) and is_whole(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(map(is_whole, value))
    return not isinstance(value, str) or not any("\ud800" <= letter <= "\udfff" for letter in value)


class FilesInForms:
    """A view whose files come as multipart alone, and everything else as JSON; what comes otherwise is a 415."""

    takes_files: tuple[str, ...] = ("create",)

    def get_parsers(self):
        action = (getattr(self, "action_map", None) or {}).get("post")
        return [parsers.MultiPartParser()] if action in self.takes_files else super().get_parsers()
