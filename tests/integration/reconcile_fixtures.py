"""The fixture of the tests that compare both stores; each of those files names this module as a plugin."""

import pytest

from tests.integration.reading_place import Place
from tests.integration.reconcile_place import Stores

KEPT = ("interactions", "contacts", "reconciliations", "reconciliation_findings", "sync_positions", "dead_letters")


@pytest.fixture
def stores(place: Place) -> Stores:
    """A project alone in both stores: its containers are new, its database is emptied."""
    place.rows(f"TRUNCATE {', '.join(KEPT)} CASCADE")
    return Stores(place)
