"""Every fault that the platform promises to survive, and the tests that prove it.

A test names its faults at the beginning of its docstring ("F03: …", "F101, F92: …"). What older tests prove without
saying so stands in `ELSEWHERE`. ``python -m tests.faults.matrix`` prints the whole table.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TESTS = ROOT / "tests"
HERE = TESTS / "faults"

FAULTS = {
    # Workers, broker, the life of a run
    "F01": "kill -9 the training process at a random step",
    "F02": "kill -9 the worker's main process",
    "F03": "SIGSTOP a whole worker, let a second one take over, SIGCONT",
    "F04": "the same message fifty times to two workers",
    "F05": "a run outlasts the broker's visibility timeout",
    "F06": "the broker loses every message while runs wait",
    "F07": "POST /runs/ while the broker is away",
    "F08": "the broker restarts during a run, with and without its file",
    "F11": "a cancelled waiting run, a worker restarted by kill -9, and its message",
    "F12": "cancel a running run",
    "F13": "cancel and finish at the same moment",
    "F14": "ask to cancel, then kill -9 the worker",
    "F15": "SIGTERM a worker during training",
    "F17": "a run that ends its process each time",
    "F18": "too little memory for the training process",
    "F19": "reading of songs that sleeps forever",
    "F20": "a loss that is no number, an exception, a bad configuration",
    "F21": "kill -9 the web process between commit and message",
    "F22": "an exception behind the dispatch, in the transaction",
    "F23": "reaper, finish and heartbeat at the same moment",
    "F25": "the database stops, or is locked, during a run",
    "F27": "one person queues a hundred runs, another one",
    # Checkpoints and storage
    "F30": "kill -9 at every point of saving",
    "F31": "a full disk under the checkpoints",
    "F32": "TMPDIR on a full or other file system",
    "F33": "the folder becomes read-only",
    "F34": "a checkpoint cut, flipped, emptied or deleted",
    "F35": "an upload to S3 cut at half, and 503 twice",
    "F36": "interrupted and resumed against uninterrupted",
    "F37": "three hundred saves and what is kept of them",
    "F38": "rotation under a generation",
    "F39": "a pickle in a checkpoint's place",
    "F40": "a checkpoint of another architecture, vocabulary or version",
    "F42": "person, dataset or run deleted while in use",
    "F43": "a backup under load, restored into an empty folder",
    # Database, servers, streams
    "F45": "SQLite under many writers",
    "F46": "bookmarks during a large import",
    "F47": "many streams opened and closed",
    "F48": "a client that never reads its stream",
    "F49": "connections reset in the middle of generations",
    "F50": "a reconnection with Last-Event-ID, and an unknown one",
    "F51": "kill -9 the web process during a stream",
    "F52": "SIGTERM the web process with open streams",
    "F53": "more streams than allowed",
    # Uploads and imports
    "F60": "a deflate bomb",
    "F61": "a member packed by bzip2 or LZMA",
    "F62": "sizes that lie",
    "F63": "members that overlap",
    "F64": "archives in archives, encryption, links, paths outside, doubled names, too many members",
    "F65": "a file that is not what its name says",
    "F66": "tables broken in every way",
    "F68": "JSON that is too deep, too long, no number, half a character",
    "F69": "plain texts without separators, without songs, or endless",
    "F70": "letters that hide, turn or pile up",
    "F71": "a body over the limit that lies about it",
    "F72": "a connection cut in an upload",
    "F73": "the same file uploaded twice at once",
    "F74": "kill -9 an import half way",
    "F76": "titles that a spreadsheet would run",
    "F77": "an export of a hundred thousand rows",
    "F79": "file names that would break a header",
    # API, access, the cost of input
    "F85": "every route by everybody who may not",
    "F86": "fields that are not the sender's to write",
    "F87": "filters and orderings through foreign columns",
    "F88": "scripts in every text",
    "F89": "headers of every answer",
    "F90": "writing without a CSRF token; GETs that write",
    "F91": "a token anywhere but in its header",
    "F92": "guessing of passwords",
    "F94": "fifty requests at once against a quota of five",
    "F95": "generations that ask for too much",
    "F96": "one person's fifty generations while another browses",
    "F97": "trainings that ask for too much",
    "F98": "patterns that never end",
    "F99": "pages of any size and number",
    "F100": "endless search words",
    "F101": "false hosts and headers",
    "F102": "forged posts of staff to the admin",
    "F103": "a server error in production",
    "F104": "the API's schema against generated requests",
    "F105": "a deployment with settings missing",
    "F107": "two people through one cache",
    "F108": "one idempotency key ten times at once",
    # Operations
    "F110": "a clean checkout and the documented commands",
    "F113": "two reconcilers at once",
    "F114": "beat is dead",
    "F115": "line breaks and terminal codes in names that are logged",
    "F116": "database, broker or storage down",
    "F117": "a migration during a run",
}

ARCHIVES = "tests/training/importers/test_archives.py::"
RESUME = "tests/training/language_model/test_resume.py::"
CHECKPOINT = "tests/training/language_model/test_checkpoint.py::"
TABLES = "tests/training/importers/test_csv_songs.py::"
JSON_LINES = "tests/training/importers/test_json_lines.py::"
ANY_BYTES = "tests/training/importers/test_any_bytes.py::"
PLAIN_TEXT = "tests/training/importers/test_plain_text.py::"

ELSEWHERE = {
    "F36": [
        "tests/training/test_resuming.py::test_a_run_handed_back_anywhere_ends_as_if_it_had_never_been",
        RESUME + "test_an_interrupted_training_ends_as_if_it_had_never_stopped",
        RESUME + "test_it_does_so_with_other_settings_too",
        "tests/faults/test_golden.py::test_a_run_killed_again_and_again_ends_with_the_weights_of_one_that_was_not",
    ],
    "F39": [
        CHECKPOINT + "test_a_pickle_is_refused_without_being_opened",
        RESUME + "test_a_pickle_is_refused_without_being_read",
        "tests/test_architecture.py::test_no_checkpoint_is_ever_unpickled",
    ],
    "F40": [
        CHECKPOINT + "test_tensors_of_something_else_are_refused",
        CHECKPOINT + "test_a_description_that_is_wrong_is_refused_with_its_reason",
        CHECKPOINT + "test_a_network_that_does_not_fit_its_weights_is_refused",
        RESUME + "test_a_file_of_another_version_is_refused",
    ],
    "F50": ["tests/training/test_live.py::test_a_number_from_elsewhere_brings_everything"],
    "F53": ["tests/training/test_streaming.py::test_a_process_has_only_so_many_streams"],
    "F60": [
        ARCHIVES + "test_a_bomb_is_refused_by_what_it_claims",
        ARCHIVES + "test_a_bomb_that_lies_about_its_size_is_refused",
        ARCHIVES + "test_what_gzip_wrapped_members_unpack_to_is_limited_together",
        "tests/training/importers/test_memory.py::test_large_members_of_an_archive_are_not_held_either",
    ],
    "F61": [ARCHIVES + "test_other_methods_are_refused_without_unpacking"],
    "F62": [
        ARCHIVES + "test_a_bomb_that_lies_about_its_size_is_refused",
        ARCHIVES + "test_a_forged_compressed_size_is_refused",
    ],
    "F63": [ARCHIVES + "test_members_that_overlap_are_refused"],
    "F64": [
        ARCHIVES + "test_a_member_that_is_no_song_is_left_out_alone",
        ARCHIVES + "test_a_name_with_a_nul_can_still_be_stored",
        ARCHIVES + "test_a_link_is_an_unsafe_path",
        ARCHIVES + "test_a_second_member_of_the_same_name_is_left_out",
        ARCHIVES + "test_an_encrypted_member_is_refused",
        ARCHIVES + "test_too_many_members_are_refused",
        "tests/training/importers/test_memory.py::test_a_directory_of_a_hundred_thousand_empty_members_is_refused_unread",
    ],
    "F65": [
        ANY_BYTES + "test_any_bytes_as_any_format_give_numbered_records_or_a_refusal",
        ARCHIVES + "test_a_word_document_is_called_one",
    ],
    "F66": [
        TABLES + "test_an_unclosed_quote_costs_its_own_row_only",
        TABLES + "test_a_longer_song_is_an_error_and_the_next_one_is_read",
        TABLES + "test_ten_thousand_columns_are_no_trouble",
        TABLES + "test_nul_characters_are_dropped_and_texts_are_composed",
        TABLES + "test_columns_of_the_same_name_or_without_one_are_told_apart",
        TABLES + "test_every_kind_of_newline_ends_a_row_and_a_line_of_lyrics",
        TABLES + "test_a_table_with_a_header_only_has_no_records",
        TABLES + "test_one_row_that_outgrows_every_limit_does_not_hide_the_rest",
        "tests/training/importers/test_memory.py::test_twenty_megabytes_in_one_record_are_one_error_and_never_held",
        ANY_BYTES + "test_an_empty_file_is_refused_as_any_format",
        "tests/training/importers/test_encoding.py::test_every_usual_encoding_is_recognised_and_read",
        "tests/training/importers/test_encoding.py::test_utf_8_with_a_few_broken_places_stays_utf_8_and_counts_them",
    ],
    "F68": [
        JSON_LINES + "test_a_broken_line_is_left_out_alone",
        JSON_LINES + "test_a_number_of_any_size_is_no_year_and_no_trouble",
        JSON_LINES + "test_half_a_surrogate_and_nul_do_not_reach_the_text",
        JSON_LINES + "test_an_endless_line_is_oversized_and_the_next_one_is_read",
        "tests/training/api/test_errors.py::test_no_json_body_makes_a_server_error",
    ],
    "F69": [
        PLAIN_TEXT + "test_a_text_without_separators_is_one_song_named_like_its_file",
        PLAIN_TEXT + "test_a_stretch_without_words_is_an_empty_record",
        PLAIN_TEXT + "test_a_song_beyond_the_limit_is_oversized_and_the_next_one_is_read",
        PLAIN_TEXT + "test_one_endless_song_gets_a_hint_how_to_cut_it",
    ],
    "F71": ["tests/lyricsite/test_body_limit.py::test_a_longer_one_is_refused_as_soon_as_it_is_known_to_be"],
    "F74": [
        "tests/training/ingest/test_resuming.py::test_a_worker_killed_with_kill_9_loses_and_doubles_no_song",
        "tests/training/ingest/test_resuming.py::test_wherever_it_is_killed_the_end_is_the_same",
    ],
    "F76": [
        "tests/training/test_song_exports.py::test_no_cell_begins_with_what_a_spreadsheet_runs_nor_with_blanks_before_that",
        "tests/training/test_song_exports.py::test_songs_come_back_as_they_were",
    ],
    "F77": [
        "tests/training/test_song_exports.py::test_many_songs_take_few_questions_and_little_memory_and_the_first_comes_at_once"
    ],
    "F88": [
        "tests/training/test_doors.py::test_hostile_words_are_text_in_pages_and_in_the_data_of_scripts",
    ],
    "F91": [
        "tests/lyricsite/test_accounts.py::test_only_a_hash_of_the_token_is_kept",
        "tests/lyricsite/test_accounts.py::test_a_revoked_token_opens_nothing",
        "tests/lyricsite/test_accounts.py::test_a_new_token_is_shown_once_on_the_page",
    ],
    "F110": [
        "tests/lyricsite/test_serve.py::test_the_first_start_gives_an_administrator_and_a_songbook",
        "tests/test_journey.py::test_a_song_file_becomes_a_bookmarked_lyric",
    ],
    "F116": [
        "tests/lyricsite/test_health.py::test_readyz_names_the_missing_parts",
        "tests/lyricsite/test_health.py::test_healthz_asks_nobody",
    ],
}

# Not proved yet, and why. A fault that has a proof may not stand here.
OPEN: dict[str, str] = {}

# What the proofs of a fault leave out.
LEFT_OUT = {
    "F25": "SQLite is a file: it is locked. Only PostgreSQL is stopped, crashed and cut off.",
    "F35": "The object store is moto, on this machine.",
    "F51": "A killed process flags no row: a text is written down when it is whole, or when its reader stops it.",
    "F53": "That a page asks again and again where it has no stream is tested in JavaScript (run_live.test.mjs).",
    "F92": "One address is one count: who guesses from many addresses has as many counts.",
    "F104": "Rules of a field that OpenAPI has no words for: test_schema_conformance.py names each. "
    "A real server is asked twenty times an operation, a hundred by test-faults-full.",
    "F110": "No test makes a clean checkout: CI does, by the documented commands. Nobody measures ten minutes.",
}

SAYS_SO = re.compile(r'"""F\d')
NAMES = re.compile(r"^((?:F\d+(?:,\s*|\s+and\s+)?)+)[:,]")


