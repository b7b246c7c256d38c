"""An error that nobody expected reaches the conditions of the object, whatever its kind.

The reconcilers are the real ones. What fails them is an object that an older version has left
behind, which the model refuses, or a connection that breaks in ways that no client knows.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import pytest

from setops.api.kinds import (
    APP,
    CHANGESET,
    CUSTOM_RESOURCE_DEFINITION,
    NOTIFICATION,
    ORGANIZATION,
    PROJECT,
    SERVICE,
    STAGE,
    Kind,
    Object,
    key_of,
)
from setops.api.names import FINALIZER
from setops.kube.client import Client
from setops.kube.cluster import Cluster
from setops.kube.errors import ApiError
from setops.kube.transport import Answer
from setops.reconcile.driver import reconcile
from setops.reconcile.faults import CutOffError
from tests.reconcile import samples
from tests.reconcile.samples import HOME, SPACE, context_of, make, reported
from tests.reconcile.server import Server

SECRET_TEXT: Final = "not-for-everybody"
UNREADABLE: Final = {"surprise": SECRET_TEXT}
"""A field that no model has: made by another version of the operator."""
SPEC: Final = {"organization": "acme", **UNREADABLE}
AWS: Final = {"accountId": "123456789012", "region": "eu-central-1"}
"""Found before AWS is asked, so no answer is needed."""


class Story:
    """The surroundings of a Stage and one object, which is reconciled again and again."""

    def __init__(self, obj: Object) -> None:
        found = [*samples.surroundings(), _of(ORGANIZATION, "acme", spec=UNREADABLE), obj]
        world = samples.World(*{key_of(each): each for each in found}.values())
        self.key = key_of(obj)
        held = world.cluster.get(self.key)
        assert held is not None
        self.server = Server(held, make(CUSTOM_RESOURCE_DEFINITION, "services.setops.co"))
        client = Client(self.server)
        self.events: list[str] = []
        self.context = context_of(Cluster(client, world.cluster.cache), events=self)
        self.put = world.put

    def record(self, _obj: Object, _type: str, reason: str, message: str) -> None:
        """Take up an Event."""
        self.events.append(f"{reason}: {message}")

    def fails(self) -> Exception:
        """Reconcile it; the error that this ends with."""
        try:
            asyncio.run(reconcile(self.context, self.key))
        except Exception as error:
            return error
        raise AssertionError(f"{self.key} did not fail")

    @property
    def says(self) -> dict[str, tuple[str, str, str]]:
        """Status, reason and message of each condition."""
        found = self.context.cluster.get(self.key)
        assert found is not None
        return {
            item["type"]: (item["status"], item["reason"], item["message"])
            for item in found["status"]["conditions"]
        }


def _of(kind: Kind, name: str, namespace: str = "", **content: Any) -> Object:
    status = {**reported(), **content.pop("status", {})}
    for item in status["conditions"]:
        item["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    return make(kind, name, namespace, status=status, **content)


OBJECTS: Final[dict[str, Object]] = {
    "Organization": _of(ORGANIZATION, "acme", spec=UNREADABLE),
    "Project": _of(PROJECT, "shop", spec=SPEC, status={"namespace": HOME}),
    "Stage": _of(STAGE, "production", HOME, spec=SPEC, status={"namespace": SPACE}),
    "App": _of(APP, "web", SPACE, spec=SPEC),
    "Service": _of(SERVICE, "store", SPACE, spec=SPEC),
    # Its own spec isn't read yet, but that of the Organization is.
    "Notification": _of(NOTIFICATION, "alerts", SPACE, spec={}),
    "Changeset that is open": _of(CHANGESET, "draft", SPACE, spec=SPEC, status={"phase": "Open"}),
    "Changeset that is committed": _of(
        CHANGESET, "draft", SPACE, spec=SPEC, status={"phase": "Applying"}
    ),
    "Changeset that is rolled back": _of(
        CHANGESET, "draft", SPACE, spec=SPEC, status={"phase": "RollingBack"}
    ),
    "Service that is being deleted": _of(
        SERVICE,
        "store",
        SPACE,
        spec=SPEC,
        deletionTimestamp="2026-01-01T00:00:00Z",
    ),
}
"""One object of each kind, Ready, and with something in it that its reconciler can't read."""


@pytest.mark.parametrize("obj", OBJECTS.values(), ids=OBJECTS)
def test_the_second_time_it_is_told(obj: Object) -> None:
    story = Story({**obj, "metadata": {**obj["metadata"], "finalizers": [FINALIZER]}})
    first = story.fails()
    assert not isinstance(first, ApiError)
    assert story.says["Ready"] == ("True", "Ready", "says Ready"), "once may be by chance"

    error = story.fails()

    status, reason, message = story.says["Ready"]
    assert (status, reason) == ("False", "ServerFailure")
    assert story.says["Reconciling"][0] == "True"
    assert story.says["Stalled"][0] == "False"
    assert type(error).__name__ in message
    assert "the operator's log says more" in message
    assert SECRET_TEXT in str(error)
    assert SECRET_TEXT not in message
    found = story.context.cluster.get(story.key)
    assert found is not None
    for name in ("phase", "namespace"):
        assert found["status"].get(name) == obj["status"].get(name), "the rest of the status stays"


