"""The `setops` command line.

Imports `language`, `changes`, `api` and the light part of `kube` (client, light, kubeconfig,
errors); never `aws`, `reconcile` or `runtime`. What `setops --help` and completion load is light:
no model, no HTTP, no YAML. Everything else is imported by the command that needs it.

    main         the program: arguments in, exit code out
    table        all commands by name: `own`, and those of the language as staged.json has them
    program      the table as click commands
    words        takes the scope flags out of a line, wherever they stand
    session      connection, user and the Stage that a command acts on
    staging      commands of the language: checked, then added to the user's Changeset
    changesets   that Changeset: finding it, and changing it so that two terminals lose nothing
    read         commands that show what is committed
    definition   the definition file
    completion   what could stand next, for the shells
"""
