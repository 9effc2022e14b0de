"""Run by Alembic for each upgrade, on the connection that the store hands over."""

from alembic import context

from bot.desk.store.tables import metadata

# SQLite alters a table by making it anew, which Alembic does in a batch.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
