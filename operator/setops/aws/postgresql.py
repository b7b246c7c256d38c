"""The product `postgresql`: an RDS instance of its own, and what it needs in the network.

An instance, its subnet group and its security group have the same name; a parameter group has one
per major version, since AWS binds it to that. Credentials are ours: the password stands in the
Secret before anything is made, and a tag of the instance tells which one it has.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import quote

from setops.api.catalogue import TYPES, resolve_options
from setops.api.errors import Code
from setops.api.service_type import DeletionPolicy
from setops.aws import rds
from setops.aws.clients import AccountClients
from setops.aws.errors import QUOTA, ConflictError, StalledError
from setops.aws.ownership import Owner
from setops.aws.product import (
    Described,
    Difference,
    Observation,
    Phase,
    Presence,
    Survey,
)
from setops.aws.rds import Instance, Wanted
from setops.aws.rds_groups import ParameterGroup, SubnetGroup
from setops.aws.rds_versions import major_of, version_of
from setops.aws.security_group import SecurityGroup, by_vpc_and_name
from setops.aws.target import Target, resource_name

USERNAME: Final = "username"
PASSWORD: Final = "password"  # noqa: S105
DATABASE: Final = "database"

NAME_LIMIT: Final = 63
PORT: Final = 5432

_USER: Final = "app"
_DATABASE: Final = "app"
_PASSWORD_BYTES: Final = 24
_BACKUP_DAYS: Final = 7
"""Of automatic backups, where the Service names no number."""

_PARAMETERS: Final = {"rds.force_ssl": "1"}

_SIZE: Final = "choose another plan"
_NETWORK: Final = "put `network` of the Organization right"
_TERMINAL: Final[Mapping[str, str]] = {
    "AuthorizationNotFound": _NETWORK,
    "DBParameterGroupQuotaExceeded": QUOTA,
    "DBSnapshotAlreadyExists": "rename or delete that snapshot",
    "DBSubnetGroupDoesNotCoverEnoughAZs": _NETWORK,
    "DBSubnetGroupQuotaExceeded": QUOTA,
    "DBSubnetQuotaExceededFault": QUOTA,
    "DBUpgradeDependencyFailure": "put right what keeps the database from the new version",
    "InstanceQuotaExceeded": QUOTA,
    "InsufficientDBInstanceCapacity": f"{_SIZE}, or try later",
    "InvalidGroupId.Malformed": _NETWORK,
    "InvalidGroup.NotFound": _NETWORK,
    "InvalidSecurityGroupID.NotFound": _NETWORK,
    "InvalidSubnet": _NETWORK,
    "InvalidSubnetID.NotFound": _NETWORK,
    "InvalidVPCNetworkStateFault": _NETWORK,
    "InvalidVpcID.NotFound": _NETWORK,
    "KMSKeyNotAccessibleFault": "let the operator's identity use the account's RDS key",
    "RulesPerSecurityGroupLimitExceeded": QUOTA,
    "SecurityGroupLimitExceeded": QUOTA,
    "SnapshotQuotaExceeded": QUOTA,
    "StorageQuotaExceeded": QUOTA,
    "StorageTypeNotSupported": _SIZE,
}


class Postgresql:
    """The product `postgresql`."""

    @property
    def type(self) -> str:
        return "postgresql"

    @property
    def terminal_codes(self) -> Mapping[str, str]:
        return _TERMINAL

    def ids(self, target: Target) -> Mapping[str, str]:
        name = resource_name(target.identity, NAME_LIMIT)
        return {"instance": name, "subnetGroup": name, "securityGroup": name}

    def survey(self, clients: AccountClients) -> Survey:
        return {**rds.survey(clients.rds), "securityGroups": by_vpc_and_name(clients.ec2)}

    def observe(self, clients: AccountClients, target: Target, survey: Survey) -> Observation:
        parts = _Parts(clients, target)
        found = survey["instances"].get(parts.name)
        if found is None:
            return self._observe_rest(parts, survey)
        if parts.instance.owner(found) is Owner.FOREIGN:
            return self._observe_rest(parts, survey, conflicts=(parts.told,))
        return self._observe_instance(parts, found, survey)

    def create(self, clients: AccountClients, target: Target) -> None:
        """Raises ConflictError for a part that is somebody else's, StalledError for an
        Organization that doesn't say where its databases live."""
        parts = _Parts(clients, target)
        parts.check_network()
        found = parts.instance.find()
        if parts.instance.owner(found) is Owner.FOREIGN:
            raise ConflictError(parts.told)
        if found is not None:
            return
        group = parts.prepare()
        name = parts.name
        parts.instance.create(
            parts.wanted(),
            Engine="postgres",
            DBName=_DATABASE,
            MasterUsername=_USER,
            Port=PORT,
            DBSubnetGroupName=name,
            VpcSecurityGroupIds=[group["GroupId"]],
            PubliclyAccessible=False,
            StorageType="gp3",
            StorageEncrypted=True,
            CopyTagsToSnapshot=True,
            AutoMinorVersionUpgrade=True,
        )

    def update(self, clients: AccountClients, target: Target, observation: Observation) -> None:
        parts = _Parts(clients, target)
        parts.check_network()
        found = parts.instance.find()
        if found is None or parts.instance.owner(found) is not Owner.OURS:
            return  # the next observation tells
        paths = {each.path for each in observation.differences if each.fixable}
        major = _major(target, found)
        group = parts.prepare(major)
        parts.instance.modify(found, parts.wanted(major), paths, group["GroupId"])
        if rds.SURPLUS in paths:
            there = {each.name: each.find() for each in parts.parameter_groups()}
            for other in parts.surplus(major, found, there):
                other.delete()

    def release(self, clients: AccountClients, target: Target) -> None:
        """The instance gets a password that nobody knows; without one, the other parts go."""
        parts = _Parts(clients, target)
        found = parts.instance.find()
        if found is None:
            parts.delete_groups()
        elif parts.instance.owner(found) is Owner.OURS:
            parts.instance.lock_out(found, _new_password())

    def delete(self, clients: AccountClients, target: Target) -> None:
        """The instance first; what it needed goes once it is gone, in a later call.

        Raises StalledError for Retain, and where AWS takes no final snapshot.
        """
        if target.deletion_policy is DeletionPolicy.RETAIN:
            raise StalledError(
                "deletionPolicy Retain does not delete a database; set Snapshot, or Delete to "
                "lose the data",
                code=Code.VALIDATION_FAILED,
            )
        parts = _Parts(clients, target)
        found = parts.instance.find()
        if parts.instance.owner(found) is not Owner.OURS:
            parts.delete_groups()
        elif found is not None and rds.phase_of(found) is not Phase.DELETING:
            parts.instance.delete(found, _final_snapshot(target, found))

    def issue_credentials(self, clients: AccountClients, target: Target) -> Mapping[str, str]:  # noqa: ARG002 - AWS has no part in it
        password = target.credentials.get(PASSWORD) or _new_password()
        return {USERNAME: _USER, PASSWORD: password, DATABASE: _DATABASE}

    def connection(self, target: Target, observation: Observation) -> Mapping[str, str]:
        """`url` is `postgresql://user:pass@host:port/db`; source: the platform's Services.

        Without `url` and the rest while the instance has no address, or doesn't take the password
        yet: no App is to start with that. Raises KeyError for a Target without credentials.
        """
        password = target.credentials[PASSWORD]
        known = {USERNAME: _USER, PASSWORD: password, DATABASE: _DATABASE}
        host, _, port = observation.endpoint.rpartition(":")
        if not host or not observation.credentials_valid:
            return known
        url = f"postgresql://{_USER}:{quote(password, safe='')}@{host}:{port}/{_DATABASE}"
        return {**known, "url": url, "host": host, "port": port, "sslmode": "require"}

    def _observe_instance(self, parts: _Parts, found: Described, survey: Survey) -> Observation:
        phase, pending = rds.phase_of(found), ""
        major = _major(parts.target, found)
        wanted = parts.wanted(major)
        differences: tuple[Difference, ...] = ()
        if phase in (Phase.STEADY, Phase.OCCUPIED):
            if parts.instance.is_pending(found, wanted):
                phase, pending = Phase.BUSY, "a change is pending"
            own = parts.instance.differences(found, wanted)
            differences = (*own, *self._differences_around(parts, found, major, survey))
        password = parts.target.credentials.get(PASSWORD)
        endpoint = rds.endpoint_of(found)
        return Observation(
            presence=Presence.PRESENT,
            phase=phase,
            state=found["DBInstanceStatus"],
            pending=pending,
            version=version_of(found),
            remedy=rds.remedy_for(found),
            note="; ".join(_notes(found, wanted)),
            differences=differences,
            credentials_valid=bool(password) and parts.instance.has_password(found, password or ""),
            released=rds.tags_of(found).get(rds.TAG_CREDENTIALS) == rds.RELEASED,
            arn=found["DBInstanceArn"],
            endpoint=f"{endpoint[0]}:{endpoint[1]}" if endpoint else "",
            ids=self.ids(parts.target),
        )

    def _differences_around(
        self, parts: _Parts, found: Described, major: str, survey: Survey
    ) -> Iterator[Difference]:
        """What of the groups around an instance isn't as wanted."""
        group = survey["securityGroups"].get(parts.security_group.key)
        if group is None:
            yield Difference(rds.SECURITY_GROUP, parts.name, "none")
        else:
            yield from parts.security_group.differences(group)
            attached = rds.security_groups_of(found)
            if attached != {group["GroupId"]}:
                told = ", ".join(sorted(attached)) or "none"
                yield Difference(rds.SECURITY_GROUP, group["GroupId"], told)
        parameters = parts.parameter_group(major)
        if parameters.name in survey["parameterGroups"]:
            yield from parameters.differences(_PARAMETERS)
        for other in parts.surplus(major, found, survey["parameterGroups"]):
            yield Difference(rds.SURPLUS, "none", other.name)

    def _observe_rest(
        self, parts: _Parts, survey: Survey, conflicts: tuple[str, ...] = ()
    ) -> Observation:
        """What there is without an instance of ours."""
        owners = dict(parts.owners(survey))
        partial = Owner.OURS in owners.values()
        foreign = [told for told, owner in owners.items() if owner is Owner.FOREIGN]
        gone = parts.target.was_ready and not conflicts
        return Observation(
            presence=Presence.PARTIAL if partial else Presence.ABSENT,
            phase=Phase.FAILED if gone else Phase.STEADY,
            state="gone" if gone else "absent",
            remedy=(
                f"{parts.told} was deleted, and not by this operator: restore it under this name, "
                "or destroy the Service and create it anew, empty"
                if gone
                else ""
            ),
            conflicts=(*conflicts, *foreign),
            lacks_credentials=PASSWORD not in parts.target.credentials,
            released=not partial,
            ids=self.ids(parts.target),
        )


