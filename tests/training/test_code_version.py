"""The version that checkpoints name: the same for the same sources, another one where a line differs."""

import re

from training.code_version import code_version, fingerprint_of


def test_it_names_the_release_and_the_sources():
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{12}", code_version())


def test_sources_that_differ_in_a_line_a_name_or_a_place_have_other_fingerprints(tmp_path):
    (tmp_path / "cells.py").write_text("one = 1\n")
    seen = [fingerprint_of(tmp_path)]
    assert seen == [fingerprint_of(tmp_path)]
    (tmp_path / "notes.txt").write_text("no source")
    assert seen == [fingerprint_of(tmp_path)]
    (tmp_path / "cells.py").write_text("one = 2\n")
    seen.append(fingerprint_of(tmp_path))
    (tmp_path / "cells.py").rename(tmp_path / "other.py")
    seen.append(fingerprint_of(tmp_path))
    (tmp_path / "probes").mkdir()
    (tmp_path / "other.py").rename(tmp_path / "probes" / "other.py")
    seen.append(fingerprint_of(tmp_path))
    assert len(set(seen)) == len(seen)
