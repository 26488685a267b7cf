"""Placeholder of the chain."""

from alembic import op

revision = "0007"
down_revision = "0006"

UP = "SELECT 1"

DOWN = "SELECT 1"


def upgrade() -> None:
    """Nothing yet."""
    op.execute(UP)


def downgrade() -> None:
    """Nothing yet."""
    op.execute(DOWN)
