"""The admin as staff see it."""

import pytest


@pytest.fixture
def admin(client, staff_user):
    client.force_login(staff_user)
    return client
