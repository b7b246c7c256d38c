"""Programs that log in: what they are asked, and what they may answer."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final

from tests.cluster.kubeconfigs.files import ASCII
from tests.cluster.kubeconfigs.lab import API, Lab, Variables, bad, credential, encoded, good


def _found_by(path: str, lab: Lab) -> Variables:
    """A login program that is found by PATH."""
    return {**lab.by_program(command="login"), "PATH": path.replace("HERE", str(lab.folder))}


def _policy(lab: Lab, policy: str, *allowed: str, name: str = ".kube/kuberc") -> Variables:
    """What kubectl's own settings say of login programs."""
    said: dict[str, Any] = {
        "apiVersion": "kubectl.config.k8s.io/v1beta1",
        "kind": "Preference",
        "credentialPluginPolicy": policy,
    }
    if allowed:
        said["credentialPluginAllowlist"] = [{"name": each} for each in allowed]
    path = lab.write(name, json.dumps(said))
    return {**lab.by_program(), **({} if name.startswith(".kube") else {"KUBERC": path})}


def _copied(lab: Lab, name: str) -> str:
    return lab.program(credential({"token": lab.token}), name=name)


def _answering(text: str, lab: Lab) -> Variables:
    answer = json.dumps(credential({"token": lab.token}))
    return lab.by_program(text.replace("ANSWER", answer).replace("TOKEN", lab.token))


