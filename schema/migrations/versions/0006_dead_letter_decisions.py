"""What an operator decided about a dead letter, and when."""

from alembic import op

revision = "0006"
down_revision = "0005"

UP = """
ALTER TABLE dead_letters
    ADD COLUMN replayed_at timestamptz,
    ADD COLUMN discarded_at timestamptz,
    ADD COLUMN discard_reason text;
-- How many came lately, of one step: what stops a consumer that would bury all it reads.
CREATE INDEX dead_letters_of_stage ON dead_letters (stage, created_at) WHERE state = 'open';
"""

DOWN = """
DROP INDEX dead_letters_of_stage;
ALTER TABLE dead_letters DROP COLUMN replayed_at, DROP COLUMN discarded_at, DROP COLUMN discard_reason;
"""


def upgrade() -> None:
    """Add when a letter was replayed or discarded, and why."""
    op.execute(UP)


def downgrade() -> None:
    """Drop them."""
    op.execute(DOWN)
