"""Tables that leave the house."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.exports import csv_download, csv_text, neutral_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\0x", " =1", "\n=1"])
def test_what_a_spreadsheet_could_run_is_made_text(text):
    assert neutral_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["plain", "", "1-1", "a=b", "é"])
def test_other_text_is_left_alone(text):
    assert neutral_cell(text) == text


def test_numbers_stay_numbers():
    assert csv_text(["a", "b"], [[-1, None]]) == "a,b\r\n-1,\r\n"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4))
def test_every_cell_comes_back_but_for_its_apostrophe(cells):
    _, read = csv.reader(io.StringIO(csv_text(["header"], [cells]), newline=""))

    assert read == [neutral_cell(cell) for cell in cells]


@pytest.mark.parametrize("name", ['a"\r\nX-Y: z', "n" * 300, "🎵", "../../etc/passwd", ""])
def test_a_download_has_a_safe_name(name):
    header = csv_download("", name)["Content-Disposition"]

    assert header.startswith('attachment; filename="')
    assert "/" not in header
    assert "\n" not in header
