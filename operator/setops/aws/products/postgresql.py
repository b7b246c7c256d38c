"""The product `postgresql`: an RDS instance of its own, and what it needs in the network.

The instance, its subnet group and its security group have the same name. There is a parameter group
for each major version, since AWS binds it to one. We generate the password. It is stored in the
Secret before anything is created at AWS.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import quote

from setops.api.catalogue import resolve_options
from setops.api.service_type import DeletionPolicy
from setops.api.services.postgresql import TYPE
from setops.aws.clients import AccountClients
from setops.aws.naming import resource_name
from setops.aws.observation import Found, Observation
from setops.aws.part import Part
from setops.aws.parts.db_fields import Wanted, parameter_group_of
from setops.aws.parts.db_instance import PASSWORD, DbInstance
from setops.aws.parts.db_version import DbEngine, VersionWish, major_of, version_of
from setops.aws.parts.parameter_group import ParameterGroup
from setops.aws.parts.security_group import SecurityGroup
from setops.aws.parts.subnet_group import SubnetGroup
from setops.aws.product import Assembly, Product
from setops.aws.target import Target

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

USERNAME: Final = "username"
DATABASE: Final = "database"

NAME_LIMIT: Final = 63
PORT: Final = 5432

_ENGINE: Final = DbEngine("postgres", "PostgreSQL", TYPE.versions)
_USER: Final = "app"
_DATABASE: Final = "app"
_PASSWORD_BYTES: Final = 24
_PASSWORD_FORM: Final = re.compile(r"""[!#-.0-?A-~]{8,128}""")
"""What AWS takes: printable ASCII without / @ " and spaces."""
_BACKUP_DAYS: Final = 7
"""How many days automatic backups are kept, if the Service doesn't say."""
_PARAMETERS: Final = {"rds.force_ssl": "1"}

_FIXED: Final = {
    "DBName": _DATABASE,
    "MasterUsername": _USER,
    "Port": PORT,
    "PubliclyAccessible": False,
    "StorageType": "gp3",
    "StorageEncrypted": True,
    "CopyTagsToSnapshot": True,
    "AutoMinorVersionUpgrade": True,
}


class Postgresql(Product):
    """The product `postgresql`."""

    type_name: ClassVar[str] = TYPE.name
    noun: ClassVar[str] = "a database"
    part_types: ClassVar[tuple[type[Part], ...]] = (
        DbInstance,
        ParameterGroup,
        SubnetGroup,
        SecurityGroup,
    )
    part_keys: ClassVar[tuple[str, ...]] = (
        DbInstance.kind,
        SecurityGroup.kind,
        SubnetGroup.kind,
        *map(ParameterGroup.key_of, TYPE.versions),
    )
    in_network: ClassVar[bool] = True
    required_credentials: ClassVar[tuple[str, ...]] = (PASSWORD,)

    def name(self, target: Target, key: str) -> str:
        major = key.removeprefix(ParameterGroup.kind)
        return _group_name(target, major) if major != key else _name(target)

    def assemble(self, clients: AccountClients, target: Target, main: Found | None) -> Assembly:
        rds, ids, identity = clients.client("rds"), self.ids(target), target.identity
        security_group = SecurityGroup(
            id=ids[SecurityGroup.kind],
            identity=identity,
            ec2=clients.client("ec2"),
            port=PORT,
            placement=target.placement,
        )
        subnet_group = SubnetGroup(
            id=ids[SubnetGroup.kind],
            identity=identity,
            rds=rds,
            subnets=target.placement.subnet_ids,
        )
        needed = _major(target, main)
        groups = _parameter_groups(rds, target, needed)
        wanted = next(each for each in groups if each.major == needed)
        in_use = parameter_group_of(main) if main else ""
        instance = DbInstance(
            id=ids[DbInstance.kind],
            identity=identity,
            rds=rds,
            wanted=_wanted(target, wanted.id, main),
            new_password=_new_password,
            now=datetime.now(UTC),
        )
        return Assembly(
            (security_group, subnet_group, *groups, instance),
            main=instance,
            retired=frozenset(each.key for each in groups if each is not wanted),
            held=frozenset(each.key for each in groups if each.id == in_use),
        )

    def generate_credentials(self, held: Mapping[str, str]) -> Mapping[str, str]:
        password = held.get(PASSWORD) or _new_password()
        return {USERNAME: _USER, PASSWORD: password, DATABASE: _DATABASE}

    def usable(self, held: Mapping[str, str]) -> Mapping[str, str]:
        if _PASSWORD_FORM.fullmatch(held.get(PASSWORD, "")):
            return held
        return {name: value for name, value in held.items() if name != PASSWORD}

    def connection(self, target: Target, observation: Observation) -> Mapping[str, str]:
        """`url` is `postgresql://user:pass@host:port/db`; source: the platform's Services.

        While the instance has no address or doesn't accept the password yet, `url` and the address
        are left out, so that no App starts with them. Raises KeyError for a Target without
        credentials.
        """
        password = target.credentials[PASSWORD]
        known = {USERNAME: _USER, PASSWORD: password, DATABASE: _DATABASE}
        host, _, port = observation.main.endpoint.rpartition(":")
        if not host or not observation.credentials_valid:
            return known
        url = f"postgresql://{_USER}:{quote(password, safe='')}@{host}:{port}/{_DATABASE}"
        return {**known, "url": url, "host": host, "port": port, "sslmode": "require"}


def _parameter_groups(rds: RDSClient, target: Target, needed: str) -> list[ParameterGroup]:
    """The group of each major version that the instance may have or have had.

    Also those of unsupported versions: one that somebody has upgraded the instance to, and those of
    groups that were created before.
    """
    majors = dict.fromkeys((*TYPE.versions, needed, *ParameterGroup.majors_in(target.ids)))
    return [
        ParameterGroup(
            id=target.ids.get(ParameterGroup.key_of(major)) or _group_name(target, major),
            identity=target.identity,
            rds=rds,
            major=major,
            family=f"{_ENGINE.name}{major}",
            parameters=_PARAMETERS,
        )
        for major in majors
    ]


def _wanted(target: Target, parameter_group: str, main: Found | None) -> Wanted:
    """What the instance should be, given the one that exists."""
    plan = target.plan or (TYPE.plan.default if TYPE.plan else "")
    options = resolve_options(target.type, target.options)
    low = int(str(options["minStorage"]))
    high = int(str(options.get("maxStorage", low)))
    version = target.version.removesuffix(".x") if target.version else None
    if main is None:
        version = version or TYPE.default_version
    days = target.backup_retention_days
    return Wanted(
        instance_class=plan.removesuffix(".ha"),
        multi_az=plan.endswith(".ha"),
        min_storage=low,
        max_storage=high if high > low else None,
        version=VersionWish(_ENGINE, version, target.version_ceiling),
        backup_days=_BACKUP_DAYS if days is None else days,
        parameter_group=parameter_group,
        password=target.credentials.get(PASSWORD),
        fixed=_FIXED,
        final_snapshot=(
            None
            if target.deletion_policy is DeletionPolicy.DELETE
            else partial(_final_snapshot, target)
        ),
    )


def _name(target: Target) -> str:
    return resource_name(target.identity, NAME_LIMIT)


def _group_name(target: Target, major: str) -> str:
    return resource_name(target.identity, NAME_LIMIT, prefix=f"setops-pg{major}")


def _major(target: Target, found: Found | None) -> str:
    """The major version that is wanted; if none is, the instance's own, or the default."""
    if found is None:
        return major_of(target.version or TYPE.default_version or "")
    there = version_of(found, target.version_ceiling or target.version)
    # An older version can't be reached, so no parameter group is prepared for it.
    return max(major_of(target.version or there), major_of(there), key=int)


def _final_snapshot(target: Target) -> str:
    """The name contains the Service's uid.

    So the snapshot of an earlier Service never blocks that of a later one.
    """
    name = resource_name(target.identity, NAME_LIMIT - len(target.uid) - 1)
    return f"{name}-{target.uid}"


def _new_password() -> str:
    # The alphabet of URLs: AWS refuses / @ " and spaces, and nothing needs quoting anywhere.
    return secrets.token_urlsafe(_PASSWORD_BYTES)
