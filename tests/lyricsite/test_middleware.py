"""What no address of the admin may hold."""

import pytest


@pytest.mark.parametrize(
    "address",
    [
        "/admin/training/trainingrun/?state=a%00b",
        "/admin/training/trainingrun/a%00b/change/",
        "/admin/training/checkpoint/?architecture__exact=a%00b",
        "/admin/training/dataset/?q=%00",
        "/admin/autocomplete/?term=a%00b&app_label=training&model_name=song&field_name=dataset",
        "/admin/generator/lyric/?q=a%00",
    ],
)
def test_an_address_with_nul_is_a_bad_request(client, staff_user, address):
    client.force_login(staff_user)
    answer = client.get(address)
    assert answer.status_code == 400
    assert answer["X-Request-ID"]
