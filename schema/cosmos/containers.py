"""Create the Cosmos DB containers that the JSON files beside this one describe."""

import json
from pathlib import Path

from azure.cosmos import CosmosClient, PartitionKey

HERE = Path(__file__).parent


def create_containers(endpoint: str, key: str, database: str) -> None:
    """Create the database and every described container, each only where missing."""
    with CosmosClient(endpoint, credential=key) as client:
        target = client.create_database_if_not_exists(database)
        for path in sorted(HERE.glob("*.json")):
            described = json.loads(path.read_text(encoding="utf-8"))
            target.create_container_if_not_exists(
                id=described["id"],
                partition_key=PartitionKey(path=described["partitionKey"]["paths"][0]),
                indexing_policy=described.get("indexingPolicy"),
                default_ttl=described.get("defaultTtl"),
            )
