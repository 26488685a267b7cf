"""What another Azure service does to hand a message on: a plain client puts it on the hub's queue."""

import json
from uuid import UUID

from local.demo.client import SEE_THE_LOG
from local.demo.samples import Sample
from local.trouble import Trouble
from shared.identifiers import ProjectId, SourceId, canonical_json, delivery_id, sha256_hex

QUEUE = "external-messages"


def put(storage: str, project_id: str, sample: Sample) -> str:
    """Put one message on the queue, in base64, and return the id that its delivery will have; Trouble when it fails.

    `storage` is a connection string.
    """
    from azure.core.exceptions import AzureError
    from azure.storage.queue import QueueClient, TextBase64EncodePolicy

    encode = TextBase64EncodePolicy()
    try:
        with QueueClient.from_connection_string(storage, QUEUE, message_encode_policy=encode) as queue:
            queue.send_message(sample.body.decode(), time_to_live=-1)
    except AzureError as error:
        raise Trouble(f"the queue {QUEUE} did not take {sample.name}: {error}", do=SEE_THE_LOG) from error
    return expected_delivery(project_id, sample)


def expected_delivery(project_id: str, sample: Sample) -> str:
    """Return the id of the delivery that an external message becomes: of its source, its id and its content."""
    sent = json.loads(sample.body)
    key = f"{sent['id']}:{sha256_hex(canonical_json(sent['message']))}"
    return str(delivery_id(ProjectId(UUID(project_id)), SourceId(UUID(sent["source"])), key))
