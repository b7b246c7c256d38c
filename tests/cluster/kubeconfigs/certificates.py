"""How server and client prove themselves."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from tests.cluster.kubeconfigs.lab import LATIN, Lab, Variables, bad, by, encoded, good, wrapped

MARK: Final = b"\xef\xbb\xbf"


def _of_type(kind: str, lab: Lab) -> Variables:
    certificate = lab.boss.certificate.replace(b"CERTIFICATE", kind.encode())
    return lab.config(user=by(lab.boss, **{"client-certificate-data": encoded(certificate)}))


CERTIFICATES: Final = [
    *good(
        {
            "the authority is in SSL_CERT_DIR, under any name": lambda lab: {
                **lab.config(cluster={"certificate-authority-data": None}),
                "SSL_CERT_DIR": str(Path(lab.write("cas/mine", lab.authority)).parent),
            },
            "line breaks in base64": lambda lab: lab.config(
                user={
                    "client-certificate-data": wrapped(lab.boss.certificate),
                    "client-key-data": wrapped(lab.boss.key).replace("\n", "\r\n"),
                },
                cluster={"certificate-authority-data": wrapped(lab.authority)},
            ),
            "comments in a bundle": lambda lab: lab.config(
                cluster={
                    "certificate-authority-data": encoded(
                        LATIN + lab.other_authority + b"\n# ours:\n" + lab.authority + LATIN
                    )
                }
            ),
            "carriage returns in a bundle": lambda lab: lab.config(
                cluster={
                    "certificate-authority-data": encoded(lab.authority.replace(b"\n", b"\r\n"))
                }
            ),
            "a broken certificate before the good one": lambda lab: lab.config(
                cluster={
                    "certificate-authority-data": encoded(
                        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
                        + lab.authority
                    )
                }
            ),
            "a key in a bundle": lambda lab: lab.config(
                cluster={"certificate-authority-data": encoded(lab.dev.key + lab.authority)}
            ),
            "a bundle without a last line break": lambda lab: lab.config(
                cluster={"certificate-authority-data": encoded(lab.authority.rstrip())}
            ),
            "files beside the kubeconfig": lambda lab: (
                lab.write("pki/ca.crt", LATIN + lab.authority),
                lab.write("pki/me.crt", LATIN + lab.boss.certificate),
                lab.write("pki/me.key", LATIN + lab.boss.key),
                lab.config(
                    user={"client-certificate": "pki/me.crt", "client-key": "./pki/me.key"},
                    cluster={
                        "certificate-authority-data": None,
                        "certificate-authority": "pki/../pki/ca.crt",
                    },
                ),
            )[3],
            "certificate and key in one file": lambda lab: (
                lab.write("me.pem", lab.boss.key + lab.boss.certificate),
                lab.config(user={"client-certificate": "me.pem", "client-key": "me.pem"}),
            )[1],
            "a certificate in the file, its key beside it": lambda lab: (
                lab.write("me.key", lab.boss.key),
                lab.config(
                    user={
                        "client-certificate-data": encoded(lab.boss.certificate),
                        "client-key": "me.key",
                    }
                ),
            )[1],
            "empty data beside a file": lambda lab: lab.config(
                cluster={
                    "certificate-authority-data": "",
                    "certificate-authority": lab.write("ca.crt", lab.authority),
                }
            ),
            "no check of the server": lambda lab: lab.config(
                cluster={"certificate-authority-data": None, "insecure-skip-tls-verify": True}
            ),
            "another name of the server": lambda lab: lab.config(
                cluster={"tls-server-name": "kubernetes.default"}
            ),
            "the server's certificate itself is trusted": lambda lab: lab.config(
                cluster={"certificate-authority-data": encoded(lab.server_certificate)}
            ),
        }
    ),
    *bad(
        {
            **{
                f"a certificate of the type {kind}": (
                    partial(_of_type, kind),
                    "has no block of PEM",
                )
                for kind in ("TRUSTED CERTIFICATE", "X509 CERTIFICATE")
            },
            "a byte order mark before a certificate": (
                lambda lab: lab.config(
                    user=by(
                        lab.boss,
                        **{"client-certificate-data": encoded(MARK + lab.boss.certificate)},
                    )
                ),
                "has no block of PEM",
            ),
            "a byte order mark before a key": (
                lambda lab: lab.config(
                    user=by(lab.boss, **{"client-key-data": encoded(MARK + lab.boss.key)})
                ),
                "has no block of PEM",
            ),
            "authorities without a line break between": (
                lambda lab: lab.config(
                    cluster={
                        "certificate-authority-data": encoded(
                            lab.other_authority.rstrip() + lab.authority
                        )
                    }
                ),
                "holds no certificate",
            ),
            "an empty certificate beside a token": (
                lambda lab: lab.config(
                    user={
                        "token": lab.token,
                        "client-certificate": lab.write("c", b""),
                        "client-key": lab.write("k", b""),
                    }
                ),
                "is empty",
            ),
            "an authority and no check": (
                lambda lab: lab.config(cluster={"insecure-skip-tls-verify": True}),
                "remove one",
            ),
            "an authority twice": (
                lambda lab: lab.config(
                    cluster={"certificate-authority": lab.write("ca.crt", lab.authority)}
                ),
                "remove one",
            ),
            "another authority": (
                lambda lab: lab.config(
                    cluster={"certificate-authority-data": encoded(lab.other_authority)}
                ),
                "isn't trusted",
            ),
            "an authority that is nowhere": (
                lambda lab: lab.config(
                    cluster={"certificate-authority-data": None, "certificate-authority": "no.crt"}
                ),
                "can't be read",
            ),
            "an empty authority": (
                lambda lab: lab.config(
                    cluster={
                        "certificate-authority-data": None,
                        "certificate-authority": lab.write("ca.crt", ""),
                    }
                ),
                "holds no certificate",
            ),
            "an authority that is none": (
                lambda lab: lab.config(cluster={"certificate-authority-data": encoded(b"no PEM")}),
                "holds no certificate",
            ),
            "no authority at all": (
                lambda lab: lab.config(cluster={"certificate-authority-data": None}),
                "isn't trusted",
            ),
            "a blank in base64": (
                lambda lab: lab.config(
                    cluster={"certificate-authority-data": f" {encoded(lab.authority)}"}
                ),
                "no base64",
            ),
            "broken base64 in another user": (
                lambda lab: lab.config(
                    users=[
                        {"name": "it", "user": by(lab.boss)},
                        {"name": "other", "user": {"client-key-data": "%"}},
                    ]
                ),
                "no base64",
            ),
            "a name that isn't the server's": (
                lambda lab: lab.config(cluster={"tls-server-name": "example.com"}),
                "isn't trusted",
            ),
            "a certificate without its key": (
                lambda lab: lab.config(
                    user={"client-certificate-data": encoded(lab.boss.certificate)}
                ),
                "without its key",
            ),
            "a certificate twice": (
                lambda lab: lab.config(
                    user=by(lab.boss, **{"client-certificate": lab.write("a", b"")})
                ),
                "remove one",
            ),
            "somebody else's key": (
                lambda lab: lab.config(
                    user=by(lab.boss, **{"client-key-data": encoded(lab.dev.key)})
                ),
                "can't be used",
            ),
            "a certificate that is none": (
                lambda lab: lab.config(
                    user=by(lab.boss, **{"client-certificate-data": encoded(b"no PEM")})
                ),
                "can't be used",
            ),
            "an encrypted key": (
                lambda lab: lab.config(
                    user=by(lab.boss, **{"client-key-data": encoded(lab.encrypted_key)})
                ),
                "is encrypted",
            ),
        }
    ),
]
