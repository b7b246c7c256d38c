"""Who asks: impersonation, tokens, and which of several credentials counts."""

from __future__ import annotations

from typing import Final

import yaml

from tests.cluster.kubeconfigs.lab import API, bad, by, credential, encoded, good

IDENTITIES: Final = [
    *good(
        {
            "as": lambda lab: lab.config(user=by(lab.boss, **{"as": "ann@example.com"})),
            "as and groups": lambda lab: lab.config(
                user=by(lab.boss, **{"as": "ann", "as-groups": ["devs", "system:masters"]})
            ),
            "as and uid": lambda lab: lab.config(
                user=by(lab.boss, **{"as": "ann", "as-uid": "4711"})
            ),
            "as and extra": lambda lab: lab.config(
                user=by(
                    lab.boss,
                    **{
                        "as": "ann",
                        "as-user-extra": {
                            "example.com/Scope %": ["a", "b"],
                            "reason\N{LATIN SMALL LETTER U WITH DIAERESIS}": ["x y"],
                        },
                    },
                )
            ),
            "as beyond ASCII": lambda lab: lab.config(
                user=by(lab.boss, **{"as": "Zo\xeb \N{GRINNING FACE}", "as-groups": ["Z\xfcrich"]})
            ),
            "as a ServiceAccount": lambda lab: lab.config(
                user=by(lab.boss, **{"as": "system:serviceaccount:default:default"})
            ),
            "as over plain HTTP": lambda lab: lab.config(
                user={"as": "ann"},
                cluster={"server": lab.gateway, "certificate-authority-data": None},
            ),
            "an extra key that YAML reads as a switch": lambda lab: lab.text(
                yaml.safe_dump(lab.document(user=by(lab.boss, **{"as": "ann"}))).replace(
                    "    as: ann", "    as: ann\n    as-user-extra: {on: [a], 1: [b]}"
                )
            ),
            "a token": lambda lab: lab.config(user={"token": lab.token}),
            "a token file": lambda lab: lab.config(
                user={"tokenFile": lab.write("token", f"\n{lab.token}\n\n")}
            ),
            "a token file beside the kubeconfig": lambda lab: (
                lab.write("in/token", lab.token),
                lab.config(user={"tokenFile": "in/token"}),
            )[1],
            "the token file counts before the token": lambda lab: lab.config(
                user={"token": "stale", "tokenFile": lab.write("token", lab.token)}
            ),
            "a token beside a token file that isn't there": lambda lab: lab.config(
                user={"token": lab.token, "tokenFile": "missing"}
            ),
            "a token beside an empty token file": lambda lab: lab.config(
                user={"token": lab.token, "tokenFile": lab.write("token", "\n")}
            ),
            "a certificate counts before a token": lambda lab: lab.config(
                user=by(lab.boss, token=lab.token)
            ),
            "a token counts before a login program": lambda lab: lab.config(
                user={
                    "token": lab.token,
                    "exec": {
                        "command": lab.program(credential({"token": "other"})),
                        "apiVersion": f"{API}/v1",
                        "interactiveMode": "Never",
                    },
                }
            ),
            "a certificate counts before a login program": lambda lab: lab.config(
                user=by(
                    lab.boss,
                    exec={
                        "command": lab.program(credential({"token": "other"})),
                        "apiVersion": f"{API}/v1",
                        "interactiveMode": "Never",
                    },
                )
            ),
            "a password counts for nothing beside a certificate": lambda lab: lab.config(
                user=by(lab.boss, password="secret")
            ),
            "a key alone counts for nothing beside a token": lambda lab: lab.config(
                user={"token": lab.token, "client-key-data": encoded(lab.boss.key)}
            ),
            "plain HTTP needs no user": lambda lab: lab.config(
                user={}, cluster={"server": lab.gateway, "certificate-authority-data": None}
            ),
            "plain HTTP gets no token": lambda lab: lab.config(
                user={"token": "wrong"},
                cluster={"server": lab.gateway, "certificate-authority-data": None},
            ),
            "an id-token that is still good": lambda lab: lab.config(
                user={
                    "auth-provider": {
                        "name": "oidc",
                        "config": {
                            "id-token": lab.token,
                            "client-id": "kubernetes",
                            "idp-issuer-url": "https://idp.example.com",
                        },
                    }
                }
            ),
        }
    ),
    *bad(
        {
            "groups without as": (
                lambda lab: lab.config(user=by(lab.boss, **{"as-groups": ["devs"]})),
                "without `as`",
            ),
            "a uid without as": (
                lambda lab: lab.config(user=by(lab.boss, **{"as-uid": "4711"})),
                "without `as`",
            ),
            "extra without as": (
                lambda lab: lab.config(user=by(lab.boss, **{"as-user-extra": {"a": ["b"]}})),
                "without `as`",
            ),
            "as with a line break": (
                lambda lab: lab.config(user=by(lab.boss, **{"as": "a\nb"})),
                "can't be sent",
            ),
            "as without the right to it": (
                lambda lab: lab.config(user=by(lab.dev, **{"as": "boss"})),
                "lack the rights",
            ),
            "as a number": (lambda lab: lab.config(user=by(lab.boss, **{"as": 4})), "in quotes"),
            "as-groups that is no list": (
                lambda lab: lab.config(user=by(lab.boss, **{"as": "a", "as-groups": "b"})),
                "must be a list",
            ),
            "nobody": (lambda lab: lab.config(user={}), "no credentials"),
            "a context without a user": (
                lambda lab: lab.config(context={"user": ""}),
                "isn't named",
            ),
            "a user that isn't there": (
                lambda lab: lab.config(context={"user": "gone"}),
                "isn't in the kubeconfig",
            ),
            "a key alone": (
                lambda lab: lab.config(user={"client-key-data": encoded(lab.boss.key)}),
                "no credentials",
            ),
            "a token and a password": (
                lambda lab: lab.config(user={"token": lab.token, "username": "a", "password": "b"}),
                "remove one",
            ),
            "a token file and a password": (
                lambda lab: lab.config(
                    user={"tokenFile": lab.write("t", lab.token), "username": "a", "password": "b"}
                ),
                "remove one",
            ),
            "a password, which the server doesn't take": (
                lambda lab: lab.config(user={"username": "a", "password": "b"}),
                "accept your login",
            ),
            "a token file that isn't there": (
                lambda lab: lab.config(user={"tokenFile": "missing"}),
                "can't be read",
            ),
            "an empty token file": (
                lambda lab: lab.config(user={"tokenFile": lab.write("token", " \n")}),
                "is empty",
            ),
            "a token with blanks around it": (
                lambda lab: lab.config(user={"token": f" {lab.token} "}),
                "a blank",
            ),
            "a token with a line break": (
                lambda lab: lab.config(user={"token": f"{lab.token[:9]}\n{lab.token[9:]}"}),
                "line break",
            ),
            "a token that is a number": (lambda lab: lab.config(user={"token": 4}), "in quotes"),
            "a token that YAML reads as a number": (
                lambda lab: lab.text(
                    yaml.safe_dump(lab.document(user={"token": "TOKEN"})).replace("TOKEN", "12e45")
                ),
                "in quotes",
            ),
            "a certificate and a token that is wrong": (
                lambda lab: lab.config(user={"token": "wrong"}),
                "accept your login",
            ),
            "an id-token that has expired": (
                lambda lab: lab.config(
                    user={
                        "auth-provider": {
                            "name": "oidc",
                            "config": {
                                "id-token": "e30." + encoded(b'{"exp": 1000}') + ".sign",
                                "client-id": "kubernetes",
                                "idp-issuer-url": "https://127.0.0.1:1",
                            },
                        }
                    }
                ),
                "has expired",
            ),
            "an id-token without its issuer": (
                lambda lab: lab.config(
                    user={"auth-provider": {"name": "oidc", "config": {"id-token": lab.token}}}
                ),
                "idp-issuer-url",
            ),
            "a provider that is gone": (
                lambda lab: lab.config(user={"auth-provider": {"name": "gcp"}}),
                "isn't part of Kubernetes",
            ),
            "a provider beside a login program": (
                lambda lab: lab.config(
                    user={
                        "auth-provider": {"name": "oidc"},
                        "exec": {
                            "command": lab.program(credential({"token": lab.token})),
                            "apiVersion": f"{API}/v1",
                            "interactiveMode": "Never",
                        },
                    }
                ),
                "remove one",
            ),
        }
    ),
]
