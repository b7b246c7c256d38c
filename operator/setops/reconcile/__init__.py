"""One module per kind: observe, decide, act, report.

A reconciler is level-triggered: it reads what is there (the cache, AWS), makes one step towards
what the spec says, and reports in the status. It may be run at any time, any number of times, and
be killed anywhere. It never writes a spec; only a Changeset's commit does, in `changeset`.
"""
