"""Changesets: from a plan to a committed Stage, all or nothing.

Who may commit or discard one isn't decided here. The API server decides it at admission, by the
policy in `charts/setops/templates/changeset-users.yaml`: `spec.user` is whoever the API server says
it is, and only that user, or a trusted account of the chart's values, may change the spec.

    reconciler       does what is due
    due              what is due, by phase and spec (pure)
    bounds           how many there may be, and how large one may be
    queue            which commit comes first, and one open Changeset for each user
    opening          before the commit: plan, dry run, discard, queueing
    planning         the plan over the Stage as it is, the same plan again, and its reverse
    conflicts        what prevents a plan: changes of others, and fields that Git holds
    commit           start, then one step after another
    machine          which step of a commit or of its rollback is next (pure)
    observation      the state of a commit, from which the next step follows
    steps            the steps, one module each
    patience         how long a step that fails is tried again
    giving_up        what becomes of a commit whose step has failed for too long
    commit_deadline  how long a commit waits for each resource, and what follows
    entries          the live resource of a change, compared with what the plan expects
    writes           single writes, each safe to repeat
    marks            what a rollback notes in the status of Services
    readiness        whether a changed resource does what its spec says
    refusals         what the API server refuses, collected
    reporting        phase, step and conditions in the status
    ending           how it ends, and frees the lock
    retention        which of those that have ended are kept, and for how long
    content          what a large one asks for, read when it is needed
    job              what all of these are given

Everything that a commit needs to go on after a kill is in the Changeset's status before anything
else is written: the plan, the hash of where it leads, and the revision it started from.
"""

from setops.reconcile.changeset.reconciler import reconcile

__all__ = ["reconcile"]
