"""The commands that are not of the language: those that read, and those that act at once.

What they do is named, not imported: `run` is a function of a module below `setops.cli`, loaded
when the command runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from setops.language.command import (
    OF_APP,
    OF_SERVICE,
    OF_STAGE,
    Argument,
    Arity,
    Choice,
    Declaration,
    Flag,
    Level,
    Type,
)

OF_PROJECT: Final = (Level.PROJECT,)
OF_DOMAIN: Final = (*OF_APP, Level.DOMAIN)

UNSUPPORTED: Final = "unsupported:answer"
"""What runs in place of a command whose operator side isn't built yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own(Declaration):
    """A command of the command line itself.

    `run` is `module:function`. `named` is the scope flag that may stand in place of its first
    argument. `reads` tells that it shows something, and so takes -o.
    """

    run: str
    stages: bool = False
    named: Level | None = None
    reads: bool = False


FORMATS: Final = ("table", "json", "yaml", "name")
OUTPUT: Final = Flag(
    "output",
    "How it is shown.",
    choices=(
        Choice("table", "For people; the default."),
        Choice("json", "The resources, for programs."),
        Choice("yaml", "The resources as YAML."),
        Choice("name", "Only the names, one a line."),
    ),
    short="o",
)
_WATCH: Final = Flag("watch", "Shows it anew whenever it changes, until Ctrl-C.", Type.SWITCH)
_FORCE: Final = Flag("force", "Does it. Without it nothing is destroyed.", Type.SWITCH)
_APPROVE: Final = Flag("auto-approve", "Doesn't ask.", Type.SWITCH)
_DETACH: Final = Flag("detach", "Doesn't wait for the end.", Type.SWITCH)
_MESSAGE: Final = Flag("message", "Why, for the history.", short="m")


def _name(what: str, type_: Type = Type.TEXT, arity: Arity = Arity.ONE) -> tuple[Argument, ...]:
    return (Argument("NAME", f"Name of the {what}.", type_, arity=arity),)


def _show(
    name: str,
    scopes: tuple[Level, ...],
    help_: str,
    *,
    named: Level | None = None,
    type_: Type = Type.TEXT,
    watch: bool = False,
) -> Own:
    """A command that shows something; `named` is what it shows one of."""
    family, _, verb = name.partition(":")
    arguments = () if named is None else _name(named.value.capitalize(), type_, Arity.OPTIONAL)
    inner = [f"--{level} web " for level in scopes if level is Level.APP]
    inner += [f"--{level} store " for level in scopes if level is Level.SERVICE]
    examples = {Level.APP: " web", Level.SERVICE: " store"}
    example = "".join(inner) + name + (examples.get(named, "") if named else "")
    return Own(
        name=name,
        scopes=scopes,
        help=help_,
        example=example,
        arguments=arguments,
        flags=(OUTPUT, *((_WATCH,) if watch else ())),
        named=named,
        reads=True,
        run=f"read.{family}:{verb or 'index'}",
    )


def _later(name: str, scopes: tuple[Level, ...], help_: str, example: str, **rest: object) -> Own:
    """A command that this version only knows."""
    text = f"{help_} (This version can't do it yet.)"
    return Own(name=name, scopes=scopes, help=text, example=example, run=UNSUPPORTED, **rest)  # type: ignore[arg-type]


