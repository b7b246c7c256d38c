"""A definition that names no image for an App: what runs stays, and the plan says so."""

from __future__ import annotations

from typing import Any, Final

import pytest

from setops.api.changeset import ChangesetSpec
from setops.api.definition import StageDefinition
from setops.changes.diff import diff
from setops.changes.digest import content_hash
from setops.changes.fold import fold
from setops.changes.merge import merge
from setops.changes.notes import MAX_NOTES, notes_of
from setops.changes.plan import Source, plan_of, plan_text
from tests.unit.changes.definitions import CONTEXT, DIGEST, stage

Object = dict[str, Any]

ONE: Final = {"image": "nginx:1"}
TWO: Final = {"image": "nginx:2"}
PLAIN: Final[Object] = {"image": "nginx:1"}
BY_DIGEST: Final[Object] = {"image": f"r.example.com/web@{DIGEST}"}
RELEASED: Final[Object] = {"releases": {"1": ONE, "2": TWO}, "activeRelease": 2}
WAITING: Final[Object] = {"releases": {"1": ONE}}
ENV: Final[Object] = {"env": {"A": {"value": "1"}}}


def keeping(**apps: Any) -> ChangesetSpec:
    """What `stage:apply` makes of a file with these Apps."""
    return ChangesetSpec(definition={"apps": apps}, prune=True, keep_images=True)


def web(base: StageDefinition, spec: ChangesetSpec) -> Object:
    """The App after the Changeset, without what is at its default."""
    folded = fold(base, spec, CONTEXT)
    assert folded.problems == ()
    found = folded.definition.apps["web"].to_json()
    return {key: found[key] for key in found if key not in ("network", "resources")}


