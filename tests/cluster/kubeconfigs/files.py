"""Where a kubeconfig is, how it is written, and which server it means."""

from __future__ import annotations

import json
import os
from typing import Final

import yaml

from tests.cluster.kubeconfigs.lab import Lab, Variables, bad, by, encoded, good, two


def _home(lab: Lab, folder: str = ".kube", name: str = "config") -> Variables:
    lab.write(f"home/{folder}/{name}", yaml.safe_dump(lab.document()))
    return {"HOME": str(lab.folder / "home")}


def _beside(lab: Lab, other: str) -> Variables:
    """A good file, and another path before it."""
    good_one = lab.config()["KUBECONFIG"]
    return {"KUBECONFIG": f"{other}{os.pathsep}{good_one}"}


def _link(lab: Lab) -> Variables:
    link = lab.folder / "link"
    link.symlink_to(lab.config()["KUBECONFIG"])
    return {"KUBECONFIG": str(link)}


def _folder(lab: Lab) -> str:
    path = lab.folder / "folder"
    path.mkdir()
    return str(path)


FILES: Final = [
    *good(
        {
            "the file in the home directory": _home,
            "an empty KUBECONFIG": lambda lab: {**_home(lab), "KUBECONFIG": ""},
            "a file that doesn't exist before the good one": lambda lab: _beside(lab, "/no/such"),
            "an empty entry before the good one": lambda lab: _beside(lab, ""),
            "an empty file before the good one": lambda lab: two(lab, "", lab.document()),
            "comments alone before the good one": lambda lab: two(lab, "# mine\n", lab.document()),
            "nothing but a dash line before the good one": lambda lab: two(
                lab, "---\n", lab.document()
            ),
            "the same file twice": lambda lab: {
                "KUBECONFIG": os.pathsep.join([lab.config()["KUBECONFIG"]] * 2)
            },
            "a relative path": lambda lab: (lab.config(), {"KUBECONFIG": "./config"})[1],
            "a link to a file": _link,
            "the first file to name a thing wins": lambda lab: two(
                lab, lab.document(user={"token": lab.token}), lab.document()
            ),
            "entries in different files": lambda lab: two(
                lab,
                lab.document(users=[], clusters=[]),
                lab.document(contexts=[], current_context=""),
            ),
            "the current context of the second file": lambda lab: two(
                lab, lab.document(current_context=""), lab.document()
            ),
            "lists that are empty": lambda lab: two(
                lab,
                "apiVersion: v1\nkind: Config\nclusters: null\nusers:\ncontexts: []\n",
                lab.document(),
            ),
            "JSON": lambda lab: lab.text(json.dumps(lab.document(), indent=1)),
            "JSON with tabs": lambda lab: lab.text(json.dumps(lab.document(), indent="\t")),
            "a byte order mark": lambda lab: lab.text(
                "\N{ZERO WIDTH NO-BREAK SPACE}" + yaml.safe_dump(lab.document())
            ),
            "carriage returns": lambda lab: lab.text(
                yaml.safe_dump(lab.document()).replace("\n", "\r\n")
            ),
            "a second document": lambda lab: lab.text(
                f"---\n{yaml.safe_dump(lab.document())}---\nkind: Other\n"
            ),
            "anchors and merge keys": lambda lab: lab.text(
                yaml.safe_dump(lab.document(clusters=[])).replace("clusters: []\n", "")
                + "mine: &base {server: 'https://127.0.0.1:1', disable-compression: y}\n"
                + "clusters:\n- name: it\n  cluster:\n    <<: *base\n"
                + f"    server: {lab.server}\n    certificate-authority-data: "
                + encoded(lab.authority)
            ),
            "neither kind nor apiVersion": lambda lab: lab.config(kind="", apiVersion=""),
            "fields that nobody knows": lambda lab: lab.config(
                user=by(lab.boss, tokenfile="x"), cluster={"colour": [1]}, mine={"a": 1}
            ),
            "names that look like dates and times": lambda lab: lab.text(
                yaml.safe_dump(lab.document()).replace(" it\n", " 2026-11-26\n")
            ),
            "names that look like numbers to the base of 60": lambda lab: lab.text(
                yaml.safe_dump(lab.document()).replace(" it\n", " 190:20:30\n")
            ),
            "a name with blanks, slashes and beyond ASCII": lambda lab: lab.text(
                yaml.safe_dump(lab.document(), allow_unicode=True).replace(
                    " it\n", " arn:aws:eks/Z\xfcrich @ 2\n"
                )
            ),
            "an entry without a name": lambda lab: lab.config(
                users=[{"user": {}}, {"name": "it", "user": by(lab.boss)}]
            ),
            "an entry that is null": lambda lab: lab.config(
                users=[{"name": "other", "user": None}, {"name": "it", "user": by(lab.boss)}]
            ),
            "a slash at the end of the server": lambda lab: lab.config(
                cluster={"server": f"{lab.server}/"}
            ),
            "a server in capital letters": lambda lab: lab.config(
                cluster={"server": lab.server.replace("https://127.0.0.1", "HTTPS://LOCALHOST")}
            ),
            "a server without a scheme is plain HTTP": lambda lab: lab.config(
                user={},
                cluster={
                    "server": lab.gateway.removeprefix("http://"),
                    "certificate-authority-data": None,
                },
            ),
            "a server behind a path": lambda lab: lab.config(
                user={},
                cluster={"server": f"{lab.gateway}/", "certificate-authority-data": None},
            ),
            "the server of KUBERNETES_MASTER, without any kubeconfig": lambda lab: {
                "KUBERNETES_MASTER": lab.gateway
            },
            "the server of KUBERNETES_MASTER for a cluster without one": lambda lab: {
                **lab.config(cluster={"server": None}),
                "KUBERNETES_MASTER": lab.server,
            },
            "a server counts before KUBERNETES_MASTER": lambda lab: {
                **lab.config(),
                "KUBERNETES_MASTER": "https://127.0.0.1:1",
            },
            "compression that is off": lambda lab: lab.config(
                cluster={"disable-compression": True}
            ),
        }
    ),
    *bad(
        {
            "no file anywhere": (lambda lab: {"HOME": str(lab.folder)}, "no kubeconfig at"),
            "nothing but separators": (
                lambda lab: {**_home(lab), "KUBECONFIG": "::"},
                "no kubeconfig at",
            ),
            "no home directory": (lambda _: {"HOME": ""}, "no kubeconfig at"),
            "a folder for a file": (lambda lab: _beside(lab, _folder(lab)), "Is a directory"),
            "a file for a folder": (
                lambda lab: _beside(lab, f"{lab.write('a', '')}/b"),
                "can't be read",
            ),
            "no YAML in the first of two": (lambda lab: two(lab, "{", lab.document()), "no YAML"),
            "no YAML in the second of two": (lambda lab: two(lab, lab.document(), "{"), "no YAML"),
            "a list": (lambda lab: lab.text("[]"), "must be a map"),
            "another kind": (lambda lab: lab.config(kind="List"), "is no kubeconfig"),
            "another version": (lambda lab: lab.config(apiVersion="v2"), "is no kubeconfig"),
            "a name twice": (
                lambda lab: lab.config(
                    users=[{"name": "it", "user": by(lab.boss)}, {"name": "it", "user": {}}]
                ),
                "twice",
            ),
            "users that are a map": (
                lambda lab: lab.config(users={"it": by(lab.boss)}),
                "must be a list",
            ),
            "a switch that is a word": (
                lambda lab: lab.config(cluster={"insecure-skip-tls-verify": "no"}),
                "true or false",
            ),
            "a context that isn't there": (
                lambda lab: lab.config(current_context="other"),
                "no context 'other'",
            ),
            "no current context": (
                lambda lab: lab.config(current_context=""),
                "no current context",
            ),
            "a cluster that isn't there": (
                lambda lab: lab.config(context={"cluster": "other"}),
                "no server",
            ),
            "an empty server": (lambda lab: lab.config(cluster={"server": ""}), "no server"),
            "a server with a blank": (
                lambda lab: lab.config(cluster={"server": f" {lab.server}"}),
                "is no URL",
            ),
            "a server with a port that is none": (
                lambda lab: lab.config(cluster={"server": "https://127.0.0.1:port"}),
                "is no URL",
            ),
            "a server with a port beyond all": (
                lambda lab: lab.config(cluster={"server": "https://127.0.0.1:99999"}),
                "is no URL",
            ),
            "a server of another scheme": (
                lambda lab: lab.config(cluster={"server": "ftp://127.0.0.1"}),
                "is no URL",
            ),
            "a server and a path without a scheme": (
                lambda lab: lab.config(cluster={"server": "127.0.0.1:1/path"}),
                "is no URL",
            ),
            "TLS where there is none": (
                lambda lab: lab.config(
                    cluster={"server": lab.gateway.replace("http://", "https://")}
                ),
                "can't be reached",
            ),
            "plain HTTP where there is TLS": (
                lambda lab: lab.config(
                    cluster={
                        "server": lab.server.removeprefix("https://"),
                        "certificate-authority-data": None,
                    }
                ),
                "HTTP request to an HTTPS server",
            ),
        }
    ),
]
