"""Every version that AWS has named, read and put into order by one parser."""

from __future__ import annotations

import itertools
import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setops.api.engine_version import EngineVersion
from setops.api.put_back import PutBack


def minors(major: str, first: int, last: int, without: str = "") -> str:
    """The minor versions from first to last, but for those that were never offered."""
    left_out = {int(each) for each in without.split()}
    return " ".join(f"{major}.{n}" for n in range(first, last + 1) if n not in left_out)


NAMED: Final = {
    "RDS for PostgreSQL": (
        "9.3.1 9.3.2 9.3.3 9.3.5 9.3.6 9.3.9 9.3.10 9.3.12 9.3.14 9.3.16 9.3.17 9.3.19 9.3.20 "
        "9.3.22 9.3.23 9.3.24 9.3.25 "
        "9.4.1 9.4.4 9.4.5 9.4.7 9.4.9 9.4.11 9.4.12 9.4.14 9.4.15 9.4.17 9.4.18 9.4.19 9.4.20 "
        "9.4.21 9.4.23 9.4.24 9.4.25 9.4.26 "
        "9.5.2 9.5.4 9.5.6 9.5.7 9.5.9 9.5.10 9.5.12 9.5.13 9.5.14 9.5.15 9.5.16 9.5.18 9.5.19 "
        "9.5.20 9.5.21 9.5.22 9.5.23 9.5.24 9.5.25 "
        "9.6.1 9.6.2 9.6.3 9.6.5 9.6.6 9.6.8 9.6.9 9.6.10 9.6.11 9.6.12 9.6.14 9.6.15 9.6.16 "
        "9.6.17 9.6.18 9.6.19 9.6.20 9.6.21 9.6.22 9.6.23 9.6.24 "
        f"10.1 {minors('10', 3, 23, '8')} "
        f"{minors('11', 1, 22, '3')} 11.22-rds.20240418 11.22-rds.20240509 11.22-rds.20240808 "
        "11.22-RDS.20241121 11.22-rds.20250220 11.22-rds.20250508 11.22-rds.20250814 "
        "11.22-rds.20251114 11.22-rds.20260224 "
        f"{minors('12', 2, 22)} 12.22-rds.20250220 12.22-rds.20250508 12.22-rds.20250814 "
        "12.22-rds.20251114 12.22-rds.20260224 "
        f"{minors('13', 1, 22)} 13.22-rds.20251114 13.22-rds.20260224 13.22-rds.20260514 "
        "13.23 13.23-rds.20260224 "
        f"{minors('14', 1, 22)} {minors('15', 2, 17)} 16Beta1 16beta2 16rc1 {minors('16', 1, 13)} "
        f"17-beta1 17-rc1 {minors('17', 1, 9)} 18Beta1 18.1 18.1-R2 18.2"
    ),
    "Aurora PostgreSQL": (
        "9.6.3 9.6.6 9.6.8 9.6.9 9.6.11 9.6.12 9.6.16 9.6.17 9.6.18 9.6.19 9.6.21 9.6.22 10.4 10.5 "
        "10.6 10.7 10.11 10.12 10.13 10.14 10.16 10.17 10.18 10.19 10.20 10.21 11.4 11.6 11.7 11.8 "
        "11.9 11.11 11.12 11.13 11.14 11.15 11.16 11.17 11.18 11.19 11.20 11.21 12.4 12.6 12.7 "
        "12.8 12.9 12.22 13.3 13.4 13.9 13.14 13.23 14.3 14.18 15.2 15.13 16.1 16.4 16.4-limitless "
        "16.6 16.6-limitless 16.9 17.4 17.5"
    ),
    "RDS for MySQL": (
        "5.1.73a 5.1.73b 5.5.40 5.5.40a 5.5.40b 5.5.41 5.5.42 5.5.46 5.5.53 5.5.54 5.5.57 5.5.59 "
        "5.5.61 5.6.19a 5.6.19b 5.6.21 5.6.21b 5.6.22 5.6.23 5.6.27 5.6.29 5.6.34 5.6.35 5.6.37 "
        "5.6.39 5.6.40 5.6.41 5.6.43 5.6.44 5.6.46 5.6.48 5.6.49 5.6.51 5.7.10 5.7.11 5.7.16 "
        "5.7.17 "
        "5.7.19 5.7.21 5.7.22 5.7.23 5.7.24 5.7.25 5.7.26 5.7.28 5.7.30 5.7.31 5.7.33 5.7.34 "
        "5.7.36 "
        "5.7.37 5.7.38 5.7.39 5.7.40 5.7.41 5.7.42 5.7.43 5.7.44 5.7.44-rds.20240408 "
        "5.7.44-rds.20240529 5.7.44-RDS.20240808 5.7.44-rds.20250103 5.7.44-rds.20250508 "
        "8.0.11 8.0.13 8.0.15 8.0.16 8.0.17 8.0.19 8.0.20 8.0.21 8.0.23 8.0.25 8.0.26 8.0.27 "
        "8.0.28 "
        "8.0.30 8.0.31 8.0.32 8.0.33 8.0.34 8.0.35 8.0.36 8.0.37 8.0.39 8.0.40 8.0.41 8.0.42 "
        "8.0.43 "
        "8.4.3 8.4.4 8.4.5 8.4.6"
    ),
    "Aurora MySQL": (
        "5.6.mysql_aurora.1.19.0 5.6.mysql_aurora.1.19.1 5.6.mysql_aurora.1.22.2 "
        "5.6.mysql_aurora.1.23.4 5.7.mysql_aurora.2.03.2 5.7.mysql_aurora.2.07.10 "
        "5.7.mysql_aurora.2.11.1 5.7.mysql_aurora.2.12.5 8.0.mysql_aurora.3.01.0 "
        "8.0.mysql_aurora.3.04.0 8.0.mysql_aurora.3.04.4 8.0.mysql_aurora.3.10.0"
    ),
    "Aurora MySQL, as it was named at first": "5.6.10 5.6.10a 5.7.12",
    "RDS for MariaDB": (
        "10.0.17 10.0.24 10.0.38 10.1.14 10.1.48 10.2.11 10.2.44 10.3.8 10.3.39 10.4.8 10.4.34 "
        "10.5.8 10.5.29 10.6.5 10.6.22 10.11.4 10.11.13 11.4.3 11.4.7 11.8.3"
    ),
    "RDS for Oracle": (
        "11.2.0.2.v3 11.2.0.4.v1 11.2.0.4.v9 11.2.0.4.v28 12.1.0.1.v1 12.1.0.2.v1 12.1.0.2.v25 "
        "12.2.0.1.ru-2018-10.rur-2018-10.r1 12.2.0.1.ru-2022-01.rur-2022-01.r1 "
        "18.0.0.0.ru-2019-07.rur-2019-07.r1 19.0.0.0.ru-2019-07.rur-2019-07.r1 "
        "19.0.0.0.ru-2020-04.rur-2020-04.r1 19.0.0.0.ru-2023-10.rur-2023-10.r1 "
        "19.0.0.0.ru-2024-01.rur-2024-01.r1 19.0.0.0.ru-2024-01.rur-2024-01.r2 "
        "19.0.0.0.ru-2024-01.spb-1.r1 21.0.0.0.ru-2022-01.rur-2022-01.r1"
    ),
    "RDS for SQL Server": (
        "10.50.2789.0.v1 11.00.5058.0.v1 11.00.7507.2.v1 12.00.5000.0.v1 12.00.6449.1.v1 "
        "13.00.2164.0.v1 13.00.6430.49.v1 14.00.1000.169.v1 14.00.3465.1.v1 15.00.4043.16.v1 "
        "15.00.4345.5.v1 15.00.4385.2.v1 16.00.4085.2.v1 16.00.4095.4.v1 16.00.4210.1.v1"
    ),
    "RDS for Db2": (
        "11.5.9.0.sb00000000.r1 11.5.9.0.sb00000000.r3 11.5.9.0.sb00044353.r1 12.1.3.0.r1"
    ),
    "ElastiCache for Redis and Valkey": (
        "2.6.13 2.8.6 2.8.19 2.8.21 2.8.22 2.8.23 2.8.24 3.2.4 3.2.6 3.2.10 4.0.10 5.0.0 5.0.3 "
        "5.0.4 "
        "5.0.5 5.0.6 6.0.5 6.2 6.2.5 6.2.6 7.0 7.0.4 7.0.5 7.0.7 7.1 7.1.0 7.2 7.2.6 8.0 8.0.1 "
        "8.1 8.2 "
        "9.0 9.1"
    ),
    "ElastiCache for Memcached": (
        "1.4.5 1.4.14 1.4.24 1.4.33 1.4.34 1.5.10 1.5.16 1.6.6 1.6.12 1.6.17 1.6.22"
    ),
    "OpenSearch Service": (
        "Elasticsearch_1.5 Elasticsearch_2.3 Elasticsearch_5.1 Elasticsearch_5.3 Elasticsearch_5.5 "
        "Elasticsearch_5.6 Elasticsearch_6.0 Elasticsearch_6.2 Elasticsearch_6.3 Elasticsearch_6.4 "
        "Elasticsearch_6.5 Elasticsearch_6.7 Elasticsearch_6.8 Elasticsearch_7.1 Elasticsearch_7.4 "
        "Elasticsearch_7.7 Elasticsearch_7.8 Elasticsearch_7.9 Elasticsearch_7.10 OpenSearch_1.0 "
        "OpenSearch_1.1 OpenSearch_1.2 OpenSearch_1.3 OpenSearch_2.3 OpenSearch_2.5 OpenSearch_2.7 "
        "OpenSearch_2.9 OpenSearch_2.11 OpenSearch_2.13 OpenSearch_2.15 OpenSearch_2.17 "
        "OpenSearch_2.19 OpenSearch_3.1 OpenSearch_3.3"
    ),
    "DocumentDB": "3.6.0 4.0.0 5.0.0 8.0.0",
}
"""The versions of each engine, oldest first."""