CASES: Final[list[tuple[str, Object | None, Object, Object]]] = [
    ("a plain image stays", PLAIN, {}, PLAIN),
    ("so does one by its digest", BY_DIGEST, {}, BY_DIGEST),
    ("so does the active release, with the others", RELEASED, {}, RELEASED),
    ("so do releases of which none is active", WAITING, {}, WAITING),
    ("the rest is what the file says", {**PLAIN, **ENV}, {}, PLAIN),
    ("and is changed as it says", PLAIN, ENV, {**PLAIN, **ENV}),
    ("also beside a release", RELEASED, ENV, {**RELEASED, **ENV}),
    ("where nothing runs, nothing is started", {}, ENV, ENV),
    ("a new App runs nothing", None, ENV, ENV),
    ("an image that is named counts", PLAIN, TWO, TWO),
    ("also in place of a release", RELEASED, TWO, TWO),
    ("a release that is named counts", PLAIN, RELEASED, RELEASED),
    ("as does another one", RELEASED, {**RELEASED, "activeRelease": 1},
     {**RELEASED, "activeRelease": 1}),
    ("releases alone don't stop a plain image", PLAIN, WAITING, {**PLAIN, **WAITING}),
    ("nor the active release, which is kept beside them", RELEASED, WAITING, RELEASED),
    ("nor do releases that lack it", RELEASED, {"releases": {"7": ONE}},
     {"releases": {"2": TWO, "7": ONE}, "activeRelease": 2}),
    ("a number runs the image that it ran", RELEASED, {"releases": {"2": ONE}},
     {"releases": {"2": TWO}, "activeRelease": 2}),
    ("an empty map is as none", RELEASED, {"releases": {}}, RELEASED),
    ("and for a plain image", PLAIN, {"releases": {}}, PLAIN),
    ("scale 0 stops it", PLAIN, {"resources": {"scale": 0}}, PLAIN),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "entry", "after"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_what_runs_is_kept(before: Object | None, entry: Object, after: Object) -> None:
    base = stage(apps={"web": before} if before is not None else {})
    spec = keeping(web=entry)
    assert web(base, spec) == after
    assert spec.definition == {"apps": {"web": entry}}, "inputs are never mutated"


@pytest.mark.parametrize(
    ("before", "entry", "said"),
    [
        (PLAIN, {}, "nginx:1"),
        (RELEASED, ENV, "release 2 (nginx:2)"),
        (RELEASED, WAITING, "release 2 (nginx:2)"),
        (RELEASED, TWO, None),
        (PLAIN, PLAIN, None),
        ({}, ENV, None),
        (WAITING, ENV, None),
        (None, ENV, None),
    ],
)
def test_the_plan_says_what_is_kept(before: Object | None, entry: Object, said: str | None) -> None:
    base, spec = stage(apps={"web": before} if before is not None else {}), keeping(web=entry)
    after = fold(base, spec, CONTEXT).definition
    text = plan_text(
        plan_of(
            diff(base, after), Source(1, "content", "target", notes=notes_of(spec, base, after))
        )
    )
    line = f"= App web keeps {said}, since the definition names no image for it"
    assert (line in text.splitlines()) is (said is not None)
    assert ("keeps" in text) is (said is not None)


def test_who_activates_a_release_meanwhile_is_not_undone() -> None:
    """The file was applied over release 1; release 2 came before its commit."""
    base = stage(apps={"web": {**RELEASED, "activeRelease": 1}})
    now = stage(apps={"web": RELEASED})
    spec = keeping(web=ENV)
    merged = merge(base, fold(base, spec, CONTEXT).definition, now)
    assert merged.conflicts == ()
    assert merged.definition.apps["web"].active_release == 2
    assert notes_of(spec, now, merged.definition) == [
        "App web keeps release 2 (nginx:2), since the definition names no image for it"
    ]


def test_prune_alone_is_the_whole_definition() -> None:
    """A revert to a revision in which nothing ran must lead there."""
    base, spec = (
        stage(apps={"web": PLAIN}),
        ChangesetSpec(definition={"apps": {"web": {}}}, prune=True),
    )
    assert web(base, spec) == {}
    assert notes_of(spec, base, base) == []
    other = spec.model_copy(update={"keep_images": True})
    assert content_hash(spec) != content_hash(other)


def test_an_image_that_a_command_beside_the_definition_names_is_not_kept() -> None:
    base = stage(apps={"web": {**RELEASED, "activeRelease": 1}})
    spec = keeping(web={}, neu={}).model_copy(
        update={
            "commands": [
                "--app web release:activate 2",
                "--app neu release:create nginx:5",
                "--app neu release:activate 1",
            ]
        }
    )
    folded = fold(base, spec, CONTEXT)
    assert not folded.problems
    assert notes_of(spec, base, folded.definition) == []


def test_the_plan_says_that_a_number_keeps_the_image_that_it_ran() -> None:
    base = stage(apps={"web": {**RELEASED, "activeRelease": 1}})
    spec = keeping(web={"releases": {"1": {"image": "other:9"}}})
    after = fold(base, spec, CONTEXT).definition
    assert notes_of(spec, base, after) == [
        f"App web keeps release 1 ({base.apps['web'].running_image}), "
        "although the definition names other:9 for release 1"
    ]


def test_many_are_counted() -> None:
    apps = {f"app-{number:02}": PLAIN for number in range(MAX_NOTES + 3)}
    base = stage(apps=apps)
    found = notes_of(keeping(**{key: {} for key in apps}), base, base)
    assert len(found) == MAX_NOTES + 1
    assert found[-1] == "3 more Apps keep what they run"


@pytest.mark.parametrize("definition", [{"apps": []}, {"apps": {"web": 1}}, {"apps": None}, {}])
def test_what_is_no_definition_is_refused_as_ever(definition: Object) -> None:
    base = stage(apps={"web": PLAIN})
    spec = ChangesetSpec(definition=definition, prune=True, keep_images=True)
    plain = spec.model_copy(update={"keep_images": False})
    assert fold(base, spec, CONTEXT).problems == fold(base, plain, CONTEXT).problems
    assert notes_of(spec, base, base) == []
