"""The `setops` command line.

Imports `language`, `changes`, `api` and the light part of `kube` (client, light, kubeconfig,
errors); never `aws`, `reconcile` or `runtime`. What `setops --help` and completion load is light:
no model, no HTTP, no YAML. The command that needs such a thing imports it when it runs.

One package per noun. `stage:apply` is in `stage/apply.py`, `stage` alone in `stage/index.py`, each
as the function `run`; `stage/commands.py` declares them. The packages, from the top:

    main         the program: arguments in, exit code out
    shell        the table of all commands, help, completion, the line and what click makes of it
    organization, project, stage, app, service, notification, changeset, user
                 the nouns; commands of the language end in `changeset/staging.py`
    why          finds what blocks
    client       the program itself: login, default Project and Stage, version
    base         what all commands need: session, scope, output, errors, waiting
"""
