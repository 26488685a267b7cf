"""Room for updates of interactions in place.

Every interaction is updated soon after it was written: confirmed by Cosmos DB, then summarised. With room on its page,
and no indexed column changed, the new version needs no entry in any index (heap-only tuples).
"""

from alembic import op

revision = "0010"
down_revision = "0009"

UP = """
ALTER TABLE interactions SET (fillfactor = 80);
-- Whom no conversation is known of is not looked up by it: documents of other services have none.
DROP INDEX interactions_of_conversation;
CREATE INDEX interactions_of_conversation ON interactions (project_id, conversation_id)
    WHERE conversation_id IS NOT NULL;
"""

DOWN = """
DROP INDEX interactions_of_conversation;
CREATE INDEX interactions_of_conversation ON interactions (project_id, conversation_id);
ALTER TABLE interactions RESET (fillfactor);
"""


def upgrade() -> None:
    """Leave a fifth of each page free, and index the conversations that there are."""
    op.execute(UP)


def downgrade() -> None:
    """Fill pages again, and index all."""
    op.execute(DOWN)
