"""Proxies of the kubeconfig and of the environment."""

from __future__ import annotations

from functools import partial
from typing import Final

from tests.cluster.kubeconfigs.lab import CLUSTER_NAME, Lab, Variables, bad, good

HERE: Final = "0.0.0.0"  # noqa: S104
"""An address that leads to this machine, and doesn't count as loopback."""

ADDRESSES: Final = (
    "*",
    HERE,
    "0.0.0.0:PORT",
    "0.0.0.0:1",
    "0.0.0.0/8",
    "0.0.0.7/29",
    "10.0.0.0/8, 0.0.0.0/32",
    "10.0.0.0/8,fd00::/8",
    "0.0.0",
    ".0",
    "0.0.0.0/99",
    "a, ,0.0.0.0 ",
    "::ffff:0.0.0.0",
    "::ffff:0.0.0.0/104",
    "0.0.0.0/255.0.0.0",
    "[0.0.0.0]",
    "0.0.0.0:",
    "::/0",
    "0/8",
)
ANY_NAME: Final = {"tls-server-name": "localhost"}
NAMES: Final = (
    "default",
    "ubernetes.default.svc",
    ".kubernetes.default.svc",
    "vc",
    "svc:1",
    "*default.svc",
    "*kubernetes.default.svc",
    "**",
    "*.",
)
"""Exceptions that aren't about the cluster's name."""


def _except(host: str, rule: str, lab: Lab) -> Variables:
    return lab.by_environment(host=host, HTTPS_PROXY="", NO_PROXY=rule.replace("PORT", lab.port))