_PLACES: Final = (
    _show("organization:info", (), "Shows the Organization: account, region, domain, registry."),
    Own(
        name="organization:switch",
        scopes=(),
        help="Makes an Organization the one that new Projects are created in.",
        example="organization:switch acme",
        arguments=_name("Organization"),
        run="organizations:switch",
    ),
    _show("project", (), "Lists the Projects."),
    Own(
        name="project:create",
        scopes=(),
        help="Creates a Project, at once.",
        example="project:create myproject",
        arguments=_name("Project", Type.NEW_NAME),
        flags=(Flag("organization", "Organization that hosts it; without it: the only one."),),
        run="projects:create",
    ),
    _show("project:info", (), "Shows a Project.", named=Level.PROJECT),
    Own(
        name="project:destroy",
        scopes=(),
        help="Destroys a Project with all its Stages and all that is in them, for good.",
        example="project:destroy myproject --force",
        arguments=_name("Project", arity=Arity.OPTIONAL),
        flags=(_FORCE, _DETACH),
        named=Level.PROJECT,
        run="projects:destroy",
    ),
    _show("stage", OF_PROJECT, "Lists the Stages of a Project."),
    Own(
        name="stage:create",
        scopes=OF_PROJECT,
        help="Creates a Stage, at once.",
        example="--project myproject stage:create production",
        arguments=_name("Stage", Type.NEW_NAME),
        flags=(Flag("log-retention", "Days that logs are kept; without it 14.", Type.INTEGER),),
        run="stages:create",
    ),
    _show("stage:info", OF_PROJECT, "Shows a Stage.", named=Level.STAGE),
    Own(
        name="stage:destroy",
        scopes=OF_PROJECT,
        help="Destroys a Stage with all its Apps and Services, for good.",
        example="--project myproject stage:destroy staging --force",
        arguments=_name("Stage", arity=Arity.OPTIONAL),
        flags=(_FORCE, _DETACH),
        named=Level.STAGE,
        run="stages:destroy",
    ),
    Own(
        name="stage:dump",
        scopes=OF_STAGE,
        help="Writes the Stage's definition as a file (*.setops.yaml) to standard output.",
        example="stage:dump > production.setops.yaml",
        run="definitions:dump",
    ),
    Own(
        name="stage:apply",
        scopes=(),
        help="Makes the Stage what a definition file says, or moves images: shows the plan, asks, "
        "commits.",
        example="stage:apply --file production.setops.yaml",
        flags=(
            Flag("file", "The definition file; - for standard input.", short="f"),
            Flag("tag", "Image tags to move: APP=TAG,…", short="t", many=True),
            Flag("secrets", "File with NAME=VALUE lines for {{ .Secrets.NAME }}; else the "
                 "environment."),
            _APPROVE,
            _DETACH,
            _MESSAGE,
        ),
        run="definitions:apply",
    ),
    Own(
        name="stage:schema",
        scopes=(),
        help="Writes the JSON Schema of definition files, for editors.",
        example="stage:schema > setops.schema.json",
        run="definitions:schema",
    ),
)  # fmt: skip

_PARTS: Final = (
    _show("app", OF_STAGE, "Lists the Apps.", watch=True),
    _show(
        "app:info",
        OF_STAGE,
        "Shows an App: its settings, what runs of it, and what is not ready for production.",
        named=Level.APP,
        type_=Type.APP,
        watch=True,
    ),
    _show(
        "app:ps",
        OF_STAGE,
        "Lists the containers of an App.",
        named=Level.APP,
        type_=Type.APP,
        watch=True,
    ),
    _show("container", OF_APP, "Shows how an App's image is started."),
    _show("network", OF_APP, "Shows where an App listens and who may reach it."),
    _show("resource", OF_APP, "Shows what an App's containers get, and how many run."),
    _show("env", OF_APP, "Lists the variables of an App."),
    _show("domain", OF_APP, "Lists the domains of an App."),
    _show("link", OF_APP, "Lists the Services that an App links."),
    _show("release", OF_APP, "Lists the releases of an App."),
    _show("service", OF_STAGE, "Lists the Services.", watch=True),
    _show(
        "service:info",
        OF_STAGE,
        "Shows a Service.",
        named=Level.SERVICE,
        type_=Type.SERVICE,
        watch=True,
    ),
    _show("option", OF_SERVICE, "Lists the options of a Service."),
    _show("notification", OF_STAGE, "Lists the Notifications."),
    Own(
        name="why",
        scopes=OF_STAGE,
        help="Finds the first thing that blocks the Stage, an App or a Service, and says what to "
        "do.",
        example="why app web",
        arguments=(
            Argument(
                "WHAT",
                "app or service, and its name; without: the whole Stage.",
                arity=Arity.ANY,
            ),
        ),
        flags=(OUTPUT,),
        reads=True,
        run="why:why",
    ),
)

