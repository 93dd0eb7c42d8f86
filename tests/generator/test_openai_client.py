"""OpenAI's official client against the running site: what its documentation promises, and what it raises."""

import asyncio
import threading

import openai
import pytest

from generator.services import writing
from lyricsite.models import ApiToken
from tests.generator.endless import endless_model
from tests.generator.live_site import live_site
from tests.generator.tiny_models import model_bytes, publish
from tests.processes import wait_until
from training.language_model.lyric_text import normalise

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = {"prompt": "The river\n", "max_tokens": 30, "seed": 4}


@pytest.fixture(autouse=True)
def _own_engine(monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine())


@pytest.fixture
def site():
    with live_site() as address:
        yield address


@pytest.fixture
def model(user):
    return publish(user, name="Harbour LSTM")


@pytest.fixture
def token(user):
    return ApiToken.issue(user=user)[1]


@pytest.fixture
def client(site, token):
    with openai.OpenAI(base_url=f"{site}/v1", api_key=token, max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture
def endless_one():
    return endless_model()


@pytest.fixture
def network(endless_one):
    yield endless_one.network
    endless_one.network.is_open.set()


@pytest.fixture
def endless(user, endless_one, network, monkeypatch):
    """A model whose texts end when their reader leaves."""
    monkeypatch.setattr(writing, "load_model", lambda _: endless_one)
    return publish(user, name="Endless")


def in_async_client(site, token, use):
    """What ``use(client)`` gives, on an event loop of its own."""

    async def run():
        async with openai.AsyncOpenAI(base_url=f"{site}/v1", api_key=token, max_retries=0, timeout=30) as client:
            return await use(client)

    return asyncio.run(run())


# ── Models ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_lists_the_models_that_one_may_write_with_and_no_other(client, model, other_user):
    publish(other_user, name="Another's")
    shared = publish(other_user, name="For all", visibility="shared")
    listed = client.models.list()
    assert {one.id for one in listed} == {model.pk, shared.pk}
    assert {one.object for one in listed} == {"model"}
    assert {one.owned_by for one in listed} == {"mara", "tom"}


@pytest.mark.parametrize("name", ["id", "name"])
def test_it_finds_a_model_by_its_id_or_its_name(client, model, name):
    found = client.models.retrieve({"id": model.pk, "name": "Harbour LSTM"}[name])
    assert (found.id, found.created) == (model.pk, int(model.published_at.timestamp()))


def test_the_newest_of_a_name_is_meant(client, model, user):
    newer = publish(user, name="Harbour LSTM")
    assert client.completions.create(model="Harbour LSTM", **ASKED).model == newer.pk


# ── Completions ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_completion_is_the_text_that_our_own_door_writes(client, model, api):
    own = api.post("/api/v1/lyrics/generate/", {"model": model.pk, **ASKED, "n": 2}).json()
    completion = client.completions.create(model=model.pk, **ASKED, n=2)
    assert completion.object == "text_completion"
    assert [choice.text for choice in completion.choices] == [choice["text"] for choice in own["choices"]]
    assert [choice.index for choice in completion.choices] == [0, 1]
    assert completion.usage.prompt_tokens == own["usage"]["prompt_tokens"]
    assert completion.usage.completion_tokens == own["usage"]["completion_tokens"]
    assert completion.usage.total_tokens == sum(own["usage"].values())


def test_the_same_seed_gives_the_same_text_and_another_another(client, model):
    texts = [client.completions.create(model=model.pk, **ASKED | {"seed": seed}).choices[0].text for seed in (4, 4, 5)]
    assert texts[0] == texts[1] != texts[2]


def test_a_chosen_seed_is_said(client, model):
    first = client.completions.create(model=model.pk, prompt="oh", max_tokens=20)
    again = client.completions.create(model=model.pk, prompt="oh", max_tokens=20, seed=first.seed)
    assert first.choices[0].text == again.choices[0].text


def test_it_stops_before_a_stop_string(client, model):
    whole = client.completions.create(model=model.pk, **ASKED).choices[0]
    assert whole.finish_reason in ("stop", "length")
    stop = whole.text[10:12]
    cut = client.completions.create(model=model.pk, **ASKED, stop=[stop]).choices[0]
    assert (cut.text, cut.finish_reason) == (whole.text[: whole.text.index(stop)], "stop")
    assert client.completions.create(model=model.pk, **ASKED, stop=stop).choices[0].text == cut.text


def test_our_own_sampling_values_go_in_the_extra_body(client, model):
    free = client.completions.create(model=model.pk, **ASKED, temperature=1.5)
    greedy = client.completions.create(model=model.pk, **ASKED, temperature=1.5, extra_body={"top_k": 1})
    likeliest = client.completions.create(model=model.pk, **ASKED, temperature=0)
    assert free.choices[0].text != greedy.choices[0].text == likeliest.choices[0].text


def test_what_asks_for_nothing_is_taken(client, model):
    plain = client.completions.create(model=model.pk, **ASKED)
    asked = {"user": "mara", "best_of": 1, "presence_penalty": 0, "frequency_penalty": 0.0, "suffix": None}
    neutral = client.completions.create(model=model.pk, **ASKED, **asked, logit_bias={}, stop=None, logprobs=None)
    assert neutral.choices == plain.choices


def test_several_prompts_are_one_request_and_each_is_written_as_if_alone(client, model):
    prompts = ["The river\n", "Oh my", "", "The river\n"]
    together = client.completions.create(model=model.pk, **ASKED | {"prompt": prompts}, n=2)
    assert [choice.index for choice in together.choices] == list(range(8))
    for place, prompt in enumerate(prompts):
        alone = client.completions.create(model=model.pk, **ASKED | {"prompt": prompt}, n=2)
        texts = [choice.text for choice in together.choices[2 * place : 2 * place + 2]]
        assert texts == [choice.text for choice in alone.choices]


def test_eight_prompts_are_one_of_the_four_requests_that_one_person_may_have(client, model):
    completion = client.completions.create(model=model.pk, prompt=["oh"] * 8, max_tokens=3, seed=1)
    assert len({choice.text for choice in completion.choices}) == 1


def test_echo_repeats_the_prompt_as_it_was_given(client, model):
    prompt = "The river,  “she said”\n"
    plain = client.completions.create(model=model.pk, **ASKED | {"prompt": prompt})
    echoed = client.completions.create(model=model.pk, **ASKED | {"prompt": prompt}, echo=True)
    assert echoed.choices[0].text == prompt + plain.choices[0].text
    assert normalise(prompt) != prompt


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_logprobs_have_the_form_of_the_older_completions(client, user, kind):
    model = publish(user, model_bytes(kind=kind), kind=kind)
    choice = client.completions.create(model=model.pk, **ASKED, logprobs=3).choices[0]
    told = choice.logprobs
    assert len(told.tokens) == len(told.token_logprobs) == len(told.top_logprobs) == len(told.text_offset)
    joined = "".join(told.tokens)
    assert joined.replace("\n", "") == choice.text.replace("\n", "")
    for token, offset in zip(told.tokens, told.text_offset, strict=True):
        assert joined[offset : offset + len(token)] == token
    assert all(log <= 0 for log in told.token_logprobs)
    assert all(1 <= len(top) <= 3 for top in told.top_logprobs)


def test_logprobs_of_nought_tell_the_tokens_alone_and_change_no_text(client, model):
    plain = client.completions.create(model=model.pk, **ASKED).choices[0]
    told = client.completions.create(model=model.pk, **ASKED, logprobs=0).choices[0]
    assert plain.logprobs is None
    assert told.text == plain.text
    assert "".join(told.logprobs.tokens).replace("\n", "") == plain.text.replace("\n", "")
    assert told.logprobs.top_logprobs is None


# ── Streams ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stream_says_the_same_as_an_answer(client, model):
    asked = ASKED | {"model": model.pk, "n": 2, "logprobs": 2, "prompt": ["The river\n", "oh"]}
    whole = client.completions.create(**asked)
    chunks = list(client.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    *chunks, last = chunks
    assert (last.choices, last.usage) == ([], whole.usage)
    assert len({chunk.id for chunk in chunks}) == 1
    for choice in whole.choices:
        parts = [part for chunk in chunks for part in chunk.choices if part.index == choice.index]
        assert "".join(part.text for part in parts) == choice.text
        assert [part.finish_reason for part in parts if part.finish_reason] == [choice.finish_reason]
        assert parts[-1].finish_reason
        for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
            told = [item for part in parts for item in getattr(part.logprobs, name)]
            assert told == getattr(choice.logprobs, name)


def test_a_stream_without_the_wish_for_usage_has_none(client, model):
    chunks = list(client.completions.create(model=model.pk, **ASKED, stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_a_stream_can_echo(client, model):
    chunks = list(client.completions.create(model=model.pk, **ASKED, stream=True, echo=True))
    whole = client.completions.create(model=model.pk, **ASKED)
    assert "".join(chunk.choices[0].text for chunk in chunks) == ASKED["prompt"] + whole.choices[0].text


def test_the_asynchronous_client_gets_the_same(site, token, client, model):
    async def use(client):
        listed = [one.id async for one in client.models.list()]
        whole = await client.completions.create(model=model.pk, **ASKED)
        stream = await client.completions.create(model=model.pk, **ASKED, stream=True)
        return listed, whole, [chunk async for chunk in stream]

    listed, whole, chunks = in_async_client(site, token, use)
    assert listed == [model.pk]
    assert whole.choices == client.completions.create(model=model.pk, **ASKED).choices
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text


def test_four_asynchronous_requests_share_the_engine(site, token, model):
    async def use(client):
        asked = [client.completions.create(model=model.pk, **ASKED | {"seed": seed}) for seed in range(4)]
        return [completion.choices[0].text for completion in await asyncio.gather(*asked)]

    texts = in_async_client(site, token, use)
    assert len(set(texts)) == 4


def test_the_prompts_of_a_stream_come_side_by_side(client, endless):
    asked = {"model": endless.pk, "prompt": ["oh", "my", "la"], "max_tokens": 1024, "n": 2, "stream": True}
    seen, finished = set(), []
    with client.completions.create(**asked) as stream:
        for chunk in stream:
            seen |= {choice.index for choice in chunk.choices}
            finished += [choice.index for choice in chunk.choices if choice.finish_reason]
            if len(seen) == 6:
                break
    assert finished == []


def test_the_asynchronous_client_gets_them_side_by_side_too(site, token, endless):
    async def use(client):
        asked = {"model": endless.pk, "prompt": ["oh", "my"], "max_tokens": 1024, "stream": True}
        stream = await client.completions.create(**asked)
        return [choice.index async for chunk in stream for choice in chunk.choices]

    told = in_async_client(site, token, use)
    assert set(told[: len(told) // 2]) == {0, 1}


def test_a_stream_that_breaks_off_is_an_error_of_ours_and_the_next_is_served(client, endless, network, monkeypatch):
    step, steps = network.step, iter(range(10_000))
    monkeypatch.setattr(network, "step", lambda *asked: step(*asked) if next(steps) != 20 else 1 / 0)
    asked = {"model": endless.pk, "prompt": ["oh", "my", "la"], "max_tokens": 1024, "temperature": 0}
    with client.completions.create(**asked, stream=True) as stream:
        assert next(iter(stream)).choices
        with pytest.raises(openai.APIError, match="The fault is ours") as broken:
            list(stream)
    assert (broken.value.type, broken.value.code, broken.value.param) == ("server_error", "error", None)
    wait_until(lambda: writing.engine.open_count == 0, what="the end of the work")
    assert len(client.completions.create(**asked | {"max_tokens": 3}).choices) == 3


def test_a_stream_that_is_closed_frees_its_place(client, endless):
    with client.completions.create(model=endless.pk, prompt=["oh"] * 3, max_tokens=1024, stream=True) as stream:
        next(iter(stream))
    wait_until(lambda: writing.engine.open_count == 0, seconds=20, what="the end of the work")


# ── Refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_token_is_an_authentication_error(site, model):
    with openai.OpenAI(base_url=f"{site}/v1", api_key="not-a-token", max_retries=0) as stranger:
        for ask in (stranger.models.list, lambda: stranger.completions.create(model=model.pk, **ASKED)):
            with pytest.raises(openai.AuthenticationError) as refused:
                ask()
            assert (refused.value.status_code, refused.value.code) == (401, "invalid_api_key")
            assert "Bearer" in refused.value.response.headers["WWW-Authenticate"]


def test_a_token_that_may_only_read_lists_models_and_writes_nothing(site, user, model):
    _, reading = ApiToken.issue(user=user, scope=ApiToken.Scope.READ)
    with openai.OpenAI(base_url=f"{site}/v1", api_key=reading, max_retries=0) as reader:
        assert [one.id for one in reader.models.list()] == [model.pk]
        with pytest.raises(openai.PermissionDeniedError):
            reader.completions.create(model=model.pk, **ASKED)


@pytest.mark.parametrize("wanted", ["nothing", "a/b", "café 🎵"])
def test_a_model_that_is_not_there_is_a_not_found_error(client, wanted):
    for ask in (lambda: client.models.retrieve(wanted), lambda: client.completions.create(model=wanted, **ASKED)):
        with pytest.raises(openai.NotFoundError) as refused:
            ask()
        assert refused.value.code == "model_not_found"


def test_another_persons_model_is_not_there(site, other_user, model):
    _, token = ApiToken.issue(user=other_user)
    with openai.OpenAI(base_url=f"{site}/v1", api_key=token, max_retries=0) as other:
        for wanted in (model.pk, model.name):
            with pytest.raises(openai.NotFoundError):
                other.models.retrieve(wanted)
            with pytest.raises(openai.NotFoundError):
                other.completions.create(model=wanted, **ASKED)


def test_other_doors_of_openai_are_not_there(client):
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="x", messages=[])
    assert refused.value.code == "not_found"


def test_a_bad_value_is_a_bad_request_error_that_names_it(client, model):
    with pytest.raises(openai.BadRequestError) as refused:
        client.completions.create(model=model.pk, **ASKED, temperature=-1)
    assert (refused.value.param, refused.value.type) == ("temperature", "invalid_request_error")
    assert "temperature" in refused.value.message


def test_a_fifth_request_is_a_rate_limit_error_that_says_when_to_return(client, endless, network):
    network.is_open.clear()
    recipe = writing.Recipe(max_tokens=1024)
    held = [writing.begin(user=endless.owner, model=endless, prompt="", recipe=recipe) for _ in range(4)]
    for stream in (False, True):
        with pytest.raises(openai.RateLimitError) as refused:
            client.completions.create(model=endless.pk, **ASKED, stream=stream)
        assert refused.value.code == "limit_reached"
        assert int(refused.value.response.headers["Retry-After"]) > 0
    for generation in held:
        generation.writing.cancel()


def test_a_client_that_tries_again_is_served_when_a_place_is_free(site, token, endless, network, monkeypatch):
    network.is_open.clear()
    recipe = writing.Recipe(max_tokens=1024)
    held = [writing.begin(user=endless.owner, model=endless, prompt="", recipe=recipe) for _ in range(4)]
    refused = threading.Event()
    begin = writing.begin_together

    def begin_and_let_others_go(**asked):
        try:
            return begin(**asked)
        except writing.LimitReached:
            for generation in held:
                generation.writing.cancel()
            network.is_open.set()
            refused.set()
            raise

    monkeypatch.setattr(writing, "begin_together", begin_and_let_others_go)
    with openai.OpenAI(base_url=f"{site}/v1", api_key=token, max_retries=3) as patient:
        assert patient.completions.create(model=endless.pk, **ASKED).usage.completion_tokens == 30
    assert refused.is_set()


def test_a_full_house_is_a_server_error_that_says_when_to_return(client, model, monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine(slots=0, inbox=0))
    for stream in (False, True):
        with pytest.raises(openai.InternalServerError) as refused:
            client.completions.create(model=model.pk, **ASKED, stream=stream)
        assert (refused.value.status_code, refused.value.code) == (503, "busy")
        assert int(refused.value.response.headers["Retry-After"]) > 0


def test_too_many_streams_are_a_server_error_too(client, model, monkeypatch):
    monkeypatch.setattr("training.streaming.STREAMS_PER_PROCESS", 0)
    with pytest.raises(openai.InternalServerError) as refused:
        client.completions.create(model=model.pk, **ASKED, stream=True)
    assert (refused.value.status_code, refused.value.code) == (503, "busy")
    assert int(refused.value.response.headers["Retry-After"]) > 0
    wait_until(lambda: writing.engine.open_count == 0)


def test_a_damaged_model_is_a_conflict_and_others_write_on(site, token, client, user, model):
    damaged = publish(user, damaged=True, name="Damaged")
    patient = openai.OpenAI(base_url=f"{site}/v1", api_key=token)  # it would ask again, were it not told
    with patient, pytest.raises(openai.ConflictError, match="damaged"):
        patient.completions.create(model=damaged.pk, **ASKED)
    assert client.completions.create(model=model.pk, **ASKED).choices[0].text


def test_a_body_beyond_the_limit_is_refused_in_the_same_form(client, model):
    with pytest.raises(openai.APIStatusError) as refused:
        client.completions.create(model=model.pk, prompt="x" * 2_000_000)
    assert (refused.value.status_code, refused.value.code) == (413, "too_large")


def test_the_asynchronous_client_raises_the_same(site, token, model):
    async def use(client):
        with pytest.raises(openai.BadRequestError):
            await client.completions.create(model=model.pk, prompt="oh", n=9)
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("nothing")
        return await client.models.retrieve(model.pk)

    assert in_async_client(site, token, use).id == model.pk
