"""The commands for Stages and their definition files."""

from __future__ import annotations

from typing import Final

from setops.cli.base.declare import (
    APPROVE,
    DETACH,
    FORCE,
    MESSAGE,
    OF_PROJECT,
    TIMEOUT,
    Own,
    named_argument,
    show,
)
from setops.language.command import OF_STAGE, Arity, Flag, Level, Type

COMMANDS: Final = (
    show("stage", OF_PROJECT, "Lists the Stages of a Project.", run="stage.index"),
    Own(
        name="stage:create",
        scopes=OF_PROJECT,
        help="Creates a Stage, at once.",
        example="--project myproject stage:create production",
        arguments=named_argument("Stage", Type.NEW_NAME),
        flags=(
            Flag(
                "log-retention",
                "Days that logs are kept; without it 14. This version doesn't act on it yet.",
                Type.INTEGER,
            ),
        ),
        run="stage.create",
    ),
    show("stage:info", OF_PROJECT, "Shows a Stage.", named=Level.STAGE, run="stage.info"),
    Own(
        name="stage:destroy",
        scopes=OF_PROJECT,
        help="Destroys a Stage, its Apps and Services; their data as the deletion policies say.",
        example="--project myproject stage:destroy staging --force",
        arguments=named_argument("Stage", arity=Arity.OPTIONAL),
        flags=(FORCE, DETACH),
        named=Level.STAGE,
        run="stage.destroy",
    ),
    Own(
        name="stage:dump",
        scopes=OF_STAGE,
        help="Writes the Stage's definition as a file (*.setops.yaml) to standard output.",
        example="stage:dump > production.setops.yaml",
        run="stage.dump",
    ),
    Own(
        name="stage:apply",
        scopes=(),
        help="Makes the Stage what a definition file says, or moves images: shows the plan, asks, "
        "commits. An App for which the file names no image keeps what it runs. "
        "{{ .Secrets.NAME }} in a value of env is filled in from what you hand over: --secret, "
        "else --secrets, else the environment variable SETOPS_SECRET_NAME; else from what is in "
        "use. Nothing else of your environment is taken. It goes into a Secret of the Stage, which "
        "is kept as long as an App, a revision or a Changeset refers to it. "
        '{{ "{{" }} stands for braces that are meant as such.',
        example="stage:apply --file production.setops.yaml",
        flags=(
            Flag("file", "The definition file; - for standard input.", Type.FILE, short="f"),
            Flag("tag", "Image tags to move: APP=TAG,…", short="t", many=True),
            Flag(
                "secrets",
                "File with NAME=VALUE lines for {{ .Secrets.NAME }}; - for standard input. It is "
                "refused if others may write it.",
                Type.FILE,
            ),
            Flag(
                "secret",
                "Variable of your environment to take for {{ .Secrets.NAME }}: NAME,…",
                many=True,
            ),
            APPROVE,
            DETACH,
            MESSAGE,
            TIMEOUT,
        ),
        run="stage.apply",
    ),
    Own(
        name="stage:schema",
        scopes=(),
        help="Writes the JSON Schema of definition files, for editors.",
        example="stage:schema > setops.schema.json",
        run="stage.schema",
    ),
)