_CHANGESETS: Final = (
    Own(
        name="changeset",
        scopes=OF_STAGE,
        help="Lists the Changesets of the Stage that are open or run, of all users.",
        example="changeset",
        flags=(OUTPUT,),
        reads=True,
        run="history:index",
    ),
    Own(
        name="changeset:info",
        scopes=OF_STAGE,
        help="Shows your Changeset: its commands, its plan and its errors.",
        example="changeset:info",
        flags=(OUTPUT,),
        reads=True,
        run="inspect:info",
    ),
    Own(
        name="changeset:commit",
        scopes=OF_STAGE,
        help="Carries your Changeset out, as a whole or not at all: shows the plan, asks on a "
        "terminal, and waits for the end.",
        example="changeset:commit --message 'More memory for the reports'",
        flags=(
            _APPROVE,
            _DETACH,
            Flag("no-wait", "Fails if another commit runs on the Stage.", Type.SWITCH),
            _MESSAGE,
            Flag(
                "timeout",
                "Seconds until the commit is given up and rolled back.",
                Type.INTEGER,
            ),
        ),
        run="commit:commit",
    ),
    Own(
        name="changeset:discard",
        scopes=OF_STAGE,
        help="Throws your Changeset away; cancels it while its commit runs.",
        example="changeset:discard",
        run="commit:discard",
    ),
    Own(
        name="changeset:undo",
        scopes=OF_STAGE,
        help="Drops the last N staged commands.",
        example="changeset:undo 2",
        arguments=(
            Argument("N", "How many; without it: one.", Type.INTEGER, arity=Arity.OPTIONAL),
        ),
        run="undo:undo",
    ),
    Own(
        name="changeset:retry",
        scopes=OF_STAGE,
        help="Stages again what your last Changeset had in it, when its commit has failed.",
        example="changeset:retry",
        run="retry:retry",
    ),
    Own(
        name="changeset:list",
        scopes=OF_STAGE,
        help="Lists the Stage's revisions: who made them, when and why.",
        example="changeset:list",
        flags=(OUTPUT,),
        reads=True,
        run="history:revisions",
    ),
    Own(
        name="changeset:log",
        scopes=OF_STAGE,
        help="Tells the Stage's revisions with what each has changed, the newest first.",
        example="changeset:log -n 5",
        flags=(Flag("number", "How many; without it 10.", Type.INTEGER, short="n"),),
        run="history:log",
    ),
    Own(
        name="changeset:diff",
        scopes=OF_STAGE,
        help="Shows what differs between two revisions, or between one and the Stage as it is.",
        example="changeset:diff 3 5",
        arguments=(
            Argument("A", "A revision.", Type.INTEGER),
            Argument("B", "Another; without it: as it is now.", Type.INTEGER,
                     arity=Arity.OPTIONAL),
        ),
        run="history:difference",
    ),
    Own(
        name="changeset:revert",
        scopes=OF_STAGE,
        help="Drafts the Changeset that leads back to a revision; commit it to go there.",
        example="changeset:revert 3",
        arguments=(Argument("REVISION", "The revision to go back to.", Type.INTEGER),),
        run="revert:revert",
    ),
)  # fmt: skip

