"""Requests made up from the schema of the API, against a real server."""

import json
import subprocess
import sys

import pytest

from lyricsite.models import ApiToken
from tests.faults import pace
from tests.faults.operations import make_world

# A hundred for each operation take some ten minutes on two cores.
EXAMPLES = 100 if pace.IS_FULL else 20


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_request_that_the_schema_allows_or_forbids_breaks_its_promise(user, site, tmp_path, seed):
    """F104: Schemathesis with every check but two, whose failures tell more than they can here.

    That all which fits the types is accepted, and nothing else, needs the rules of each field beside OpenAPI's words:
    `tests/test_schema_conformance.py` makes these two checks, and names the rules.
    """
    make_world(user)
    _, token = ApiToken.issue(user=user, name="schemathesis")
    report = tmp_path / "report.json"
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("run", f"{site.url}/api/schema/"),
        *("--url", site.url, "--header", f"Authorization: Bearer {token}", "--checks", "all"),
        *("--exclude-checks", "positive_data_acceptance,negative_data_rejection", "--seed", str(seed)),
        *("--max-examples", str(EXAMPLES), "--max-response-time", "2"),
        *("--exclude-path-regex", "/events/$", "--request-timeout", "30", "--continue-on-failure", "--no-shrink"),
        *("--generation-database", "none", "--no-color", "--warnings", "off", "--report-json-path", str(report)),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    found = json.loads(report.read_text())
    assert found["operations"]["tested"] >= 47
    assert found["failures"] == []
    assert "Traceback" not in site.logs()
