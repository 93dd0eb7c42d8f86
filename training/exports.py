"""What leaves the house as a table: safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify

FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\0")


def neutral_cell(value) -> str:
    """Return the text of a cell that no spreadsheet takes for a formula: an apostrophe stands before what could be one.

    Source: OWASP ASVS 5.0, 1.2.10.
    """
    text = "" if value is None else str(value)
    if text.startswith(FORMULA_BEGINNINGS) or text.lstrip().startswith(FORMULA_BEGINNINGS):
        return "'" + text
    return text


def csv_text(header: Sequence[str], rows: Iterable[Sequence]) -> str:
    """Return a CSV table with neutral cells; numbers stay numbers, negative ones too."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(header)
    for row in rows:
        writer.writerow([value if isinstance(value, int | float) else neutral_cell(value) for value in row])
    return table.getvalue()


def csv_download(text: str, name: str) -> HttpResponse:
    """Return the table as a download that a browser neither shows nor runs."""
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{slugify(name) or 'table'}.csv")
    response["Content-Security-Policy"] = "sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


REJECTION_COLUMNS = ("record", "line", "column", "reason", "message", "snippet")


def rejections_csv(rejections: Iterable) -> str:
    """Return the records that were left out as a CSV table."""
    rows = rejections.values_list("record_number", "line", "column", "reason", "message", "snippet")
    return csv_text(REJECTION_COLUMNS, rows.iterator())