@dataclass
class Test:
    """One test function: what it proves, what it asks for, and whether it is slow (`pytest.mark.fault`)."""

    node: str
    faults: list[str] = field(default_factory=list)
    fixtures: set[str] = field(default_factory=set)
    is_slow: bool = False


def find_tests(path: Path) -> list[Test]:
    """Every test of a file, in classes too."""
    tree = ast.parse(path.read_text())
    all_are_slow = any(isinstance(node, ast.Assign) and _is_mark(node) for node in tree.body)
    place = path.relative_to(ROOT).as_posix()
    found = []
    for node in tree.body:
        in_class = isinstance(node, ast.ClassDef)
        for function in node.body if in_class else [node]:
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name.startswith("test_"):
                name = "::".join([place, *([node.name] if in_class else []), function.name])
                is_slow = all_are_slow or any("mark.fault" in ast.unparse(mark) for mark in function.decorator_list)
                faults = faults_named_by(ast.get_docstring(function) or "")
                found.append(Test(name, faults, {argument.arg for argument in function.args.args}, is_slow))
    return found


def _is_mark(node: ast.Assign) -> bool:
    return ast.unparse(node.targets[0]) == "pytestmark" and "mark.fault" in ast.unparse(node.value)


def faults_named_by(docstring: str) -> list[str]:
    match = NAMES.match(docstring)
    return re.findall(r"F\d+", match[1]) if match else []


def proofs() -> dict[str, list[str]]:
    """The tests that prove each fault, in the order of the table."""
    found = {fault: list(ELSEWHERE.get(fault, [])) for fault in FAULTS}
    for path in sorted(TESTS.rglob("test_*.py")):
        if not SAYS_SO.search(path.read_text()):
            continue  # most files: they need not be parsed
        for test in find_tests(path):
            for fault in test.faults:
                found.setdefault(fault, []).append(test.node)
    return found


def main() -> None:
    for fault, nodes in proofs().items():
        print(f"{fault}  {FAULTS.get(fault, 'unknown')}")
        for node in nodes or [f"OPEN: {OPEN.get(fault, 'no proof')}"]:
            print(f"      {node}")
        if fault in LEFT_OUT:
            print(f"      left out: {LEFT_OUT[fault]}")


if __name__ == "__main__":
    main()
