"""The commands for the Changeset and the history."""

from __future__ import annotations

from typing import Final

from setops.cli.base.declare import APPROVE, DETACH, MESSAGE, OUTPUT, TIMEOUT, Own
from setops.language.command import OF_STAGE, Argument, Arity, Flag, Type

COMMANDS: Final = (
    Own(
        name="changeset",
        scopes=OF_STAGE,
        help="Lists the Changesets of the Stage that are open or run, of all users.",
        example="changeset",
        flags=(OUTPUT,),
        reads=True,
        run="changeset.index",
    ),
    Own(
        name="changeset:info",
        scopes=OF_STAGE,
        help="Shows your Changeset: its commands, its plan and its errors.",
        example="changeset:info",
        flags=(OUTPUT,),
        reads=True,
        run="changeset.info",
    ),
    Own(
        name="changeset:commit",
        scopes=OF_STAGE,
        help="Carries your Changeset out, as a whole or not at all: shows the plan, asks on a "
        "terminal, and waits for the end.",
        example="changeset:commit --message 'More memory for the reports'",
        flags=(
            APPROVE,
            DETACH,
            Flag("no-wait", "Fails if another commit runs on the Stage.", Type.SWITCH),
            MESSAGE,
            TIMEOUT,
        ),
        run="changeset.commit",
    ),
    Own(
        name="changeset:discard",
        scopes=OF_STAGE,
        help="Throws your Changeset away; cancels it while its commit runs.",
        example="changeset:discard",
        run="changeset.discard",
    ),
    Own(
        name="changeset:undo",
        scopes=OF_STAGE,
        help="Drops the last N staged commands.",
        example="changeset:undo 2",
        arguments=(
            Argument("N", "How many; without it: one.", Type.INTEGER, arity=Arity.OPTIONAL),
        ),
        run="changeset.undo",
    ),
    Own(
        name="changeset:retry",
        scopes=OF_STAGE,
        help="Stages again what your last Changeset had in it, when its commit has failed.",
        example="changeset:retry",
        run="changeset.retry",
    ),
    Own(
        name="changeset:list",
        scopes=OF_STAGE,
        help="Lists the Stage's revisions: who made them, when and why.",
        example="changeset:list",
        flags=(OUTPUT,),
        reads=True,
        run="changeset.list",
    ),
    Own(
        name="changeset:log",
        scopes=OF_STAGE,
        help="Tells the Stage's revisions with what each has changed, the newest first.",
        example="changeset:log -n 5",
        flags=(Flag("number", "How many; without it 10.", Type.INTEGER, short="n"),),
        run="changeset.log",
    ),
    Own(
        name="changeset:diff",
        scopes=OF_STAGE,
        help="Shows what differs between two revisions, or between one and the Stage as it is.",
        example="changeset:diff 3 5",
        arguments=(
            Argument("A", "A revision.", Type.REVISION),
            Argument(
                "B", "Another; without it: as it is now.", Type.REVISION, arity=Arity.OPTIONAL
            ),
        ),
        run="changeset.diff",
    ),
    Own(
        name="changeset:revert",
        scopes=OF_STAGE,
        help="Drafts the Changeset that leads back to a revision; commit it to go there.",
        example="changeset:revert 3",
        arguments=(Argument("REVISION", "The revision to go back to.", Type.REVISION),),
        run="changeset.revert",
    ),
)
