"""Where a kubeconfig is, how it is written, and which server it means."""

from __future__ import annotations

import json
import os
from functools import partial
from typing import Any, Final

import yaml

from tests.cluster.kubeconfigs.lab import (
    API,
    Lab,
    Variables,
    bad,
    by,
    credential,
    encoded,
    good,
    two,
)


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


def _dotfiles(lab: Lab, **given: Any) -> Variables:
    """A ~/.kube that is a link, so that `..` means another folder to the file system."""
    lab.write("home/.minikube/ca.crt", lab.authority)
    lab.program(credential({"token": lab.token}), name="home/bin/login")
    lab.write("home/dotfiles/kube/config", yaml.safe_dump(lab.document(**given)))
    (lab.folder / "home" / ".kube").symlink_to(lab.folder / "home" / "dotfiles" / "kube")
    return {"HOME": str(lab.folder / "home")}


def _without_name(lab: Lab) -> Variables:
    document = lab.document(user=by(lab.boss, **{"as": "ann"}), current_context="")
    document["contexts"][0]["name"] = ""
    return lab.text(yaml.safe_dump(document))


def _named(lab: Lab, word: str) -> Variables:
    """A kubeconfig in which everything has this name, unquoted."""
    return lab.text(yaml.safe_dump(lab.document()).replace(" it\n", f" {word}\n"))


ASCII: Final = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A locale in which Python takes the system for one without UTF-8."""

FILES: Final = [
    *good(
        {
            "an authority beside a folder that is a link": lambda lab: _dotfiles(
                lab,
                cluster={
                    "certificate-authority-data": None,
                    "certificate-authority": "../.minikube/ca.crt",
                },
            ),
            "a login program beside a folder that is a link": lambda lab: _dotfiles(
                lab,
                user={
                    "exec": {
                        "apiVersion": f"{API}/v1",
                        "interactiveMode": "Never",
                        "command": "../bin/login",
                    }
                },
            ),
            "a context without a name": _without_name,
            **{
                f"extensions that are {what}": partial(
                    lambda extension, lab: lab.config(
                        cluster={"extensions": [{"name": "x", "extension": extension}]},
                        extensions=[{"name": "other", "extension": extension}],
                    ),
                    extension,
                )
                for what, extension in {"a number": 4, "a list": [1], "text": "a"}.items()
            },
            **{
                f"the name {word}, which is text": partial(
                    lambda word, lab: _named(lab, word), word
                )
                for word in ("1e400", "0b_", "0x_", "_1", "1:20.5")
            },
            "an authority beyond ASCII in an ASCII locale": lambda lab: {
                **ASCII,
                **lab.config(
                    cluster={
                        "certificate-authority-data": None,
                        "certificate-authority": lab.write("z\xfcrich.crt", lab.authority),
                    }
                ),
            },
            "a token file beyond ASCII in an ASCII locale": lambda lab: {
                **ASCII,
                **lab.config(user={"tokenFile": lab.write("z\xfc", lab.token)}),
            },
            "a path above the root": lambda lab: lab.config(
                cluster={"server": f"{lab.server}/a/.."}
            ),
            "an encoded dot for a path": lambda lab: lab.config(
                cluster={"server": f"{lab.server}/%2e"}
            ),
            "a name of the server that ends with a dot": lambda lab: lab.config(
                cluster={"tls-server-name": "localhost."}
            ),
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
            **{
                f"the name {word}, which is a number": (
                    partial(lambda word, lab: _named(lab, word), word),
                    "must be a text",
                )
                for word in ("0X1F", "0B1", "0O7", "+_1", "-_1", "0_7", "1__", "08", "+.5")
            },
            **{
                f"{field} that are {what}": (
                    partial(lambda field, value, lab: lab.config(**{field: value}), field, value),
                    "must be a",
                )
                for field, what, value in (
                    ("preferences", "a number", 4),
                    ("extensions", "a map", {}),
                    ("extensions", "text", "x"),
                )
            },
            "extensions of a context that are text": (
                lambda lab: lab.config(context={"extensions": "x"}),
                "must be a list",
            ),
            "extensions of a user that are text": (
                lambda lab: lab.config(user=by(lab.boss, extensions="x")),
                "must be a list",
            ),
            "a list for a key": (
                lambda lab: lab.text(yaml.safe_dump(lab.document()) + "? [a]\n: 1\n"),
                "a key",
            ),
            "nothing for a key": (
                lambda lab: lab.config(
                    user=by(lab.boss, **{"as": "a", "as-user-extra": {None: ["c"]}})
                ),
                "a key",
            ),
            "another version of YAML": (
                lambda lab: lab.text(f"%YAML 1.2\n---\n{yaml.safe_dump(lab.document())}"),
                "version 1.1",
            ),
            **{
                f"the server {server}": (
                    partial(lambda server, lab: lab.config(cluster={"server": server}), server),
                    said,
                )
                for server, said in {
                    "https://foo..bar": "can't be reached",
                    "https://.example.com": "is no URL",
                    f"https://{'a' * 64}.invalid": "can't be reached",
                    "https://127.1:1": "is no URL",
                    "https://0x7f000001:1": "is no URL",
                    "https://127.000.000.001:1": "is no URL",
                    "wss://127.0.0.1:1": "is no URL",
                    "ftp://127.0.0.1:1": "is no URL",
                    "https://127.0.0.1:0": "can't be reached",
                    "https://127.0.0.1:1/%zz": "is no URL",
                }.items()
            },
            "a server with a fragment": (
                lambda lab: lab.config(cluster={"server": f"{lab.server}/#x"}),
                "is no URL",
            ),
            "a server with a path beyond ASCII": (
                lambda lab: lab.config(cluster={"server": f"{lab.server}/\xfc"}),
                "404 page not found",
            ),
            **{
                f"the name of a server {name[:9]}": (
                    partial(lambda name, lab: lab.config(cluster={"tls-server-name": name}), name),
                    said,
                )
                for name, said in {
                    "a..b": "isn't trusted",
                    ".a": "no name of a server",
                    "a" * 70: "isn't trusted",
                }.items()
            },
            "an authority with a NUL in its path": (
                lambda lab: lab.config(
                    cluster={"certificate-authority-data": None, "certificate-authority": "a\0b"}
                ),
                "can't be read",
            ),
            "a token file with a NUL in its path": (
                lambda lab: lab.config(user={"tokenFile": "a\0b"}),
                "can't be read",
            ),
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
