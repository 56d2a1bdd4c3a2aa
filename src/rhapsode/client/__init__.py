"""Talks to a stage from Python: questions, texts, microphones, and the face as it moves.

    from rhapsode.client import Client

    with Client("http://127.0.0.1:8420").session() as session:
        print(session.ask("When do you open?").text)

`AsyncClient` is the same for asyncio.
"""

from rhapsode.client.asynchronous import AsyncClient, AsyncSession
from rhapsode.client.http import ClientError
from rhapsode.client.shapes import Answer, Event
from rhapsode.client.synchronous import Client, Session

__all__ = ["Answer", "AsyncClient", "AsyncSession", "Client", "ClientError", "Event", "Session"]
