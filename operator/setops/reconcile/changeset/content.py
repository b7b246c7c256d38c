"""What a Changeset asks for. The cache leaves it out where it is large; then it is read."""

from __future__ import annotations

from setops.api.changeset import ChangesetSpec
from setops.api.kinds import key_of
from setops.kube.errors import Conflict
from setops.kube.trim import LEFT_OUT
from setops.reconcile.changeset.job import Job
from setops.reconcile.context import Context


async def with_content(context: Context, job: Job) -> Job:
    """The job with all of the spec. Raises Conflict if the Changeset was edited meanwhile.

    That of a commit under way is kept, since it is looked at again and again.
    """
    if LEFT_OUT not in job.changeset:
        return job
    key, uid = key_of(job.changeset), job.uid
    known = context.memory.contents.get(uid)
    if known is None:
        live = await context.cluster.client.get(key)
        metadata = job.changeset["metadata"]
        if live["metadata"]["uid"] != uid or (
            live["metadata"].get("generation") != metadata.get("generation")
        ):
            context.cluster.cache.put(live)
            raise Conflict(f"{key} was edited meanwhile", target=key)
        known = ChangesetSpec.model_validate(live["spec"])
        if job.phase.running:
            context.memory.contents[uid] = known
    return Job(job.changeset, known, job.around)
