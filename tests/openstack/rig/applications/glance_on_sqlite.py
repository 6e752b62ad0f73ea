"""Glance, with transactions that wait for one another.

A transaction that reads before it writes, as most of Glance's do, fails at once in SQLite if another one has written meanwhile ("database is locked"); if
that is the last step of an upload, the image stays "saving" for ever. Here each takes its turn at its begin. The databases that Glance is made for need no such thing.
"""

import sqlalchemy
from glance.wsgi.api import application  # noqa: F401  what uWSGI looks for


@sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "before_cursor_execute", retval=True)
def take_turns(connection, cursor, statement, parameters, context, executemany):
    return "BEGIN IMMEDIATE" if statement == "BEGIN" else statement, parameters
