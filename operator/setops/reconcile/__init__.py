"""One module per kind: observe, decide, act, report.

A reconciler is level-triggered: it reads what is there (the cache, AWS), takes one step towards
what the spec says, and reports in the status. It may run at any time and any number of times, and
be killed anywhere. It never writes a spec; only a Changeset's commit does, in `changeset`.

    driver      runs the reconciler of an object's kind, and reports for it
    report      what a reconciler says, and how that gets into a status
    children    child objects: written if they differ; somebody else's are never touched
    deletion    asking for the deletion of others, and saying what it waits for
    places      the Organization, Project and Stage around an object
    live        a Stage's definition as its resources have it
    edits       direct edits, which become revisions of their own
    revisions   a Stage's definition after each change; `ledger` remembers the older ones
    lock        which Changeset changes a Stage
    rollout     how far a Deployment's rollout is (pure)
    memory      what may be lost without harm
"""
