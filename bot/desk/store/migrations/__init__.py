"""The database's versions, run by Alembic when the store is opened.

To add one: change `bot/desk/store/tables.py`, copy the newest file in `versions` under a new name,
set `revision` and `down_revision`, and write `upgrade`.
"""