_CMD: Final = Argument("CMD", "Command and arguments.", arity=Arity.ANY)
_ID: Final = Argument("ID", "Its id.")
_LATER: Final = (
    _later(
        "domain:validate",
        OF_APP,
        "Checks the DNS records of a domain.",
        "--app web domain:validate www.example.com",
        arguments=(Argument("NAME", "The host name.", Type.DOMAIN),),
    ),
    _later("task", OF_APP, "Lists the running Tasks of an App.", "--app web task"),
    _later(
        "task:run",
        OF_APP,
        "Starts a container of the App for one command.",
        "--app web task:run -- rake db:migrate",
        arguments=(_CMD,),
        flags=(
            Flag("release", "Release to run; without it the active one.", Type.RELEASE),
            Flag("cpu", "CPU units.", Type.INTEGER),
            Flag("memory", "Memory in MB.", Type.INTEGER),
            Flag("entrypoint", "Program in place of the image's own."),
            Flag("detached", "Doesn't wait for the end.", Type.SWITCH),
            Flag("detach-timeout", "How long it may run detached, such as 10m."),
            Flag("interactive", "Connects the terminal.", Type.SWITCH),
        ),
    ),
    _later(
        "task:attach",
        OF_APP,
        "Runs a command in a running Task.",
        "--app web task:attach 3f9a -- sh",
        arguments=(_ID, _CMD),
    ),
    _later("task:stop", OF_APP, "Stops a Task.", "--app web task:stop 3f9a", arguments=(_ID,)),
    _later(
        "log",
        OF_APP,
        "Shows the log of an App.",
        "--app web log -n 100 --follow",
        flags=(
            Flag("number", "Lines, 1 to 9999; without it 250.", Type.INTEGER, short="n"),
            Flag("follow", "Goes on with new lines.", Type.SWITCH, short="f"),
            Flag("after", "Only what came after this time, RFC 3339 or a part of it."),
            Flag("before", "Only what came before this time."),
            Flag("task", "Only of this Task."),
            Flag("no-source", "Leaves out where a line comes from.", Type.SWITCH),
            Flag("all-health-checks", "Also successful health checks.", Type.SWITCH),
        ),
    ),
    _later("backup", OF_SERVICE, "Lists the backups of a Service.", "--service store backup"),
    _later("backup:create", OF_SERVICE, "Makes a backup.", "--service store backup:create"),
    *(
        _later(
            f"backup:{verb}",
            OF_SERVICE,
            help_,
            f"--service store backup:{verb} 3f9a",
            arguments=(_ID,),
        )
        for verb, help_ in (
            ("info", "Shows a backup."),
            ("destroy", "Destroys a backup."),
            ("download", "Downloads a backup."),
            ("restore", "Restores a backup on top of what is there."),
        )
    ),
    _later(
        "backup:upload",
        OF_SERVICE,
        "Uploads a file as a backup.",
        "--service store backup:upload store.tar.gz",
        arguments=(Argument("FILE", "The file."),),
    ),
    _later(
        "backup:schedule",
        OF_SERVICE,
        "Makes backups at these hours.",
        "--service store backup:schedule --hour 3",
        flags=(
            Flag("hour", "Hour of the day in UTC.", Type.INTEGER, required=True, many=True),
            Flag("weekday", "Day of the week; without it every day.", many=True),
        ),
    ),
    _later(
        "backup:unschedule", OF_SERVICE, "Ends the schedule.", "--service store backup:unschedule"
    ),
    _later("user", OF_PROJECT, "Lists the users of a Project or Stage.", "--project shop user"),
    _later(
        "user:invite",
        OF_PROJECT,
        "Gives a user a role on a Project or, with --stage, on a Stage.",
        "--project shop user:invite dev@example.com --role member",
        arguments=(Argument("EMAIL", "The user."),),
        flags=(
            Flag(
                "role",
                "What the user may do.",
                choices=(Choice("member", "Uses it."), Choice("admin", "Manages it.")),
            ),
        ),
    ),
    _later(
        "user:remove",
        OF_PROJECT,
        "Takes a user's role away.",
        "--project shop user:remove dev@example.com",
        arguments=(Argument("EMAIL", "The user."),),
    ),
)

_SELF: Final = (
    Own(
        name="use",
        scopes=(),
        help="Makes the Project and Stage given by -p and -s the default in this directory and "
        "those below; without them shows the default.",
        example="use -p myproject -s production",
        flags=(Flag("unset", "Takes the default away.", Type.SWITCH),),
        run="use:use",
    ),
    Own(
        name="login",
        scopes=(),
        help="Chooses the cluster: a context of your kubeconfig, or a cluster of EKS.",
        example="login production",
        arguments=(
            Argument("CONTEXT", "The context; without it they are listed.",
                     arity=Arity.OPTIONAL),
        ),
        flags=(
            Flag("eks", "Name of an EKS cluster to import with the aws program."),
            Flag("region", "Its region; without it the one that aws is configured for."),
            Flag("profile", "The profile of aws to use."),
        ),
        run="login:login",
    ),
    Own(
        name="login:info",
        scopes=(),
        help="Shows which cluster you use, and who you are there.",
        example="login:info",
        flags=(OUTPUT,),
        reads=True,
        run="login:info",
    ),
    Own(
        name="logout",
        scopes=(),
        help="Forgets the cluster that login chose.",
        example="logout",
        run="login:logout",
    ),
    Own(
        name="completion",
        scopes=(),
        help="Writes the completion script of a shell.",
        example="completion bash > ~/.local/share/bash-completion/completions/setops",
        arguments=(
            Argument(
                "SHELL",
                "The shell.",
                choices=(Choice("bash"), Choice("zsh"), Choice("fish")),
            ),
        ),
        run="completion.scripts:script",
    ),
    Own(
        name="version",
        scopes=(),
        help="Shows the versions of the client, the operator and the API.",
        example="version",
        flags=(OUTPUT,),
        reads=True,
        run="version:version",
    ),
    Own(
        name="help",
        scopes=(),
        help="Explains a command, or lists all.",
        example="help resource:set",
        arguments=(Argument("COMMAND", "The command.", arity=Arity.ANY),),
        run="help:explain",
    ),
)  # fmt: skip

OWN: Final = (*_PLACES, *_PARTS, *_CHANGESETS, *_LATER, *_SELF)
