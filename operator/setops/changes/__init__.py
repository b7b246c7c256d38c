"""What a Changeset does to a Stage: fold its content, take the difference, show it as a plan.

Pure: no I/O, no clock, no randomness, inputs never mutated. Imports `api`, `language` and
`desired`: it compares the pods of both definitions to find out what restarts.

    folded = fold(base, spec, context)             # all errors, or the definition it leads to
    changes = diff(base, folded.definition)        # what is written, in the order of the writes
    plan = plan_of(changes, …)                     # the same for a person
"""