ALL: Final = [(engine, name) for engine, names in NAMED.items() for name in names.split()]


def test_all_are_read() -> None:
    assert len(ALL) > 450
    for engine, name in ALL:
        version = EngineVersion.find(name)
        assert version is not None, (engine, name)
        first = re.search(r"[0-9]+", name)
        assert first is not None
        assert version.major == int(first[0]), (engine, name)


@pytest.mark.parametrize("engine", NAMED)
def test_they_are_in_order(engine: str) -> None:
    versions = [EngineVersion.parse(name) for name in NAMED[engine].split()]
    for older, newer in itertools.pairwise(versions):
        assert older <= newer, (older, newer)


@pytest.mark.parametrize("engine", NAMED)
def test_each_is_what_it_names_itself(engine: str) -> None:
    for name in NAMED[engine].split():
        version = EngineVersion.parse(name)
        assert version.is_of(version), name
        assert version.reaches(version), name


@pytest.mark.parametrize("engine", NAMED)
def test_each_reaches_the_older_ones_of_its_major_version_alone(engine: str) -> None:
    versions = [EngineVersion.parse(name) for name in NAMED[engine].split()]
    for older, newer in itertools.combinations(versions, 2):
        same = (older.major, older.engine) == (newer.major, newer.engine)
        assert newer.reaches(older) == same, (older, newer)
        if older < newer and older.patch:
            assert not older.reaches(newer), (older, newer)


