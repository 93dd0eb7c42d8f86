"""Questions whose SQL is worked out once."""

import pytest
from django.db.models import Q

from tests.conftest import make_user
from training.asked_often import AskedOften
from training.models import Dataset, Visibility

pytestmark = pytest.mark.django_db


def visible(person: int, name: str):
    return Dataset.objects.filter(Q(owner=person) | Q(visibility=Visibility.SHARED), name=name).order_by("pk")


@pytest.fixture
def question():
    return AskedOften(visible, person=-1, name="a name")


@pytest.fixture
def people():
    return make_user("mara"), make_user("tom")


def test_each_one_gets_the_answer_to_what_they_ask(question, people):
    mara, tom = people
    hers = Dataset.objects.create(owner=mara, name="Sea", statistics={"songs": 3})
    his = Dataset.objects.create(owner=tom, name="Sea")
    shared = Dataset.objects.create(owner=tom, name="Hills", visibility=Visibility.SHARED)
    assert question.first(person=mara.pk, name="Sea") == hers
    assert question.first(person=tom.pk, name="Sea") == his
    assert question.first(person=mara.pk, name="Hills") == shared
    assert question.first(person=mara.pk, name="Lakes") is None
    assert question.first(person=mara.pk, name="Sea").statistics == {"songs": 3}


def test_what_is_asked_stays_a_value(question, people):
    Dataset.objects.create(owner=people[0], name="Sea")
    assert question.first(person=people[1].pk, name="' OR '1' = '1") is None


def test_it_is_worked_out_once_and_asks_one_question(people, django_assert_num_queries):
    asked = []

    def question(name: str):
        asked.append(name)
        return visible(people[0].pk, name)

    often = AskedOften(question, name="a name")
    with django_assert_num_queries(3):
        for name in ("Sea", "Hills", "Lakes"):
            often.first(name=name)
    assert asked == ["a name"]
