"""Plain rows are taken whole; whatever is taken so has to be what reading line by line gives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.importers.lines import Line, read_lines
from training.importers.table_rows import TableRows

PIECES = st.sampled_from(
    [
        '"',
        '""',
        ",",
        ",",
        "\t",
        " ",
        "\n",
        "\n",
        "la",
        '"la, la"',
        '"la\nla"',
        'a,"b\nb",c\n',
        "a,b,c\n",
        ',"",\n',
        " \t\n",
    ]
)
TABLES = st.lists(PIECES, max_size=60).map("".join)


class LineByLine(TableRows):
    def _plain_rows(self):
        return iter(())


def rows_of(kind: type[TableRows], chunks: list[str], delimiter: str = ",", longest: int = 400) -> list:
    return list(kind(read_lines(chunks, longest), delimiter, longest=longest))


def in_pieces(text: str, size: int) -> list[str]:
    return [text[place : place + size] for place in range(0, len(text), size)]


@settings(max_examples=400, deadline=None)
@given(TABLES, st.integers(1, 30), st.sampled_from([",", "\t"]))
def test_rows_taken_whole_are_those_read_line_by_line(table, size, delimiter):
    table = delimiter.join("abc") + "\n" + table
    expected = rows_of(LineByLine, [table], delimiter)
    assert rows_of(TableRows, [table], delimiter) == expected
    assert rows_of(TableRows, in_pieces(table, size), delimiter) == expected


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_row_may_come_in_pieces(size):
    table = "a,b\n" + '1,"la\nla ""la"""\n' * 9 + "2,lo\n\n" + '3,"x"\n'
    rows = rows_of(TableRows, in_pieces(table, size))
    assert [row.cells for row in rows[1:]] == [["1", 'la\nla "la"']] * 9 + [["2", "lo"], ["3", "x"]]
    assert [row.line for row in rows] == [1, *range(2, 20, 2), 20, 22]


def test_a_broken_row_says_at_which_line_reading_went_on():
    rows = rows_of(TableRows, ['a,b\n1,"la"\n2,"never ends\nla\n3,"la"\n'])
    assert [(row.line, row.problem, row.next_line) for row in rows[2:]] == [(3, "unclosed", 5), (5, "", 0)]


def test_lines_are_numbered_and_cut_however_they_come():
    for size in (1, 3, 100):
        assert list(read_lines(in_pieces("la\n\n123456\nlo", size), 4)) == [
            Line(1, "la"),
            Line(2, ""),
            Line(3, "1234", is_cut=True),
            Line(4, "lo"),
        ]