WISHES: Final[list[tuple[str, str, bool, bool]]] = [
    ("13.22-rds.20260224", "13", True, True),
    ("13.22-rds.20260224", "13.x", True, True),
    ("13.22-rds.20260224", "13.22", True, True),
    ("13.22-rds.20260224", "13.22.x", True, True),
    ("13.22-rds.20260224", "13.20", False, True),
    ("13.22-rds.20260224", "13.23", False, False),
    ("13.22-rds.20260224", "14", False, False),
    ("13.22-rds.20260224", "12", False, False),
    ("13.22-rds.20260224", "13.22-rds.20260224", True, True),
    ("13.22-rds.20260224", "13.22-RDS.20260224", True, True),
    ("13.22-rds.20260224", "13.22-rds.20251114", False, True),
    ("13.22-rds.20260224", "13.22-rds.20260514", False, False),
    ("13.22", "13.22-rds.20260224", False, False),
    ("13.23", "13.22-rds.20260224", False, True),
    ("16.10", "16.9", False, True),
    ("16.9", "16.10", False, False),
    ("16", "16.0", True, True),
    ("16", "16.1", False, False),
    ("16rc1", "16", False, False),
    ("16.1", "16rc1", False, True),
    ("4.0.0", "4.0", True, True),
    ("4.0", "4.0.0", True, True),
    ("5.0.0", "5", True, True),
    ("6.2.6", "6.x", True, True),
    ("6.x", "6.2", False, False),
    ("7.0.7", "7.0", True, True),
    ("7.1", "7.0", False, True),
    ("OpenSearch_2.11", "2.11", True, True),
    ("OpenSearch_2.11", "2.9", False, True),
    ("OpenSearch_2.11", "OpenSearch_2.5", False, True),
    ("Elasticsearch_7.10", "7", True, True),
    ("Elasticsearch_7.10", "OpenSearch_7", False, False),
    ("8.0.mysql_aurora.3.04.0", "8.0", True, True),
    ("8.0.mysql_aurora.3.04.0", "8", True, True),
    ("5.7.44-RDS.20240808", "5.7", True, True),
    ("5.7.44-RDS.20240808", "5.7.44", True, True),
    ("5.7.9", "5.7.10", False, False),
    ("19.0.0.0.ru-2023-10.rur-2023-10.r1", "19", True, True),
    ("15.00.4345.5.v1", "15.0", True, True),
    ("13.14_TDE_X", "13.14", True, True),
    ("15.5-R2", "15.5", True, True),
]
"""A version, a wish, whether it is one of those wished for, and whether it is as good as wished."""


@pytest.mark.parametrize(("there", "wish", "is_of", "reaches"), WISHES)
def test_a_wish(there: str, wish: str, is_of: bool, reaches: bool) -> None:
    version, wished = EngineVersion.parse(there), EngineVersion.parse(wish)
    if wished.engine and version.engine != wished.engine:
        assert not version.reaches(wished)
        return
    assert version.is_of(wished) is is_of
    assert version.reaches(wished) is reaches


@pytest.mark.parametrize("text", ["", "x", "latest", "²", "v", "_1", "rds.13", "1" * 200, "\n"])
def test_what_names_no_version(text: str) -> None:
    assert EngineVersion.find(text) is None
    with pytest.raises(ValueError, match="no version that we can read"):
        EngineVersion.parse(text)


@given(st.text(max_size=140))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = EngineVersion.find(text)
    if found is not None:
        assert found.is_of(found) or found.is_preview
        assert not found < found
    assert PutBack.of(text, text) is None


@given(*(st.sampled_from([name for _, name in ALL]),) * 3)
def test_the_order_is_one(one: str, two: str, three: str) -> None:
    a, b, c = sorted(map(EngineVersion.parse, (one, two, three)))
    assert a <= b <= c
    assert a <= c
