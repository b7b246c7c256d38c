"""What a command works with: the cluster, the user, and the Stage that the line is about.

Everything is looked up on first use: help needs no cluster, and `project` no Stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from setops.api.errors import Code, Problem, ProblemsError, Validator, nearest, quoted
from setops.api.kinds import APP, PROJECT, SELF_SUBJECT_REVIEW, SERVICE, STAGE, Kind, Object
from setops.api.names import namespace_beside
from setops.cli.base.declare import Own
from setops.cli.base.scope import VARIABLES, LineScope
from setops.language.command import INNER, Level

if TYPE_CHECKING:
    from setops.cli.base.api_server import ApiServer
    from setops.kube.access import ClusterAccess

_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class CurrentStage:
    """The Stage that a line is about: its names, its namespace, its Project's namespace (`home`),
    and the resource."""

    project: str
    stage: str
    namespace: str
    home: str
    resource: Object

    @property
    def revision(self) -> int:
        """The Stage's last revision."""
        return int((self.resource.get("status") or {}).get("revision") or 0)


class Session:
    """The cluster, user and scope of one line."""

    def __init__(self, scope: LineScope, context: str = "") -> None:
        self.scope = scope
        self._context = context
        self._cluster: ApiServer | None = None
        self._target: ClusterAccess | None = None
        self._user: str | None = None
        self._place: CurrentStage | None = None

    @property
    def cluster(self) -> ApiServer:
        """The API server."""
        if self._cluster is None:
            from setops.cli.base.api_server import ApiServer
            from setops.cli.base.connect import connect

            client, self._target = connect(self._context)
            self._cluster = ApiServer(client)
        return self._cluster

    @property
    def target(self) -> ClusterAccess:
        """The address of the API server, and the context it comes from."""
        if self._target is None:
            _ = self.cluster
        assert self._target is not None  # noqa: S101 - connecting has set it
        return self._target

    @property
    def user(self) -> str:
        """The user's name, as the API server knows it."""
        if self._user is None:
            self._user = str(self.review()["username"])
        return self._user

    def review(self) -> Object:
        """The API server's answer to who is asking: username and groups."""
        kind = SELF_SUBJECT_REVIEW
        asked = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {}}
        review: Object = self.cluster.create(asked)["status"]["userInfo"]
        return review

    def project(self) -> str:
        """The Project that the line is about. If it names none, the error lists what exists."""
        return self.scope.get(Level.PROJECT) or self._missing(Level.PROJECT, self._projects)

    def stage(self) -> str:
        """The Stage that the line is about. If it names none, the error lists what exists."""
        project = self.project()
        return self.scope.get(Level.STAGE) or self._missing(
            Level.STAGE, lambda: self._names(STAGE, self.home(project))
        )

    def app(self) -> str:
        """The App that the line is about."""
        return self.scope.get(Level.APP) or self._missing(
            Level.APP, lambda: self._names(APP, self.place().namespace)
        )

    def service(self) -> str:
        """The Service that the line is about."""
        return self.scope.get(Level.SERVICE) or self._missing(
            Level.SERVICE, lambda: self._names(SERVICE, self.place().namespace)
        )

    def require(self, level: Level) -> str:
        """The name on a level. Raises ProblemsError if the line has none."""
        ways: dict[Level, Callable[[], str]] = {
            Level.PROJECT: self.project,
            Level.STAGE: self.stage,
            Level.APP: self.app,
            Level.SERVICE: self.service,
        }
        return ways[level]() if level in ways else self._missing(level, list)

    def check_scope(self, declaration: Own) -> None:
        """Check that the line has the scope flags that the command needs, and no others."""
        problems = [
            Problem(
                f"--{level}",
                Validator.NOT_INCLUDED,
                f"{declaration.key} takes no --{level}, as in: setops {declaration.example}",
            )
            for level in INNER
            if self.scope.flag(level)
            and level not in declaration.scopes
            and level is not declaration.named
        ]
        if problems:
            raise ProblemsError(problems)
        for level in declaration.scopes:
            self.require(level)

    def place(self) -> CurrentStage:
        """The Stage that the line is about.

        Raises ProblemsError with ProjectDoesNotExist or StageDoesNotExist and what exists instead.
        """
        if self._place is None:
            self._place = self._find(self.project(), self.stage())
        return self._place

    def home(self, project: str) -> str:
        """The namespace of a Project."""
        resource = self.cluster.find(PROJECT, "", project)
        if resource is None:
            self._absent(Level.PROJECT, project, self._projects())
        return str((resource.get("status") or {}).get("namespace") or project)

    def narrowed(self, scope: LineScope) -> Session:
        """A session with another scope that shares the connection."""
        other = Session(scope, self._context)
        other._cluster, other._target, other._user = self.cluster, self._target, self._user
        return other

    def stage_named(self, name: str) -> CurrentStage:
        """The Stage of that name in the Project that the line is about."""
        levels = {Level.PROJECT: self.project(), Level.STAGE: name}
        return self.narrowed(LineScope({**self.scope.flags, **levels})).place()

    def to(self, context: str) -> Session:
        """A session with another cluster."""
        return Session(self.scope, context)

    def close(self) -> None:
        """Close the connection."""
        if self._cluster is not None:
            self._cluster.close()

    def _find(self, project: str, stage: str) -> CurrentStage:
        # Nearly always the namespace has the Project's name, which saves a request.
        home = project
        try:
            resource = self.cluster.find(STAGE, home, stage)
        except _forbidden():
            resource = None
        if resource is None:
            home = self.home(project)
            resource = self.cluster.find(STAGE, home, stage)
        if resource is None:
            self._absent(Level.STAGE, stage, self._names(STAGE, home))
        namespace = (resource.get("status") or {}).get("namespace") or namespace_beside(home, stage)
        return CurrentStage(project, stage, str(namespace), home, resource)

    def _projects(self) -> Sequence[str]:
        return self._names(PROJECT, "")

    def _names(self, kind: Kind, namespace: str) -> Sequence[str]:
        return [str(item["metadata"]["name"]) for item in self.cluster.list(kind, namespace)]

    def _missing(self, level: Level, known: Callable[[], Sequence[str]]) -> NoReturn:
        """Say which flag is missing and, if the cluster answers, what its value could be."""
        name = f"--{level} NAME"
        flags = {Level.PROJECT: " (-p)", Level.STAGE: " (-s)", Level.APP: " (-a)"}
        ways = f"; write {name}{flags.get(level, '')}"
        if level in VARIABLES:
            ways += f", set {VARIABLES[level]}, or choose a default with: setops use -p … -s …"
        try:
            there = _listed(known())
        except Exception:
            # The missing flag is the error to report, with or without a list of what exists.
            there = ""
        raise ProblemsError(
            [Problem(f"--{level}", Validator.REQUIRED, f"no {level} is named{ways}{there}")]
        )

    def _absent(self, level: Level, name: str, known: Sequence[str]) -> NoReturn:
        codes = {Level.PROJECT: Code.PROJECT_DOES_NOT_EXIST, Level.STAGE: Code.STAGE_DOES_NOT_EXIST}
        guess = nearest(name, known)
        hint = f"; did you mean {quoted(guess)}?" if guess else _listed(known)
        if not known:
            hint = f"; there are none yet, create one: setops {level}:create NAME"
        message = f"{level.value.capitalize()} {quoted(name)} doesn't exist{hint}"
        raise ProblemsError([Problem(f"--{level}", Validator.NOT_FOUND, message, codes[level])])


def _forbidden() -> type[Exception]:
    from setops.kube.errors import Forbidden

    return Forbidden


def _listed(names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"; there are: {', '.join(names[:_SHOWN])}{more}"
