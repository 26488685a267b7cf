"""Who a message is from: find the contact by identity, or create one."""

import uuid
from pathlib import Path

from shared.identifiers import ContactId, ProjectId
from shared.models.messages import Identity
from shared.stores.postgres import Transaction
from shared.stores.sql import SqlBlocks

SQL = SqlBlocks(Path(__file__).with_name("contacts.sql"))


async def resolve_contact(
    transaction: Transaction, project: ProjectId, identities: tuple[Identity, ...], display_name: str | None
) -> ContactId:
    """Return the contact of the strongest identity that is known, or of a new contact; the rest become its own.

    `identities` are strongest first. An identity that belongs to another contact stays there: joining two people is
    an operator's decision.
    """
    known = await _find(transaction, project, identities)
    if len(known) == len(identities):
        return next(iter(known.values()))
    await transaction.all(
        SQL["lock_identities"], project_id=project, keys=[f"{each.type}:{each.value}" for each in identities]
    )
    known = await _find(transaction, project, identities)
    contact = next(iter(known.values())) if known else await _create(transaction, project, display_name)
    missing = [identity for identity in identities if identity not in known]
    await transaction.one(SQL["lock_contact"], project_id=project, id=contact)
    await transaction.execute(
        SQL["insert_identities"],
        project_id=project,
        contact_id=contact,
        types=[identity.type for identity in missing],
        values=[identity.value for identity in missing],
    )
    return contact


async def _find(
    transaction: Transaction, project: ProjectId, identities: tuple[Identity, ...]
) -> dict[Identity, ContactId]:
    rows = await transaction.all(
        SQL["find_contacts"],
        project_id=project,
        types=[identity.type for identity in identities],
        values=[identity.value for identity in identities],
    )
    return {Identity(row["type"], row["value"]): ContactId(row["contact_id"]) for row in rows}


async def _create(transaction: Transaction, project: ProjectId, display_name: str | None) -> ContactId:
    contact = ContactId(uuid.uuid4())
    await transaction.execute(SQL["insert_contact"], project_id=project, id=contact, display_name=display_name)
    return contact
