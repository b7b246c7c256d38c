"""The `setops` command line.

Imports `language`, `changes`, `api` and the light part of `kube` (client, light, kubeconfig,
errors); never `aws`, `reconcile` or `runtime`. What `setops --help` and completion load is light:
no model, no HTTP, no YAML. Everything else is imported by the command that needs it.

    main       the program: arguments in, exit code out
    declare    what its own commands look like, beside those of the language
    words      takes the scope flags out of a line, wherever they stand
    session    connection, user and the Stage that a command acts on
"""
