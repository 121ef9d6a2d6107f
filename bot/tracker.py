"""Rasa's conversations in PostgreSQL, in a schema of their own."""

import json
from typing import Any, Dict, Optional

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.pool import StaticPool

SCHEMA = "rasa"


class KefuTrackerStore(SQLTrackerStore):
    """Rasa's own store, opened by a full URL.

    Its tables (`events`) go into the schema `rasa`, because the desk has tables of the same name
    in the same database. The pool is small (one turn holds one connection) and tests a
    connection before use, so that a restarted database costs nobody a turn. Rasa's constructor
    waits forever for a database that is not there; this one raises.
    """

    def __init__(
        self,
        domain: Optional[Any] = None,
        host: Optional[str] = None,
        event_broker: Optional[Any] = None,
        **kwargs: Any,
    ) -> None:
        """host: SQLAlchemy URL, such as postgresql://postgres@/kefu?host=/run/db or sqlite://."""
        url = _for_psycopg2(sa.engine.make_url(host or "sqlite://"))
        self.engine = sa.create_engine(url, **_engine_settings(url))
        if url.get_backend_name() == "postgresql":
            with self.engine.begin() as connection:
                connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        self.Base.metadata.create_all(self.engine)
        self.sessionmaker = sa.orm.session.sessionmaker(bind=self.engine)
        TrackerStore.__init__(self, domain, event_broker)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Appends the turn's events in one statement.

        The original adds them one object at a time, and escapes Chinese, so that nobody could
        search it in SQL.
        """
        with self.session_scope() as session:
            rows = [self._row(tracker, e) for e in self._additional_events(session, tracker)]
            if rows:
                session.execute(self.SQLEvent.__table__.insert(), rows)
            session.commit()

    @staticmethod
    def _row(tracker: DialogueStateTracker, event: Any) -> Dict[str, Any]:
        data = event.as_dict()
        return {
            "sender_id": tracker.sender_id,
            "type_name": event.type_name,
            "timestamp": data.get("timestamp"),
            "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
            "action_name": data.get("name"),
            "data": json.dumps(data, ensure_ascii=False),
        }


def _for_psycopg2(url: sa.engine.URL) -> sa.engine.URL:
    """The same database by the driver of this environment (the desk's URLs may name another)."""
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg2")
    return url


def _engine_settings(url: sa.engine.URL) -> Dict[str, Any]:
    if url.get_backend_name() != "postgresql":
        # One connection, or a database in memory would be empty for each new one.
        return {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    return {
        "pool_size": 2,
        "max_overflow": 2,
        "pool_pre_ping": True,
        # They replace what the URL says, so that is repeated here.
        "connect_args": {
            "options": f"{url.query.get('options', '')} -csearch_path={SCHEMA}".strip(),
            "connect_timeout": url.query.get("connect_timeout", 3),
        },
    }
