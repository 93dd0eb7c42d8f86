"""Writing, by a person: versions, stop, continue, undo, another one, probabilities, unknown words, keys."""

import json
import math
import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from generator.models import Lyric
from tests.browser.conftest import sign_in
from tests.generator.tiny_models import model_bytes, publish
from tests.processes import running_platform

pytestmark = pytest.mark.browser

WRITE = reverse("generator:compose")
GENERATE = f"**{reverse('lyric-generate-api')}"


@pytest.fixture
def platform(browser, transactional_db, tmp_path_factory):
    """A broker and the web server: nobody trains here."""
    with running_platform(tmp_path_factory.mktemp("p"), workers=False) as platform:
        yield platform


@pytest.fixture
def model(user):
    return publish(user)


# A network of random weights ends some songs before their first word: the same chance in every run.
SAME_CHANCE = "(() => { let turn = 0; Math.random = () => ((turn += 1) * 0.37) % 1; })();"


def open_page(page: Page, user, **values) -> None:
    sign_in(page, user)
    page.add_init_script(SAME_CHANCE)
    query = "&".join(f"{name}={value}" for name, value in {"prompt": "Oh+my", "lines": 4, **values}.items())
    page.goto(f"{WRITE}?{query}")


def sheet(page: Page):
    return page.locator("#sheet-text")


def write(page: Page) -> str:
    """Write, and return the text that lies in the editor then."""
    page.get_by_role("button", name="Write").click()
    return written(page)


def written(page: Page) -> str:
    expect(page.locator("[data-stop]")).to_be_hidden()
    expect(sheet(page)).to_be_visible()
    return sheet(page).input_value()


def test_three_versions_come_as_columns_and_the_chosen_one_is_changed_and_saved(page: Page, user, model):
    open_page(page, user, n=3, seed=41)
    first = write(page)
    columns = page.locator(".candidate")
    expect(columns).to_have_count(3)
    expect(columns.nth(0)).to_contain_text("A, in the editor")
    expect(columns.nth(2)).to_contain_text("seed 43")

    columns.nth(1).get_by_role("button", name="Use B").click()
    expect(columns.nth(1)).to_contain_text("B, in the editor")
    second = sheet(page).input_value()
    assert second != first
    assert second.startswith("Oh my")
    expect(page.locator("[data-fact=seed]")).to_have_text("42")

    sheet(page).fill(second + "\nAnd one line of my own")
    page.get_by_role("button", name="Keep this lyric").click()
    expect(page).to_have_url(re.compile("/lyrics/"))
    lyric = Lyric.objects.get(text__endswith="of my own")
    assert (lyric.seed, lyric.generated_text.splitlines()) == (42, second.splitlines())


def test_the_same_seed_writes_a_version_alone_again(page: Page, user, model):
    open_page(page, user, n=2, seed=41)
    write(page)
    page.get_by_role("button", name="Use B").click()
    second = sheet(page).input_value()
    open_page(page, user, n=1, seed=42)
    assert write(page) == second


def answer_without_end(page: Page, *events: tuple[str, dict]) -> None:
    """Let the page hear these events, and then nothing more."""
    stream = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    page.add_init_script(
        f"""const ask = window.fetch;
        const answer = (signal) => new Response(new ReadableStream({{
            start(open) {{
                open.enqueue(new TextEncoder().encode({json.dumps(stream)}));
                signal.addEventListener("abort", () => open.error(signal.reason));
            }},
        }}));
        window.fetch = async (address, options) =>
            address.includes("generate") ? answer(options.signal) : ask(address, options);"""
    )


@pytest.mark.parametrize("by", ["key", "button"])
def test_what_is_written_until_the_stop_stays(page: Page, user, model, by):
    answer_without_end(page, ("token", {"index": 0, "text": " letter,\noh my"}), ("token", {"index": 1, "text": ""}))
    open_page(page, user, n=2)
    page.locator("[data-write]").click()
    expect(page.locator("[data-progress]")).to_contain_text("Writing 2 versions")
    expect(page.locator(".candidate").first).to_contain_text("oh my")
    if by == "key":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("button", name="Stop").click()
    expect(page.locator("[data-progress]")).to_have_text("Stopped after 2 versions, 2 lines")
    expect(sheet(page)).to_have_value("Oh my letter,\noh my")
    expect(page.locator("[data-fact=ending]")).to_have_text("when you stopped it")
    expect(page.locator(".candidate").last).to_contain_text("nothing written")


