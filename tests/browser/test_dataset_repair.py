"""A dirty file, by a person: upload it, see what is cleaned, remap it, read the report, repair what came out."""

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.dirty_songs import dirty_table
from training.models import Dataset

pytestmark = [pytest.mark.browser, pytest.mark.worker]

SOON = 60_000  # milliseconds: what should happen soon, on a machine that may be slow


@pytest.fixture
def someone(page: Page, user):
    sign_in(page, user)
    return user


def choose(page: Page, *files: tuple[str, bytes]) -> None:
    page.goto("/datasets/add/")
    page.get_by_label("Song files").set_input_files(
        [{"name": name, "mimeType": "text/csv", "buffer": content} for name, content in files]
    )


def open_group_of(page: Page, title: str):
    return page.locator(".copies-group").filter(has_text=title)


def test_a_dirty_file_is_uploaded_remapped_and_repaired(page: Page, someone):
    choose(page, ("dirty.csv", dirty_table(header=("alpha", "beta", "gamma", "delta"))))
    expect(page.get_by_text("Looks like")).to_be_visible()
    page.get_by_label("Words", exact=True).select_option("delta")
    page.get_by_label("Title", exact=True).select_option("beta")  # wrong, on purpose
    # Each switch shows what it does, and says so again once it is off.
    expect(page.locator(".cleaning-example").first).to_contain_text("There’s a table on the corner")
    blanks = page.locator(".cleaning li").filter(has_text="Blanks")
    expect(blanks.locator(".cleaning-count")).to_contain_text("→ 0")
    page.get_by_label("Blanks").uncheck()
    expect(blanks.locator(".cleaning-count")).not_to_contain_text("→ 0")
    page.get_by_label("Blanks").check()
    expect(blanks.locator(".cleaning-count")).to_contain_text("→ 0")
    page.get_by_label("Name", exact=True).fill("Lantern songs")
    page.get_by_role("button", name="Import these songs").click()

    # The report adds up, and says what was left out and cleaned.
    expect(page.get_by_role("link", name="Train on these")).to_be_visible(timeout=SOON)
    equation = page.locator(".equation")
    expect(equation).to_have_attribute("aria-label", "6 records read are 3 in use, 1 left out and 2 copies")
    expect(page.locator(".report-cleaned")).to_contain_text("HTML")
    expect(page.get_by_text("There are no words in this song.")).to_be_visible()
    expect(page.locator(".song-title").first).to_have_text("Mira Holt")

    # Change the mapping, without a new upload.
    page.get_by_role("link", name="Change the mapping and try again").click()
    page.get_by_label("Title", exact=True).select_option("alpha")
    page.get_by_label("Artist", exact=True).select_option("beta")
    expect(page.locator(".preview-song h4").first).to_have_text("Lantern Road")
    page.get_by_role("button", name="Import with these columns").click()
    expect(page.locator(".song-title").first).to_have_text("Lantern Road", timeout=SOON)

    # Take a copy back that is none.
    page.get_by_role("link", name="Copies", exact=True).click()
    live = open_group_of(page, "(Live)")
    expect(live.locator("mark").first).to_be_visible()
    live.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("They are in use again. That made version 3.")).to_be_visible()
    expect(open_group_of(page, "(Live)")).to_have_count(0)

    # Mend a song.
    page.get_by_role("link", name="Songs", exact=False).first.click()
    page.get_by_role("searchbox").fill("lantern")
    expect(page.get_by_text("2 songs found")).to_be_visible()
    page.get_by_role("link", name="Lantern Road", exact=True).click()
    page.get_by_text("Mend the words").click()
    words = page.get_by_label("Words", exact=True)
    words.fill(words.input_value().replace("gravel", "pavement"))
    page.get_by_role("button", name="Save as version 4").click()
    expect(page.get_by_text("Saved. That made version 4")).to_be_visible()
    page.get_by_role("button", name="Leave it out").click()
    expect(page.get_by_text("It is left out. That made version 5")).to_be_visible()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("That made version 6")).to_be_visible()

    # See what that came to.
    page.goto(f"{Dataset.objects.get().get_absolute_url()}versions/")
    page.get_by_label("Compare version").select_option("3")
    page.get_by_label("with", exact=True).select_option("6")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("1 song changed.")).to_be_visible()
    expect(page.locator("mark").first).to_have_text("gravel")


def test_several_files_and_a_combination_need_no_script_but_the_browsers_own(page: Page, someone):
    songs = [
        ("a.csv", dirty_table()),
        ("b.csv", b"title,lyrics\nNine,one bell\nand two\n"),
    ]
    choose(page, *songs)
    expect(page.locator(".preview-song").first).to_contain_text("I walked the lantern road alone")
    page.get_by_role("button", name="Import these songs").click()
    expect(page.get_by_role("link", name="Train on these")).to_be_visible(timeout=SOON)

    page.get_by_role("link", name="Combine with others").click()
    expect(page.locator(".combine-count")).to_contain_text("songs would be taken")
    page.get_by_label("Artist").fill("Mira Holt")
    page.get_by_label("At least so many lines").fill("5")
    page.get_by_label("At least so many lines").blur()
    expect(page.locator(".combine-count")).to_have_text("1 song would be taken.")
    page.get_by_role("textbox", name="Name").fill("Only Mira")
    page.get_by_role("button", name="Make the dataset").click()
    expect(page.get_by_role("link", name="Train on these")).to_be_visible(timeout=SOON)
    assert Dataset.objects.get(name="Only Mira").songs_in_use().count() == 1

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert "Lantern Road" in download.value.path().read_text()


def test_without_scripts_every_form_works(browser, platform, user):
    context = browser.new_context(base_url=platform.url, java_script_enabled=False)
    context.set_default_timeout(SOON)
    page = context.new_page()
    sign_in(page, user)
    try:
        choose(page, ("songs.csv", dirty_table()))
        page.get_by_label("Name", exact=True).fill("Plain")
        page.get_by_role("button", name="Import these songs").click()
        # The page asks for itself again until the import is over.
        expect(page.get_by_role("link", name="Train on these")).to_be_visible(timeout=SOON)
        page.get_by_role("link", name="Change the mapping and try again").click()
        page.get_by_label("Blanks").uncheck()
        page.get_by_role("button", name="Look again").click()
        expect(page.get_by_label("Blanks")).not_to_be_checked()
        page.goto("/datasets/combine/")
        page.get_by_role("checkbox", name="Plain").check()
        page.get_by_role("button", name="Count the songs").click()
        expect(page.locator(".combine-count")).to_contain_text("songs would be taken")
    finally:
        context.close()
    assert get_user_model().objects.get(pk=user.pk).datasets.count() == 1