@dataclass(frozen=True)
class _Parts:
    """All that one Service has at AWS, whether it exists or not."""

    clients: AccountClients
    target: Target

    @property
    def told(self) -> str:
        return f"RDS instance {self.name}"

    @cached_property
    def name(self) -> str:
        return resource_name(self.target.identity, NAME_LIMIT)

    @property
    def instance(self) -> Instance:
        return Instance(self.clients.rds, self.name, self.target.identity)

    @property
    def subnet_group(self) -> SubnetGroup:
        return SubnetGroup(self.clients.rds, self.name, self.target.identity)

    @property
    def security_group(self) -> SecurityGroup:
        identity, network = self.target.identity, self.target.network
        return SecurityGroup(self.clients.ec2, self.name, PORT, network, identity)

    def parameter_group(self, major: str) -> ParameterGroup:
        name = _parameter_group_name(self.target, major)
        return ParameterGroup(self.clients.rds, name, f"postgres{major}", self.target.identity)

    def parameter_groups(self) -> Iterator[ParameterGroup]:
        """One for each version that it may have or have had."""
        for major in TYPES[self.target.type].versions:
            yield self.parameter_group(major)

    def wanted(self, major: str | None = None) -> Wanted:
        """What the instance should be, given the major version that it has or gets."""
        target = self.target
        kind = TYPES[target.type]
        plan = target.plan or (kind.plan.default if kind.plan else "")
        options = resolve_options(target.type, target.options)
        low = int(str(options["minStorage"]))
        high = int(str(options.get("maxStorage", low)))
        version = target.version.removesuffix(".x") if target.version else None
        days = target.backup_retention_days
        return Wanted(
            instance_class=plan.removesuffix(".ha"),
            multi_az=plan.endswith(".ha"),
            min_storage=low,
            max_storage=high if high > low else None,
            version=version if major else version or kind.default_version,
            backup_days=_BACKUP_DAYS if days is None else days,
            parameter_group=_parameter_group_name(target, major or _major(target)),
            password=target.credentials.get(PASSWORD),
            put_back=target.put_back,
        )

    def check_network(self) -> None:
        network = self.target.network
        missing = [
            name
            for name, there in (
                ("vpcId", network.vpc_id),
                ("privateSubnetIds", network.subnet_ids),
                ("securityGroupIds", network.security_group_ids),
            )
            if not there
        ]
        if missing:
            fields = ", ".join(f"network.{name}" for name in missing)
            raise StalledError(
                f"Organization {self.target.identity.organization!r} doesn't say where its "
                f"databases live: set {fields} of it",
                code=Code.VALIDATION_FAILED,
            )

    def prepare(self, major: str | None = None) -> Described:
        """Makes what an instance needs, where it is missing, and puts it right; its security group.

        Raises ConflictError for what is somebody else's.
        """
        subnets = self.subnet_group
        found = subnets.find()
        self._own(f"DB subnet group {subnets.name}", subnets.owner(found))
        if found is None:
            subnets.create(self.target.network.subnet_ids)
        parameters = self.parameter_group(major or _major(self.target))
        found = parameters.find()
        self._own(f"DB parameter group {parameters.name}", parameters.owner(found))
        if found is None:
            parameters.create()
        parameters.put(_PARAMETERS)
        groups = self.security_group
        group = groups.find()
        if group is None:
            groups.create()
            group = groups.find()
        self._own(f"security group {groups.name}", groups.owner(group))
        if group is None:
            raise ConflictError(f"security group {groups.name}")
        groups.set_ingress(group)
        return group

    def surplus(
        self, major: str, found: Described, groups: Mapping[str, Described | None]
    ) -> Iterator[ParameterGroup]:
        """Our parameter groups of versions that the instance had, of those that there are."""
        needed = (self.parameter_group(major).name, rds.parameter_group_of(found))
        for other in self.parameter_groups():
            there = groups.get(other.name)
            if there and other.name not in needed and other.owner(there) is Owner.OURS:
                yield other

    def delete_groups(self) -> None:
        """Deletes what an instance needed, where it is ours."""
        subnets, groups = self.subnet_group, self.security_group
        for parameters in self.parameter_groups():
            if parameters.owner(parameters.find()) is Owner.OURS:
                parameters.delete()
        if subnets.owner(subnets.find()) is Owner.OURS:
            subnets.delete()
        group = groups.find()
        if group is not None and groups.owner(group) is Owner.OURS:
            groups.delete(group)

    def owners(self, survey: Survey) -> Iterator[tuple[str, Owner]]:
        """Whose the parts beside the instance are, of those that exist."""
        subnets, groups = self.subnet_group, self.security_group
        found = survey["subnetGroups"].get(subnets.name)
        if found is not None:
            yield f"DB subnet group {subnets.name}", subnets.owner(found)
        for parameters in self.parameter_groups():
            found = survey["parameterGroups"].get(parameters.name)
            if found is not None:
                yield f"DB parameter group {parameters.name}", parameters.owner(found)
        found = survey["securityGroups"].get(groups.key)
        if found is not None:
            yield f"security group {groups.name}", groups.owner(found)

    @staticmethod
    def _own(told: str, owner: Owner) -> None:
        if owner is Owner.FOREIGN:
            raise ConflictError(told)