def test_a_text_goes_on_from_its_end_and_back(page: Page, user, model):
    open_page(page, user, n=1, seed=41)
    first = write(page)
    page.get_by_role("button", name="Continue").click()
    expect(sheet(page)).to_have_value(re.compile(re.escape(first) + r"\s*\S"))
    longer = written(page)

    page.get_by_role("button", name="Another one").click()  # of the continuation
    expect(sheet(page)).not_to_have_value(longer)
    assert written(page).startswith(first)

    page.get_by_role("button", name="Undo").click()
    expect(sheet(page)).to_have_value(longer)
    page.get_by_role("button", name="Undo").click()
    expect(sheet(page)).to_have_value(first)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_undo_brings_the_versions_back_among_which_a_text_was(page: Page, user, model):
    open_page(page, user, n=2, seed=41)
    first = write(page)
    page.get_by_role("button", name="Another one").click()
    expect(page.locator("[data-fact=seed]")).not_to_have_text("41")
    written(page)
    columns = page.locator(".candidate")
    expect(columns.first).not_to_contain_text("seed 41")

    page.get_by_role("button", name="Undo").click()
    expect(sheet(page)).to_have_value(first)
    expect(columns.first).to_contain_text("A, in the editor")
    expect(columns.first).to_contain_text("seed 41")
    page.get_by_role("button", name="Use B").click()
    expect(page.locator("[data-fact=seed]")).to_have_text("42")


def test_the_versions_stay_while_one_of_them_is_gone_on_with(page: Page, user, model):
    open_page(page, user, n=2, seed=41)
    first = write(page)
    page.get_by_role("button", name="Continue").click()
    expect(sheet(page)).not_to_have_value(first)
    assert written(page).startswith(first)
    page.get_by_role("button", name="Use B").click()
    expect(sheet(page)).not_to_have_value(re.compile(re.escape(first)))
    page.get_by_role("button", name="Use A").click()
    expect(sheet(page)).to_have_value(first)


def test_a_change_by_hand_can_be_taken_back(page: Page, user, model):
    open_page(page, user, n=1)
    first = write(page)
    sheet(page).press("Control+End")
    sheet(page).press_sequentially(" and more")
    expect(sheet(page)).to_have_value(first + " and more")
    page.get_by_role("button", name="Undo").click()
    expect(sheet(page)).to_have_value(first)


def test_the_keys_write_and_list_themselves(page: Page, user, model):
    open_page(page, user, n=1)
    page.get_by_label("First lines").press("Control+Enter")
    first = written(page)
    page.keyboard.press("Alt+Enter")
    expect(sheet(page)).not_to_have_value(first)
    written(page)

    page.get_by_role("heading", name="Write", exact=True).click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Another one")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_a_seed_is_rolled_kept_and_forgotten(page: Page, user, model):
    open_page(page, user, n=1)
    seed = page.get_by_label("Seed", exact=True)
    page.get_by_role("button", name="Roll").click()
    rolled = seed.input_value()
    write(page)
    expect(page.locator("[data-fact=seed]")).to_have_text(rolled)
    page.get_by_role("button", name="Another one").click()
    expect(seed).not_to_have_value(rolled)
    written(page)
    page.get_by_role("button", name="A new seed each time").click()
    expect(seed).to_have_value("")


def test_a_word_the_model_never_read_is_said_and_underlined(page: Page, user):
    publish(user, kind="word")
    open_page(page, user)
    page.get_by_label("First lines").fill("Oh my 🎵 Zeppelin\nriver")
    expect(page.get_by_text("The model has never read: “Zeppelin”.")).to_be_visible()
    expect(page.locator("[data-mirror] mark")).to_have_text("Zeppelin")
    page.get_by_label("First lines").fill("Oh my river")
    expect(page.get_by_text("The model can read every word of it.")).to_be_visible()
    expect(page.locator("[data-mirror] mark")).to_have_count(0)


