"""A Service as the sum of its parts: how it is observed, created, updated, released and deleted.

This is the same for every product. What isn't ours is never changed and never deleted. Methods are
called in threads and can be killed between any two API calls, so each starts from what exists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from setops.api.errors import Code
from setops.api.service_type import DeletionPolicy
from setops.aws.clients import AccountClients
from setops.aws.errors import ConflictError, StalledError, WaitError
from setops.aws.look import Look, glance_at, look_at, look_at_made
from setops.aws.observation import (
    Activity,
    Difference,
    Found,
    Inventory,
    Observation,
    PartStatus,
    Presence,
)
from setops.aws.ownership import Ownership
from setops.aws.part import Guard, Issuer, Part
from setops.aws.product import Assembly, Product
from setops.aws.target import Target

_GONE: Final = (
    "was deleted, and not by this operator: restore it under this name, or destroy the Service and "
    "create it anew, empty"
)


@dataclass(frozen=True, slots=True)
class Composite:
    """One Service at AWS, whether it exists or not."""

    product: Product
    clients: AccountClients
    target: Target

    def observe(self, inventory: Inventory) -> Observation:
        """What exists, given an inventory of the account. Reads only."""
        assembly, main = self._assemble(inventory)
        if main.ours is None:
            return self._without_main(assembly, main, inventory)
        status = assembly.main.status(main.ours)
        # While AWS works on the main part, nothing is done to the others, so they aren't read.
        if not status.activity.is_calm:
            return self._present(assembly, (replace(main, examined=True),), status, inventory)
        others = (
            glance_at(part, inventory)
            if part.key not in assembly.retired
            # Of these only their existence counts.
            else replace(look_at(part, inventory), examined=True)
            for part in assembly.parts
            if part.key != main.part.key and part.key not in assembly.retired & assembly.held
        )
        return self._present(assembly, (main, *others), status, inventory)

    def create(self) -> None:
        """Create what is missing, tagged in the create call, and correct what exists.

        Uses no inventory: what AWS doesn't show now is created. Raises ConflictError, before
        anything is created, if a part is somebody else's. Raises StalledError if the Organization
        lacks the network that the product needs.
        """
        self._check_placement()
        assembly, main = self._assemble({})
        for _ in self._make(assembly, {assembly.main.key: main}, paths=None):
            pass

    def update(self, observation: Observation, accepted: set[str]) -> None:
        """Correct the differences of the observation that are fixable.

        Adds the path of each to `accepted` as soon as AWS has accepted it. Raises as `create` does.
        """
        self._check_placement()
        assembly, main = self._assemble({}, observation.seen)
        paths = frozenset(each.path for each in observation.differences if each.fixable)
        if main.ours is None:
            return  # the next observation shows why
        known = {
            part.key: Look(part, observation.seen[part.key], Ownership.OURS, examined=True)
            for part in assembly.parts
            if part.key in observation.seen
        }
        accepted.update(self._make(assembly, {**known, main.part.key: main}, paths))
        for part in assembly.parts:
            if part.key in assembly.surplus and _surplus(part) in paths:
                found = look_at(part, {}).ours
                if found is not None:
                    part.delete(found)
                    accepted.add(_surplus(part))

    def relinquish(self) -> None:
        """Take away access and keep the data: the deletion under policy Retain.

        Without a main part of ours there is no data to keep, so all other parts of ours are
        deleted.
        """
        assembly, main = self._assemble({})
        others = [part for part in assembly.parts if part.key != main.part.key]
        if main.ours is None:
            _delete(others, {})
            return
        for look in (main, *(look_at(part, {}) for part in others if isinstance(part, Guard))):
            found = look.details
            if found is None or not isinstance(look.part, Guard):
                continue
            if not look.part.is_revoked(found):
                look.part.revoke(found)

    def delete(self) -> Collection[str]:
        """Delete all parts, as far as AWS gets at once. A missing part counts as deleted.

        Returns the key of a part of which more is to be deleted at once. Raises StalledError for a
        deletion policy that keeps the data.
        """
        policy, known = self.target.deletion_policy, self.product.policies
        if policy is DeletionPolicy.RETAIN or policy not in known:
            copy = ", or Snapshot to keep a last copy" if DeletionPolicy.SNAPSHOT in known else ""
            raise StalledError(
                f"deletionPolicy {policy} does not delete {self.product.noun}; "
                f"set Delete to lose the data{copy}",
                code=Code.VALIDATION_FAILED,
            )
        assembly, main = self._assemble({})
        return _delete(assembly.parts, {main.part.key: main})

    def issue_credentials(self) -> Mapping[str, str]:
        """Credentials for the Secret, to be stored at once: those that it holds, else new ones.

        Raises WaitError if the part that they are for is no longer this Service's.
        """
        if self.product.required_credentials:
            return self.product.generate_credentials(self.target.credentials)
        assembly = self.product.assemble(self.clients, self.target, None)
        for part in assembly.parts:
            if isinstance(part, Issuer):
                if look_at(part, {}).ours is None:
                    message = f"{part.message} is not this Service's; it is looked at again"
                    raise WaitError(message, code="NotOurs")
                return part.issue(self.target.credentials)
        return {}

    def _assemble(
        self, inventory: Inventory, seen: Mapping[str, Found] | None = None
    ) -> tuple[Assembly, Look]:
        """The parts, and the look at the main one, on which they depend."""
        assembly = self.product.assemble(self.clients, self.target, None)
        main = assembly.main
        if seen and main.key in seen:
            look = Look(main, seen[main.key], Ownership.OURS, examined=True)
        else:
            look = look_at(main, inventory)
        if look.ours is not None:
            assembly = self.product.assemble(self.clients, self.target, look.ours)
        return assembly, replace(look, part=assembly.main)

    def _check_placement(self) -> None:
        missing = self.target.placement.missing
        if self.product.in_network and missing:
            raise StalledError(
                f"Organization {self.target.identity.organization!r} doesn't say where its "
                f"databases live: set {', '.join(missing)} of it",
                code=Code.VALIDATION_FAILED,
            )

    def _present(
        self,
        assembly: Assembly,
        looks: tuple[Look, ...],
        status: PartStatus,
        inventory: Inventory,
    ) -> Observation:
        """The observation if there is a main part of ours, the first of `looks`.

        `looks` lacks the parts that weren't read.
        """
        details = {look.part.key: look.details for look in looks}
        seen = {key: found for key, found in details.items() if found is not None}
        wanted = [look for look in looks if look.part.key not in assembly.retired]
        whole = all(look.part.auxiliary or look.part.key in seen for look in wanted)
        presence = Presence.PRESENT if whole else Presence.PARTIAL
        parts = [look.part for look in wanted if look.part.key in seen]
        guards = [part for part in parts if isinstance(part, Guard)]
        held = self.target.credentials
        differences = _differences(looks, seen, assembly)
        return Observation(
            presence=presence,
            main=replace(status, state=status.state or presence.value),
            conflicts=_conflicts(wanted),
            differences=tuple(differences) if status.activity.is_calm else (),
            credentials_valid=whole and all(each.accepts(seen[each.key], held) for each in guards),
            released=all(each.is_revoked(seen[each.key]) for each in guards),
            ids={part.key: part.id for part in assembly.parts},
            # What an inventory has may be too old to act on.
            seen={
                look.part.key: seen[look.part.key]
                for look in looks
                if look.part.key in seen and look.part.kind not in inventory
            },
        )

    def _without_main(self, assembly: Assembly, main: Look, inventory: Inventory) -> Observation:
        """The observation if there is no main part of ours: what else exists."""
        others = [look_at(part, inventory) for part in assembly.parts if part.key != main.part.key]
        wanted = [each for each in others if each.part.key not in assembly.retired]
        conflicts = _conflicts((main, *wanted))
        is_partial = any(each.ours is not None for each in others)
        presence = Presence.PARTIAL if is_partial else Presence.ABSENT
        status = PartStatus(state=presence.value)
        if self.target.was_ready and not conflicts and not self.product.replaces_lost:
            remedy = f"{main.part.message} {_GONE}"
            status = PartStatus(activity=Activity.FAILED, state="gone", remedy=remedy)
        held = self.target.credentials
        return Observation(
            presence=presence,
            main=status,
            conflicts=conflicts,
            lacks_credentials=not all(map(held.get, self.product.required_credentials)),
            released=not is_partial,
            ids=self.product.ids(self.target),
        )

    def _make(
        self, assembly: Assembly, known: Mapping[str, Look], paths: frozenset[str] | None
    ) -> Iterator[str]:
        """Create what is missing, and set the fields of these paths; None: all that differ.

        Parts that aren't `known` are looked at now. Yields the paths that AWS has accepted.
        """
        looks = [known.get(part.key) or look_at(part, {}) for part in assembly.wanted]
        foreign = _conflicts(looks)
        if foreign:
            raise ConflictError(", ".join(foreign))
        ids: dict[str, str] = {}
        for look in looks:
            part = look.part
            if look.ours is not None:
                ids[part.key] = part.reference(look.ours)
                yield from _put(look, ids, paths)
                continue
            made = part.create(ids)
            if made is not None:
                ids[part.key] = part.reference(made)
                yield part.kind
                continue
            found = look_at_made(part)
            ids[part.key] = part.reference(found.ours or {})
            yield from _put(found, ids, None)


def _put(look: Look, ids: Mapping[str, str], paths: frozenset[str] | None) -> Iterator[str]:
    """Set the fields of these paths; None: those that differ, unless AWS is working on the part.

    Yields the paths that AWS has accepted.
    """
    part = look.part
    if paths is not None and not any(path.startswith(f"{part.kind}.") for path in paths):
        return
    if paths is None and part.status(look.ours or {}).activity is not Activity.STEADY:
        return
    details = look.details
    if details is None:
        return  # the next observation shows that it is gone
    fields = [
        each
        for each in part.fields(details, ids)
        if each.fixable and (each.difference() if paths is None else each.path in paths)
    ]
    if fields:
        yield from part.put(details, fields)


def _differences(
    looks: Sequence[Look], seen: Mapping[str, Found], assembly: Assembly
) -> Iterator[Difference]:
    """What isn't as wanted, in the order of the looks."""
    retired = assembly.retired
    ids = {
        look.part.key: look.part.reference(seen[look.part.key])
        for look in looks
        if look.part.key in seen and look.part.key not in retired
    }
    for look in looks:
        part = look.part
        if part.key in retired:
            if part.key in seen and part.key in assembly.surplus:
                yield Difference(_surplus(part), "none", part.id)
        elif part.key in seen:
            found = (each.difference() for each in part.fields(seen[part.key], ids))
            yield from filter(None, found)
        elif part.auxiliary and look.found is None:
            yield Difference(part.kind, part.id, "none")


def _surplus(part: Part) -> str:
    """The path of the difference "a retired part still exists"."""
    return f"{part.kind}.surplus"


def _conflicts(looks: Iterable[Look]) -> tuple[str, ...]:
    return tuple(each.part.message for each in looks if each.ownership is Ownership.FOREIGN)


def _delete(parts: Sequence[Part], known: Mapping[str, Look]) -> Collection[str]:
    """Delete what is ours in reverse order, up to the first part that isn't gone at once.

    Returns the key of that part, unless AWS deletes it in its own time.
    """
    for part in reversed(parts):
        found = (known.get(part.key) or look_at(part, {})).ours
        if found is None:
            continue
        status = part.status(found)
        if status.activity is Activity.DELETING or not part.delete(found):
            return () if status.lasts else (part.key,)
    return ()
