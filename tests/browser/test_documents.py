"""Pages that installed packages bring along work under our content policy."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.worker]


def test_the_api_describes_itself_in_the_browser(page: Page):
    page.goto("/api/docs/")
    expect(page.get_by_text("/api/v1/lyrics/generate/")).to_be_visible()


def test_the_admin_opens_every_list(page: Page, staff_user):
    sign_in(page, staff_user)
    page.goto("/admin/")
    lists = page.locator("main a[href^='/admin/'], #content a[href^='/admin/']").evaluate_all(
        "links => [...new Set(links.map((link) => link.getAttribute('href')))]"
    )
    assert len(lists) >= 6
    for address in lists:
        assert page.goto(address).status == 200, address