PROGRAMS: Final = [
    *good(
        {
            "a policy that allows all": lambda lab: _policy(lab, "AllowAll"),
            "a policy that allows it": lambda lab: _policy(
                lab, "Allowlist", str(lab.folder / "bin" / "login")
            ),
            "arguments and variables beyond ASCII in an ASCII locale": lambda lab: {
                **lab.by_program(args=["z\xfcrich"], env=[{"name": "EXTRA", "value": "\xfc"}]),
                **ASCII,
            },
            "a command beyond ASCII in an ASCII locale": lambda lab: {
                **lab.by_program(command=_copied(lab, "bin/z\xfcrich")),
                **ASCII,
            },
            "a token": lambda lab: lab.by_program(),
            "a certificate": lambda lab: lab.by_program(
                credential(
                    {
                        "clientCertificateData": lab.dev.certificate.decode(),
                        "clientKeyData": lab.dev.key.decode(),
                    }
                )
            ),
            "arguments and variables": lambda lab: lab.by_program(
                args=["--cluster", "a b", ""],
                env=[{"name": "EXTRA", "value": "1"}, {"name": "EXTRA", "value": "2"}],
            ),
            "an older version": lambda lab: lab.by_program(
                credential({"token": lab.token}, "v1beta1"),
                apiVersion=f"{API}/v1beta1",
                interactiveMode=None,
            ),
            "the cluster is told": lambda lab: lab.by_program(
                provideClusterInfo=True,
                cluster={
                    "tls-server-name": "localhost",
                    "disable-compression": True,
                    "extensions": [
                        {"name": f"{API}/exec", "extension": {"audience": "x", "n": [1, None]}},
                        {"name": "other", "extension": {}},
                    ],
                },
            ),
            "the cluster is told, its authority from a file": lambda lab: lab.by_program(
                provideClusterInfo=True,
                cluster={
                    "certificate-authority-data": None,
                    "certificate-authority": lab.write("ca.crt", lab.authority),
                },
            ),
            "it may ask if it can": lambda lab: lab.by_program(interactiveMode="IfAvailable"),
            "its answer is YAML": lambda lab: lab.by_program(
                f"kind: ExecCredential\napiVersion: {API}/v1\nstatus:\n  token: {lab.token}\n"
            ),
            "its answer has an end": lambda lab: lab.by_program(
                credential({"token": lab.token, "expirationTimestamp": "2030-01-01T00:00:00Z"})
            ),
            "a name in PATH": lambda lab: {
                **lab.by_program(command="login"),
                "PATH": f"{lab.folder}/bin:/usr/bin:/bin",
            },
            "its own PATH finds nothing for kubectl": lambda lab: {
                **lab.by_program(command="login", env=[{"name": "PATH", "value": "/usr/bin:/bin"}]),
                "PATH": f"{lab.folder}/bin:/usr/bin:/bin",
            },
            "acting as another": lambda lab: lab.config(
                user={
                    "as": "ann",
                    "exec": {
                        "command": lab.program(
                            credential(
                                {
                                    "clientCertificateData": lab.boss.certificate.decode(),
                                    "clientKeyData": lab.boss.key.decode(),
                                }
                            )
                        ),
                        "apiVersion": f"{API}/v1",
                        "interactiveMode": "Never",
                    },
                }
            ),
            "a user that isn't chosen has a program of an unknown version": lambda lab: lab.config(
                users=[
                    lab.document()["users"][0],
                    {"name": "other", "user": {"exec": {"apiVersion": "x/v9", "command": "no"}}},
                ]
            ),
        }
    ),
    *bad(
        {
            "a folder of PATH that is relative": (
                partial(_found_by, "bin:/usr/bin:/bin"),
                "take that out of PATH",
            ),
            "a folder of PATH that begins with a dot": (
                partial(_found_by, "./bin:HERE/bin:/usr/bin:/bin"),
                "take that out of PATH",
            ),
            "an empty PATH": (
                lambda lab: {**lab.by_program(command="sh"), "PATH": ""},
                "isn't installed",
            ),
            "a policy that denies all": (lambda lab: _policy(lab, "DenyAll"), "isn't allowed"),
            "a policy that allows others": (
                lambda lab: _policy(lab, "Allowlist", "other"),
                "isn't allowed",
            ),
            "a policy of another file": (
                lambda lab: _policy(lab, "DenyAll", name="rc"),
                "isn't allowed",
            ),
            **{
                f"its answer is {what}": (partial(_answering, text), "printed no")
                for what, text in {
                    "followed by another document": "ANSWER\n---\na: 1\n",
                    "followed by text": "ANSWER bye",
                    "in single quotes": "{'kind': 'ExecCredential'}",
                    "JSON with a comma too many": '{"kind": "ExecCredential",}',
                }.items()
            },
            **{
                f"its end is {end}": (
                    partial(
                        lambda end, lab: lab.by_program(
                            credential({"token": lab.token, "expirationTimestamp": end})
                        ),
                        end,
                    ),
                    "expirationTimestamp",
                )
                for end in ("never", 4)
            },
            "its spec is a number": (
                lambda lab: lab.by_program({**credential({"token": lab.token}), "spec": 4}),
                "spec is no map",
            ),
            "it isn't there": (lambda lab: lab.by_program(command="no-such-program"), "installed"),
            "its path leads nowhere": (lambda lab: lab.by_program(command="./no"), "installed"),
            "it fails": (lambda lab: lab.by_program(command="/bin/false"), "exit code 1"),
            "it isn't a program": (
                lambda lab: lab.by_program(command=lab.write("data", "text")),
                "could not be run",
            ),
            "no command": (lambda lab: lab.by_program(command=None), "without command"),
            "no version": (lambda lab: lab.by_program(apiVersion=None), "apiVersion"),
            "a version that is gone": (
                lambda lab: lab.by_program(apiVersion=f"{API}/v1alpha1"),
                "apiVersion",
            ),
            "it isn't said whether it may ask": (
                lambda lab: lab.by_program(interactiveMode=None),
                "interactiveMode",
            ),
            "an unknown way to ask": (
                lambda lab: lab.by_program(interactiveMode="Sometimes"),
                "interactiveMode",
            ),
            "it must ask and can't": (
                lambda lab: lab.by_program(interactiveMode="Always"),
                "no terminal",
            ),
            "a variable without a name": (
                lambda lab: lab.by_program(env=[{"value": "1"}]),
                "lacks its name",
            ),
            "its answer is another version": (
                lambda lab: lab.by_program(credential({"token": lab.token}, "v1beta1")),
                "make both the same",
            ),
            "its answer is another kind": (
                lambda lab: lab.by_program(credential({"token": lab.token}, kind="Token")),
                "printed no ExecCredential",
            ),
            "its answer is nothing": (lambda lab: lab.by_program(""), "printed no"),
            "its answer is no JSON": (lambda lab: lab.by_program("{"), "printed no"),
            "its answer has no status": (
                lambda lab: lab.by_program(credential(None)),
                "without token",
            ),
            "its answer is empty": (lambda lab: lab.by_program(credential({})), "without token"),
            "its token is a number": (
                lambda lab: lab.by_program(credential({"token": 4})),
                "without token",
            ),
            "its certificate lacks a key": (
                lambda lab: lab.by_program(
                    credential({"clientCertificateData": lab.dev.certificate.decode()})
                ),
                "must print both",
            ),
            "its certificate is none": (
                lambda lab: lab.by_program(
                    credential({"clientCertificateData": "a", "clientKeyData": encoded(b"b")})
                ),
                "can't be used",
            ),
            "its token is refused": (
                lambda lab: lab.by_program(credential({"token": "wrong"})),
                "accept your login",
            ),
        }
    ),
]
