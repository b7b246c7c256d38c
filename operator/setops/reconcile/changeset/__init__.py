"""Changesets: from a plan to a committed Stage, all or nothing.

Everything that a commit needs to go on after a kill stands in the Changeset's status before
anything else is written: the plan, the hash of where it leads, and the revision it started from.
Each step looks at what is there and does only what is still missing.

    state       which step is due (pure)
    reconciler  takes it
    opening     before the commit: plan, dry run, discard, waiting in line
    planning    fold, merge and plan over the Stage as it stands
    conflicts   what keeps it from being carried out: changes of others, fields that Git holds
    lock        the Stage's lock and its queue
    commit      the steps of a commit
    deadline    how long it waits for each resource
    rehearsal   the dry run of child objects
    entries     single writes of Apps, Services and Notifications, each safe to repeat
    refusals    what the API server refuses, gathered
    rollback    the way back
    reporting   phases and conditions in the status
"""

from setops.reconcile.changeset.reconciler import reconcile

__all__ = ["reconcile"]
