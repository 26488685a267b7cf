import re

from local.checkout import CHECKOUT
from local.infra.syntax import BicepFile, Code
from shared.models.work import BlobContainer, QueueName, poison

PATH = CHECKOUT / "infra" / "modules" / "storage.bicep"
BICEP = PATH.read_text()


def names(variable: str) -> list[str]:
    found = re.search(rf"^var {variable} = \[\n(.*?)^\]", BICEP, re.MULTILINE | re.DOTALL)
    assert found is not None
    return re.findall(r"'([^']+)'", found[1])


def test_every_queue_of_the_code_and_its_poison_twin_are_deployed() -> None:
    assert names("queues") == [name for queue in QueueName for name in (queue.value, poison(queue))]


def test_every_blob_container_of_the_code_is_deployed() -> None:
    assert names("blobContainers") == [container.value for container in BlobContainer]


def test_the_account_has_no_key_no_public_blob_and_no_old_tls() -> None:
    settings = dict(re.findall(r"^    (\w+): (.+)$", BICEP, re.MULTILINE))
    assert settings["allowSharedKeyAccess"] == "false"
    assert settings["allowBlobPublicAccess"] == "false"
    assert settings["defaultToOAuthAuthentication"] == "true"
    assert settings["minimumTlsVersion"] == "'TLS1_2'"
    assert "listKeys" not in BICEP


def test_raw_deliveries_cool_down_and_end_attachments_cool_down_and_stay() -> None:
    lifecycle = BicepFile(PATH).of("resource")["lifecycle"].value["properties"]["policy"]["rules"]
    rules = {rule["name"]: rule["definition"] for rule in lifecycle if rule["enabled"]}
    cool = {"tierToCool": {"daysAfterModificationGreaterThan": Code("coolAfterDays")}}
    end = {"delete": {"daysAfterModificationGreaterThan": Code("rawRetentionDays")}}
    held = {name: rule["filters"]["prefixMatch"] for name, rule in rules.items()}
    raw = [f"{container.value}/" for container in (BlobContainer.INBOUND, BlobContainer.EXTERNAL)]
    assert held == {"raw-deliveries": raw, "attachments": [f"{BlobContainer.ATTACHMENTS.value}/"]}
    assert rules["raw-deliveries"]["actions"]["baseBlob"] == cool | end
    assert rules["attachments"]["actions"]["baseBlob"] == cool
