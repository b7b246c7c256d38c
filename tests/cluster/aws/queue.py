"""A product that the operator doesn't have, to prove the engine: one SQS queue, no credentials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from botocore.exceptions import ClientError

from setops.api.service_type import DeletionPolicy
from setops.aws.api_use import QUOTA, ApiUse
from setops.aws.clients import AccountClients
from setops.aws.errors import code_of, tolerate
from setops.aws.naming import resource_name
from setops.aws.observation import Found, Observation, PartStatus
from setops.aws.part import Field, Part
from setops.aws.product import Assembly, Product
from setops.aws.target import Target

_MISSING: Final = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")

API: Final = ApiUse(
    client="sqs",
    operations=(
        "CreateQueue",
        "DeleteQueue",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListQueueTags",
        "SetQueueAttributes",
    ),
    wait_codes=frozenset({"AWS.SimpleQueueService.QueueDeletedRecently", *_MISSING}),
    stall_codes={"OverLimit": QUOTA},
)


@dataclass(frozen=True)
class Queue(Part):
    """The queue `id`, which hides a message for so many seconds from all but its first reader."""

    kind: ClassVar[str] = "queue"
    label: ClassVar[str] = "SQS queue"
    api: ClassVar[ApiUse] = API

    sqs: Any
    seconds: str

    def find(self) -> Found | None:
        try:
            return {"Url": self.sqs.get_queue_url(QueueName=self.id)["QueueUrl"]}
        except ClientError as exc:
            if code_of(exc) in _MISSING:
                return None
            raise

    def tags(self, found: Found) -> Mapping[str, str]:
        return dict(self.sqs.list_queue_tags(QueueUrl=found["Url"]).get("Tags", {}))

    def create(self, ids: Mapping[str, str]) -> None:  # noqa: ARG002
        """Also succeeds on one that is there, so whose it is must be looked at next."""
        with tolerate("QueueAlreadyExists", "QueueNameExists"):
            self.sqs.create_queue(
                QueueName=self.id,
                Attributes={"VisibilityTimeout": self.seconds},
                tags=self.identity.tags(),
            )

    def status(self, found: Found) -> PartStatus:
        return PartStatus(endpoint=found["Url"])

    def examine(self, found: Found) -> Found:
        asked = self.sqs.get_queue_attributes(QueueUrl=found["Url"], AttributeNames=["All"])
        return {**found, **asked["Attributes"]}

    def fields(self, found: Found, ids: Mapping[str, str]) -> Iterable[Field]:  # noqa: ARG002
        argument = {"VisibilityTimeout": self.seconds}
        yield Field("queue.seconds", self.seconds, found["VisibilityTimeout"], argument)

    def put(self, found: Found, fields: Sequence[Field]) -> Iterator[str]:
        for each in fields:
            self.sqs.set_queue_attributes(QueueUrl=found["Url"], Attributes=dict(each.argument))
            yield each.path

    def delete(self, found: Found) -> bool:
        with tolerate(*_MISSING):
            self.sqs.delete_queue(QueueUrl=found["Url"])
        return True


class Queues(Product):
    """The product `queue`."""

    type_name: ClassVar[str] = "queue"
    noun: ClassVar[str] = "a queue"
    part_types: ClassVar[tuple[type[Part], ...]] = (Queue,)
    part_keys: ClassVar[tuple[str, ...]] = (Queue.kind,)
    replaces_lost: ClassVar[bool] = True
    policies = (DeletionPolicy.RETAIN, DeletionPolicy.DELETE)

    def name(self, target: Target, key: str) -> str:  # noqa: ARG002 - there is but one
        return resource_name(target.identity, 80)

    def assemble(self, clients: AccountClients, target: Target, main: Found | None) -> Assembly:  # noqa: ARG002
        seconds = str(target.options.get("seconds", 30))
        name = self.ids(target)[Queue.kind]
        queue = Queue(name, target.identity, clients.client("sqs"), seconds)
        return Assembly((queue,), queue)

    def connection(self, target: Target, observation: Observation) -> Mapping[str, str]:  # noqa: ARG002
        return {"url": observation.main.endpoint}