PROXIES: Final = [
    *good(
        {
            "HTTP": lambda lab: lab.proxied("http"),
            "HTTP with a user and password": lambda lab: lab.proxied("http", "us%20er:p%40ss@"),
            "HTTP with a user alone": lambda lab: lab.proxied("http", "user@"),
            "HTTPS, trusted as the cluster is": lambda lab: lab.proxied("https"),
            "HTTPS with a user and password": lambda lab: lab.proxied("https", "user:pass@"),
            "SOCKS": lambda lab: lab.proxied("socks"),
            "SOCKS with a user and password": lambda lab: lab.proxied("socks", "us%20er:p%40ss@"),
            "SOCKS to an address": lambda lab: lab.proxied("socks", server=lab.server),
            "a path after the proxy": lambda lab: lab.proxied(
                "http",
                **{"proxy-url": f"http://127.0.0.1:{lab.forwarders['http'].port}/"},
            ),
            "a kubeconfig's proxy counts on loopback": lambda lab: lab.proxied(
                "http", server=lab.server
            ),
            "a kubeconfig's proxy counts before the environment": lambda lab: {
                **lab.proxied("http"),
                "HTTPS_PROXY": "http://127.0.0.1:1",
                "NO_PROXY": "*",
            },
            "plain HTTP by a proxy": lambda lab: lab.config(
                cluster={
                    "server": lab.gateway,
                    "certificate-authority-data": None,
                    "proxy-url": f"http://us:pw@127.0.0.1:{lab.forwarders['plain'].port}",
                },
            ),
            "LOCALHOST in capitals isn't excepted": lambda lab: lab.by_environment(
                host="LOCALHOST", HTTPS_PROXY=""
            ),
            "a host beyond ASCII by a proxy": lambda lab: lab.proxied(
                "http", server=f"https://z\xfcrich.example:{lab.port}", **ANY_NAME
            ),
            "a host beyond ASCII by SOCKS": lambda lab: lab.proxied(
                "socks", server=f"https://z\xfcrich.example:{lab.port}", **ANY_NAME
            ),
            "a label of 70 letters by SOCKS": lambda lab: lab.proxied(
                "socks", server=f"https://{'a' * 70}.example:{lab.port}", **ANY_NAME
            ),
            "a host that ends with a dot by a proxy": lambda lab: lab.proxied(
                "http", server=f"https://{CLUSTER_NAME}.:{lab.port}"
            ),
            "HTTPS_PROXY": lambda lab: lab.by_environment(HTTPS_PROXY=""),
            "https_proxy": lambda lab: lab.by_environment(https_proxy=""),
            "capital letters count first": lambda lab: lab.by_environment(
                HTTPS_PROXY="", https_proxy="http://127.0.0.1:1"
            ),
            "a proxy without a scheme": lambda lab: lab.by_environment(
                HTTPS_PROXY=f"127.0.0.1:{lab.forwarders['http'].port}"
            ),
            "a proxy named by a host alone without a scheme": lambda lab: lab.by_environment(
                HTTPS_PROXY=f"localhost:{lab.forwarders['http'].port}"
            ),
            "a proxy with a user, without a scheme": lambda lab: lab.by_environment(
                HTTPS_PROXY=f"me:pw@127.0.0.1:{lab.forwarders['http'].port}"
            ),
            "SOCKS in the environment": lambda lab: lab.by_environment("socks", HTTPS_PROXY=""),
            "SOCKS with names looked up there": lambda lab: lab.by_environment(
                HTTPS_PROXY=f"socks5h://127.0.0.1:{lab.forwarders['socks'].port}"
            ),
            "a proxy of all protocols counts for nothing": lambda lab: {
                **lab.config(),
                "ALL_PROXY": "http://127.0.0.1:1",
            },
            "none on loopback": lambda lab: {**lab.config(), "HTTPS_PROXY": "http://127.0.0.1:1"},
            "HTTP_PROXY isn't for TLS": lambda lab: {
                **lab.by_environment(host=HERE),
                "HTTP_PROXY": "http://127.0.0.1:1",
            },
            **{f"NO_PROXY={rule}": partial(_except, HERE, rule) for rule in ADDRESSES},
            **{
                f"NO_PROXY={rule} for a name": partial(_except, CLUSTER_NAME, rule)
                for rule in NAMES
            },
        }
    ),
    *bad(
        {
            **{
                f"a proxy with the login {login[:9]}": (
                    partial(lambda login, name, lab: lab.proxied(name, login), login, name),
                    said,
                )
                for login, name, said in (
                    ("u%zz:p@", "http", "can't be used"),
                    ("us\xfcr:p@", "http", "can't be used"),
                    (":p@", "socks", "needs a user"),
                    ("u" * 300 + ":p@", "socks", "needs a user"),
                )
            },
            "HTTP_PROXY in a CGI script": (
                lambda lab: {
                    **lab.config(
                        user={},
                        cluster={
                            "server": lab.gateway.replace("127.0.0.1", HERE),
                            "certificate-authority-data": None,
                        },
                    ),
                    "HTTP_PROXY": f"http://127.0.0.1:{lab.forwarders['plain'].port}",
                    "REQUEST_METHOD": "GET",
                },
                "REQUEST_METHOD",
            ),
            "a scheme that nobody has": (
                lambda lab: lab.config(cluster={"proxy-url": "ftp://127.0.0.1:1"}),
                "must begin with",
            ),
            "no scheme": (
                lambda lab: lab.config(cluster={"proxy-url": "127.0.0.1:1"}),
                "must begin with",
            ),
            "SOCKS with names looked up there, in a kubeconfig": (
                lambda lab: lab.config(cluster={"proxy-url": "socks5h://127.0.0.1:1"}),
                "must begin with",
            ),
            "no proxy there": (
                lambda lab: lab.config(cluster={"proxy-url": "http://127.0.0.1:1"}),
                "can't be reached",
            ),
            "a proxy that hangs up": (
                lambda lab: lab.proxied("broken"),
                "can't be reached",
            ),
            "NO_PROXY names the domain": (
                lambda lab: lab.by_environment(HTTPS_PROXY="", NO_PROXY="default.svc"),
                "can't be reached",
            ),
            "NO_PROXY names the host": (
                lambda lab: lab.by_environment(HTTPS_PROXY="", NO_PROXY="KUBERNETES.default.svc"),
                "can't be reached",
            ),
            "NO_PROXY names the top": (
                lambda lab: lab.by_environment(HTTPS_PROXY="", NO_PROXY="*.svc"),
                "can't be reached",
            ),
            "NO_PROXY names top and port": (
                lambda lab: lab.by_environment(HTTPS_PROXY="", NO_PROXY=f".svc:{lab.port}"),
                "can't be reached",
            ),
        }
    ),
]
