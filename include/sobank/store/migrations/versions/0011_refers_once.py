"""The set-wise foreign keys ask once for each value, in order: ten entries or thirty allocations have one between them."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

_REFERS = """
CREATE OR REPLACE FUNCTION refers_set_wise() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    at integer := 0;
    missing bigint;
BEGIN
    WHILE at < TG_NARGS LOOP
        EXECUTE format('{asked}', TG_ARGV[at], TG_ARGV[at + 1]) INTO missing;
        IF missing IS NOT NULL THEN
            RAISE foreign_key_violation USING MESSAGE =
                format('%s.%s: %s has no row %s', TG_TABLE_NAME, TG_ARGV[at], TG_ARGV[at + 1], missing);
        END IF;
        at := at + 2;
    END LOOP;
    RETURN NULL;
END $$
"""
_ONCE = (
    "SELECT d.id FROM (SELECT DISTINCT a.%1$I AS id FROM added a WHERE a.%1$I IS NOT NULL ORDER BY 1) d"
    " WHERE NOT EXISTS (SELECT FROM %2$I r WHERE r.id = d.id) LIMIT 1"
)
#: As migration 0008 wrote it.
_ROW_BY_ROW = "SELECT a.%1$I FROM added a WHERE a.%1$I IS NOT NULL AND NOT EXISTS (SELECT FROM %2$I r WHERE r.id = a.%1$I) LIMIT 1"


def upgrade() -> None:
    """Ask once for each value."""
    _ask(_ONCE)


def downgrade() -> None:
    """Ask for each row."""
    _ask(_ROW_BY_ROW)


def _ask(sql: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_REFERS.replace("{asked}", sql))
