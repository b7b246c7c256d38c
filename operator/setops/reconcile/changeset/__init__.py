"""Changesets: from a plan to a committed Stage, all or nothing.

Everything that a commit needs to go on after a kill stands in the Changeset's status before
anything else is written: the plan, the hash of where it leads, and the revision it started from.
Each step looks at what is there and does only what is still missing.

    state      which step is due (pure)
    planning   fold and plan over the live definition
    lock       the Stage's lock
    entries    single writes of Apps, Services and Notifications, each safe to repeat
    commit     the steps of a commit and of its rollback
    reporting  phases and conditions in the status
"""

from setops.reconcile.changeset.commit import reconcile

__all__ = ["reconcile"]
