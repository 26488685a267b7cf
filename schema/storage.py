"""Create the blob containers and queues that the code names."""

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from shared.models.work import BlobContainer, QueueName, poison


def create_storage(connection_string: str) -> None:
    """Create every container, queue and poison queue, each only where missing."""
    with BlobServiceClient.from_connection_string(connection_string) as blobs:
        for container in BlobContainer:
            _unless_there(blobs.create_container, container.value)
    with QueueServiceClient.from_connection_string(connection_string) as queues:
        for queue in QueueName:
            _unless_there(queues.create_queue, queue.value)
            _unless_there(queues.create_queue, poison(queue))


def _unless_there(create: object, name: str) -> None:
    try:
        create(name)  # type: ignore[operator] # either SDK method, both take the name first
    except ResourceExistsError:
        return