def test_the_end_of_a_changeset_keeps_its_conditions() -> None:
    obj = _of(
        CHANGESET,
        "draft",
        SPACE,
        spec=SPEC,
        status={"phase": "Committed"},
    )
    story = Story({**obj, "metadata": {**obj["metadata"], "finalizers": [FINALIZER]}})
    story.fails()
    assert not story.events
    story.fails()
    assert story.says["Ready"] == ("True", "Ready", "says Ready")
    assert story.events[0].startswith("ServerFailure: the operator can't go on")


def test_what_it_says_goes_with_the_error() -> None:
    story = Story(_of(NOTIFICATION, "alerts", SPACE, spec={}))
    story.fails()
    story.fails()
    story.put(_of(ORGANIZATION, "acme", spec={"aws": AWS, "domain": "example.com"}))
    asyncio.run(reconcile(story.context, story.key))
    assert story.says["Ready"][:2] == ("True", "CurrentlyNotSupported")
    story.put(_of(ORGANIZATION, "acme", spec=UNREADABLE, generation=2))
    story.fails()
    assert story.says["Ready"][0] == "True", "it is counted anew"


def _status(code: int, message: str = "no", reason: str = "") -> Answer:
    body = {"kind": "Status", "message": message, "reason": reason}
    return Answer(code, {}, json.dumps(body).encode())


ANSWERS: Final[dict[str, tuple[Answer, int]]] = {
    "a right that is missing": (_status(403), 1),
    "an object that is invalid": (_status(422), 1),
    "a body that is too large": (_status(413), 1),
    "a request that it doesn't understand": (_status(400), 1),
    "a webhook that fails": (_status(500, "failed calling webhook"), 5),
    "too many requests": (_status(429), 5),
    "credentials that expired": (_status(401), 5),
    "no longer known": (_status(410), 5),
    "somebody else who always writes first": (_status(409), 8),
    "no such object": (_status(404), 8),
    "an answer that isn't JSON": (Answer(200, {}, b"<html>"), 5),
    "an answer of another form": (Answer(200, {}, b"[]"), 2),
    "an answer without an object": (Answer(200, {}, b"{}"), 2),
}
"""What the API server answers, and how often in a row before that is told."""


@pytest.mark.parametrize(("answer", "times"), ANSWERS.values(), ids=ANSWERS)
def test_what_the_api_server_answers_is_told_once_it_lasts(answer: Answer, times: int) -> None:
    story = _in_good_surroundings()
    story.server.answer = answer
    for _ in range(times - 1):
        story.fails()
    assert story.server.told == 0
    story.fails()
    assert story.server.told == 1


def _in_good_surroundings() -> Story:
    story = Story(_of(NOTIFICATION, "alerts", SPACE, spec={}))
    story.put(_of(ORGANIZATION, "acme", spec={"aws": AWS, "domain": "example.com"}))
    return story


BREAKS: Final[dict[str, type[BaseException]]] = {
    "a bug": ZeroDivisionError,
    "something that the runtime raises": RecursionError,
    "a call that was cancelled from elsewhere": asyncio.CancelledError,
}


@pytest.mark.parametrize("raised", BREAKS.values(), ids=BREAKS)
def test_a_connection_may_break_in_any_way(raised: type[BaseException]) -> None:
    story = _in_good_surroundings()

    def breaks(_method: str, _path: str) -> None:
        raise raised(SECRET_TEXT)

    story.server.breaks = breaks
    first = story.fails()
    assert isinstance(first, CutOffError if raised is asyncio.CancelledError else raised)
    story.server.breaks = lambda _method, _path: None
    asyncio.run(reconcile(story.context, story.key))
    assert story.says["Ready"][0] == "True"


def test_a_reconciliation_that_is_cancelled_itself_says_nothing() -> None:
    story = _in_good_surroundings()

    async def cancelled() -> None:
        running = asyncio.create_task(reconcile(story.context, story.key))

        def breaks(_method: str, _path: str) -> None:
            running.cancel()
            raise asyncio.CancelledError

        story.server.breaks = breaks
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancelled())
    assert not story.context.memory.faults


def test_what_is_gone_is_not_remembered() -> None:
    story = Story(OBJECTS["App"])
    story.fails()
    story.context.cluster.cache.drop(story.key)
    assert asyncio.run(reconcile(story.context, story.key)) is None
    assert not story.context.memory.faults
