"""Alembic's entry: run migrations on the engine that `sobank.store.migrate` hands over."""

from alembic import context

from sobank.store.schema import metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=False)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