def explained(route: Route, *, text: str = "") -> None:
    """The same text as the server writes it, or another, told letter by letter."""
    asked = json.loads(route.request.post_data)
    if not asked.pop("alternatives", 0):
        return route.continue_()
    answer = route.fetch(post_data=json.dumps(asked)).json()
    (choice,) = answer["choices"]
    choice["text"] = text or choice["text"]
    others = [{"text": text, "log_probability": math.log(share)} for text, share in (("a", 0.5), ("e", 0.25))]
    choice["pieces"] = [
        {"text": letter, "token": letter, "log_probability": math.log(0.02), "alternatives": others}
        for letter in choice["text"]
    ]
    return route.fulfill(json=answer)


def test_a_text_is_coloured_and_tells_what_else_might_have_stood_there(page: Page, user, model):
    page.route(GENERATE, explained)
    open_page(page, user, n=2, seed=41)
    text = write(page)
    page.get_by_role("button", name="Colour by probability").click()
    coloured = page.get_by_role("group", name="The lyric, piece by piece")
    expect(coloured).to_contain_text(text.splitlines()[0])
    expect(page.get_by_text("The network gave its pieces 2.0 % on average.")).to_be_visible()
    assert page.locator("[data-coloured] [data-step='2']").count() > 10
    assert page.locator("[data-coloured] [style]").count() == 0

    pieces = coloured.get_by_role("button")
    pieces.first.click()
    expect(page.locator("[data-alternative-list] li").first).to_have_text(re.compile(r"a\s*50 %"))
    page.keyboard.press("ArrowRight")
    expect(pieces.nth(1)).to_be_focused()
    expect(pieces.nth(1)).to_have_attribute("aria-pressed", "true")

    page.get_by_role("button", name="Colour by probability").click()
    expect(sheet(page)).to_be_visible()


def test_the_page_waits_its_turn_and_tries_again(context, user, model):
    page = context.new_page()
    busy = iter([503, 429])

    def refuse(route: Route) -> None:
        status = next(busy, None)
        if status is None:
            return route.continue_()
        headers = {"Retry-After": "2"}
        return route.fulfill(status=status, headers=headers, json={"detail": "Too many people are writing right now."})

    page.route(GENERATE, refuse)
    open_page(page, user, n=1)
    page.locator("[data-write]").click()
    expect(page.get_by_role("alert")).to_contain_text("Too many people are writing right now.")
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Trying again in \d s"))
    page.get_by_role("button", name="Try now").click()
    assert written(page).startswith("Oh my")
    expect(page.get_by_role("alert")).to_be_hidden()
    page.close()


def test_who_will_not_wait_finds_everything_as_it_was(context, user, model):
    page = context.new_page()
    open_page(page, user, n=1, seed=41)
    first = write(page)
    page.route(
        GENERATE, lambda route: route.fulfill(status=503, headers={"Retry-After": "60"}, json={"detail": "Full."})
    )
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("Trying again in")
    expect(page.locator(".sheet-tools")).to_have_attribute("inert", "")
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(sheet(page)).to_have_value(first)
    expect(page.locator("[data-progress]")).to_contain_text("written in")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    page.close()


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(context, user, model):
    page = context.new_page()
    open_page(page, user, n=1)
    too_long = "la " * 2000
    page.get_by_label("First lines").fill(too_long)
    page.get_by_label("First lines").press("Control+Enter")
    expect(page.get_by_text("At most 4,096 bytes.")).to_be_visible()
    expect(page.get_by_label("First lines")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("First lines")).to_have_value(too_long)
    expect(page.locator("[data-desk]")).to_be_hidden()
    page.get_by_label("First lines").fill("Oh my")
    assert write(page).startswith("Oh my")
    expect(page.get_by_text("At most 4,096 bytes.")).to_have_count(0)
    page.close()