def _major(target: Target, found: Described | None = None) -> str:
    """The major version that is wanted; where none is, that which it has, or the newest."""
    if found is None:
        return major_of(target.version or TYPES[target.type].default_version or "")
    there = version_of(found, target.put_back.taken if target.put_back else target.version)
    # What can't be reached isn't prepared for either: no version goes back.
    return max(major_of(target.version or there), major_of(there), key=int)


def _notes(found: Described, wanted: Wanted) -> Iterator[str]:
    """What its users should know of an instance, though it is as wanted."""
    there = version_of(found)
    if wanted.keeps(there):
        major = major_of(there)
        yield (
            f"a Changeset that was rolled back has upgraded it to version {there}, and PostgreSQL "
            f"can't go back to {wanted.version}; set version to {major}"
        )
    if rds.awaits_reboot(found):
        yield (
            f"its parameter group {rds.parameter_group_of(found)}, which forces TLS, takes effect "
            "with its next reboot; reboot it at AWS when that suits you"
        )


def _parameter_group_name(target: Target, major: str) -> str:
    return resource_name(target.identity, NAME_LIMIT, prefix=f"setops-pg{major}")


def _final_snapshot(target: Target, found: Described) -> str | None:
    """Its name differs with each life of the Service, so that none stands in the next one's way."""
    if target.deletion_policy is DeletionPolicy.DELETE:
        return None
    if not rds.allows_snapshot(found):
        raise StalledError(
            f"AWS takes no final snapshot of a database in state {found['DBInstanceStatus']}; set "
            "deletionPolicy to Delete to lose the data, or to Retain to keep the instance",
            code="InvalidDBInstanceState",
        )
    name = resource_name(target.identity, NAME_LIMIT - len(target.life) - 1)
    return f"{name}-{target.life}"


def _new_password() -> str:
    # The alphabet of URLs: AWS refuses / @ " and spaces, and nothing needs quoting anywhere.
    return secrets.token_urlsafe(_PASSWORD_BYTES)
