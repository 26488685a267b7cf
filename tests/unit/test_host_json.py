"""host.json as it is deployed: what would lose work or burn tries is held here."""

import json
from datetime import timedelta
from typing import Any

from local.checkout import CHECKOUT
from local.host.application import load_functions
from local.host.configuration import load_host_json

HOST = load_host_json(CHECKOUT)
RAW: dict[str, Any] = json.loads((CHECKOUT / "host.json").read_text())
UPDATE_GRACE = timedelta(minutes=10)  # what an update of the platform leaves to running functions, on Flex Consumption
LEASE = timedelta(minutes=10)  # how long a queue message is hidden while its function runs, renewed meanwhile


def test_no_function_runs_longer_than_the_platform_waits_for_it() -> None:
    assert HOST.function_timeout <= min(UPDATE_GRACE, LEASE)


def test_a_message_that_failed_waits_before_its_next_try() -> None:
    assert HOST.extensions.queues.visibility_timeout >= timedelta(seconds=30)
    assert HOST.extensions.queues.max_dequeue_count == 5


def test_an_empty_queue_is_looked_at_every_few_seconds() -> None:
    assert HOST.extensions.queues.max_polling_interval <= timedelta(seconds=5)


def test_messages_are_encoded_as_the_sender_encodes_them() -> None:
    assert HOST.extensions.queues.message_encoding == "base64"


def test_an_instance_takes_no_more_messages_than_its_core_and_its_pool_bear() -> None:
    queues = HOST.extensions.queues
    assert queues.batch_size + queues.threshold == 24
    assert "concurrency" not in RAW  # dynamic concurrency would ignore both


def test_the_feed_is_tried_again_until_it_is_applied() -> None:
    (sync,) = (each for each in load_functions(CHECKOUT) if each.get_function_name() == "sync_interactions")
    retry = sync.get_settings_dict("retry_policy")
    assert retry is not None
    assert retry["max_retry_count"] == "-1"
    assert retry["strategy"] == "exponential_backoff"


def test_no_retry_policy_holds_back_what_has_its_own() -> None:
    assert "retry" not in RAW


def test_telemetry_goes_out_as_open_telemetry() -> None:
    assert RAW["telemetryMode"] == "OpenTelemetry"