def test_a_place_in_the_line_is_told(page: Page, user, model):
    answer_without_end(page, ("waiting", {"position": 4}), ("waiting", {"position": 3}))
    open_page(page, user)
    page.locator("[data-write]").click()
    expect(page.locator("[data-progress]")).to_have_text("2 people are before you")


def test_among_many_models_one_is_found_by_typing(page: Page, user):
    for number in range(9):
        publish(user, name=f"Tiny {number}")
    publish(user, name="Harbour GRU", architecture="gru")
    publish(user, name="Newest")
    open_page(page, user)
    expect(page.locator("[data-chosen-offer]")).to_contain_text("Newest")
    page.get_by_text("Another model").click()
    page.get_by_label("Search the models").fill("gru harb")
    expect(page.locator("[data-offer]:visible")).to_have_count(1)
    page.locator("[data-offer]:visible").click()
    expect(page.locator("[data-chosen-offer]")).to_contain_text("Harbour GRU")
    expect(page.locator("[data-offers]")).not_to_have_attribute("open", "")
    write(page)
    expect(page.locator("[data-fact=model]")).to_have_text("Harbour GRU")


def test_without_a_script_versions_come_back_whole_and_one_is_saved(browser, platform, user, model):
    context = browser.new_context(base_url=platform.url, java_script_enabled=False)
    page = context.new_page()
    open_page(page, user, n=2, seed=41)
    page.get_by_role("button", name="Write").click()
    expect(page.locator(".candidate")).to_have_count(2)
    page.get_by_role("button", name="Keep B").click()
    expect(page).to_have_url(re.compile("/lyrics/"))
    kept = Lyric.objects.kept().get()
    assert (kept.seed, kept.text.startswith("Oh my")) == (42, True)
    assert Lyric.objects.filter(kept_at=None).get().seed == 41
    context.close()


def test_nothing_scrolls_sideways_on_a_telephone(page: Page, user, model):
    page.set_viewport_size({"width": 390, "height": 844})
    page.route(GENERATE, explained)
    open_page(page, user, n=8, seed=41)

    def is_narrow() -> bool:
        return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")

    page.get_by_text("More control").click()
    assert is_narrow()
    write(page)
    assert is_narrow()
    page.get_by_role("button", name="Colour by probability").click()
    page.locator("[data-coloured] [data-piece]").first.click()
    expect(page.locator("[data-alternatives]")).to_be_in_viewport()
    assert is_narrow()


def test_a_text_whose_lines_are_written_from_their_end_is_coloured_word_by_word(page: Page, user):
    publish(user, model_bytes(kind="word", reading={"lines_right_to_left": True}), kind="word")
    open_page(page, user, n=1, seed=41, prompt="Oh+my%0A")
    text = write(page)
    page.get_by_role("button", name="Colour by probability").click()
    expect(page.get_by_text("It wrote each line from its last word to its first.")).to_be_visible()
    rows = page.locator("[data-coloured] p")
    words = [row.locator(".piece:not(.piece-break)").all_text_contents() for row in rows.all()]
    assert max(len(row) for row in words) > 2
    written = [line for line in text.splitlines() if line][-1]
    assert "".join(words[-1]) == written


def test_letters_that_join_stay_joined_while_their_text_is_coloured(page: Page, user, model):
    page.route(GENERATE, lambda route: explained(route, text="\nيا ليل، أين الحبيب!"))
    open_page(page, user, n=1, seed=41)
    write(page)
    page.get_by_role("button", name="Colour by probability").click()
    row = page.locator("[data-coloured] p", has_text="ليل")
    pieces = row.get_by_role("button")
    assert pieces.first.bounding_box()["x"] > pieces.last.bounding_box()["x"]  # it is read from the right
    apart = "row => [...row.children].reduce((sum, piece) => sum + piece.getBoundingClientRect().width, 0)"
    coloured = row.evaluate(apart)
    row.evaluate(
        "row => row.replaceChildren(Object.assign(document.createElement('span'), {textContent: row.innerText}))"
    )
    assert abs(row.evaluate(apart) - coloured) < 2
