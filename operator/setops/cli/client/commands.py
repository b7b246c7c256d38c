"""The commands for the program itself: where it acts, who the user is, help."""

from __future__ import annotations

from typing import Final

from setops.cli.base.declare import OUTPUT, Own
from setops.language.command import Argument, Arity, Choice, Flag, Type

COMMANDS: Final = (
    Own(
        name="use",
        scopes=(),
        help="Makes the Project and Stage given by -p and -s the default in this directory and "
        "those below; without them shows the default.",
        example="use -p myproject -s production",
        flags=(
            Flag("unset", "Takes the default away.", Type.SWITCH),
            Flag(
                "trust",
                "Follows the default that counts here though somebody else may write its file.",
                Type.SWITCH,
            ),
        ),
        run="client.use",
    ),
    Own(
        name="login",
        scopes=(),
        help="Chooses the cluster: a context of your kubeconfig, or a cluster of EKS.",
        example="login production",
        arguments=(
            Argument(
                "CONTEXT",
                "The context; without it they are listed.",
                Type.CONTEXT,
                arity=Arity.OPTIONAL,
            ),
        ),
        flags=(
            Flag("eks", "Name of an EKS cluster to import with the aws program."),
            Flag("region", "Its region; without it the one that aws is configured for."),
            Flag("profile", "The profile of aws to use."),
        ),
        run="client.login",
    ),
    Own(
        name="login:info",
        scopes=(),
        help="Shows which cluster you use, and who you are there.",
        example="login:info",
        flags=(OUTPUT,),
        reads=True,
        run="client.login_info",
    ),
    Own(
        name="logout",
        scopes=(),
        help="Forgets the cluster that login chose.",
        example="logout",
        run="client.logout",
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
        run="shell.completion.scripts",
    ),
    Own(
        name="version",
        scopes=(),
        help="Shows the versions of the client, the operator and the API.",
        example="version",
        flags=(OUTPUT,),
        reads=True,
        run="client.version",
    ),
    Own(
        name="help",
        scopes=(),
        help="Explains a command, or lists all.",
        example="help resource:set",
        arguments=(Argument("COMMAND", "The command.", Type.COMMAND, arity=Arity.ANY),),
        run="shell.help",
    ),
)
