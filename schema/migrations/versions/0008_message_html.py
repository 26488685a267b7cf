"""The HTML of messages, made safe to show."""

from alembic import op

revision = "0008"
down_revision = "0007"

UP = """
-- Sanitised when it was stored; null without HTML, or when it passed a cap.
ALTER TABLE messages ADD COLUMN html text;
"""

DOWN = """
ALTER TABLE messages DROP COLUMN html;
"""


def upgrade() -> None:
    """Keep the HTML of messages."""
    op.execute(UP)


def downgrade() -> None:
    """Drop it."""
    op.execute(DOWN)
