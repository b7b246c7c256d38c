"""Which access keys in a Secret count as lost, whatever somebody has written there."""

from __future__ import annotations

import pytest

from setops.aws.products.s3 import S3

KEY = {"accessKeyId": "AKIA1", "secretAccessKey": "a/b+c=d@e:f"}
URL = "s3://AKIA1:a%2Fb%2Bc%3Dd%40e%3Af@bucket?region=eu-west-1&endpoint=https%3A%2F%2Fs3"
SECRETS = {
    "as it was stored": ({**KEY, "url": URL}, True),
    "before the url was there": (KEY, True),
    "an empty url": ({**KEY, "url": ""}, True),
    "a url that can't be parsed": ({**KEY, "url": "s3://[odd"}, True),
    "a url with a port that is none": ({**KEY, "url": "s3://AKIA2:x@h:port/"}, True),
    "a url without a key": ({**KEY, "url": "s3://bucket"}, True),
    "a url of another key": ({**KEY, "url": "s3://AKIA2:x@bucket"}, True),
    "another secret": ({**KEY, "url": URL, "secretAccessKey": "other"}, False),
    "a secret with a zero byte": ({**KEY, "url": URL, "secretAccessKey": "\0"}, False),
    "another secret in the url": ({**KEY, "url": "s3://AKIA1:other@bucket"}, False),
    "no secret in the url": ({**KEY, "url": "s3://AKIA1@bucket"}, False),
    "nothing": ({}, False),
}


@pytest.mark.parametrize(("held", "kept"), SECRETS.values(), ids=SECRETS)
def test_a_key_that_its_url_contradicts_counts_as_lost(held: dict[str, str], kept: bool) -> None:
    usable = S3().usable(held)
    assert ("secretAccessKey" in usable) == kept
    rest = {name: value for name, value in held.items() if name != "secretAccessKey"}
    assert rest.items() <= usable.items() <= held.items()
