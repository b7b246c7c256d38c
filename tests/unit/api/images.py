"""References to images, valid or not, by the library `distribution/reference`."""

from __future__ import annotations

from typing import Final

HEX: Final = "0123456789abcdef" * 8
SHA256: Final = f"sha256:{HEX[:64]}"
SHA384: Final = f"sha384:{HEX[:96]}"
SHA512: Final = f"sha512:{HEX}"
PATH_255: Final = "/".join(["a" * 63] * 4)
LONGEST: Final = f"{'h' * 63}.example.com:65535/{PATH_255}:{'t' * 128}@{SHA512}"

VALID: Final = (
    # Names alone, of Docker Hub.
    "a", "1", "nginx", "a-b", "a--b", "a---b", "a_b", "a__b", "a.b", "a-b.c_d__e", "library/nginx",
    "a/b/c/d/e/f", "a" * 247, f"a/{'b' * 253}", PATH_255, "docker.io/nginx",
    "index.docker.io/nginx", f"docker.io/{'a' * 247}", f"index.docker.io/{'a' * 247}",
    f"docker.io/{PATH_255}", "localhost", "localhost:5000", "registry.example.com",
    # Hosts.
    "localhost/a", "localhost:5000/a/b", "registry.example.com/a", "registry.example.com:443/a",
    "127.0.0.1/a", "127.0.0.1:5000/a", "1.2/a", "a:1/b", "a:00000001/b", "a:123456789/b",
    "Registry.Example.Com/a", "REGISTRY/a", "REGISTRY:5000/a", "rEg/a", "reG/a", "re-G-x/a", "R/a",
    "LOCALHOST/a", "DOCKER.IO/a", f"DOCKER.IO/{'a' * 255}", "a-b.c-d/e", "a--b.c/d", "1a.2b/c",
    "[::1]/a", "[::1]:5000/a/b:1", "[2001:db8::1]/a", "[2001:DB8::1]:443/a", "[ABCD]/a", "[a]:1/b",
    "[:]/a", "xn--80ak6aa92e.com/a", f"{'a.' * 30}com/b", f"{'h' * 300}.com/a",
    # A first part with a dot that is no host is the beginning of a path.
    "r_x.com/a", "a__b.c/d", "a.b_c/d", "r_x/a",
    # Tags and digests.
    "a:1", "a:latest", "a:V1.0_x-y", "a:_", f"a:{'t' * 128}", "a:A", "a:1.", "a:-"[:2] + "1-",
    f"a@{SHA256}", f"a:1@{SHA256}", f"a@{SHA384}", f"a@{SHA512}", f"r.example.com/a/b:1@{SHA512}",
    f"[::1]:5000/a@{SHA256}", f"Registry:5000/a:T@{SHA256}", f"a:sha256@{SHA256}",
    f"sha256:{HEX[:64]}",
    # Almost the id of an image.
    HEX[:63], f"{HEX[:64]}a", f"{HEX[:64]}:1", f"{HEX[:64]}@{SHA256}", f"a/{HEX[:64]}",
    f"docker.io/{HEX[:64]}", HEX[:32], HEX[:40], "g" * 64, HEX, LONGEST,
)  # fmt: skip

INVALID: Final = (
    # Names.
    "", " ", "A", "Nginx", "my image", " nginx", "nginx ", "nginx\n", "\nnginx", "nginx\t", "a..b",
    "a___b", "a._b", "a.-b", "a-_b", "-a", "a-", ".a", "a.", "_a", "a_", "ä", "a/ä", "a\0", "a\x7f",
    "a/", "/a", "//", "a//b", "a/B", "a/b/C", "a/-b", "a/b-", "nginx!", "a+b", "a~b", "a\\b", "a,b",
    "http://a", "https://r.example.com/a", "docker://a", "a b/c", "\U0001f600", "a\u200d",
    HEX[:64], "f" * 64, "0" * 64,
    "a" * 248, f"a/{'b' * 254}", f"{PATH_255}b", f"docker.io/{'a' * 248}",
    f"index.docker.io/{'a' * 248}", f"docker.io/{PATH_255}b", f"r.example.com/{'a' * 256}",
    f"localhost/{'a' * 256}", f"R/{'a' * 256}", f"[::1]/{'a' * 256}", f"r:5000/{'a' * 256}:1",
    f"{'a' * 248}:1", f"{'a' * 248}@{SHA256}", f"r_x.com/{'a' * 248}", f"r/{PATH_255}",
    f"docker.io/{'a' * 248}:1@{SHA256}",
    # Hosts.
    "-r.com/a", "r-.com/a", "r..com/a", "r.com./a", ".r.com/a", "r.com:/a", "r.com:x/a", ":5000/a",
    "r_x.com:5000/a", "r_x:5000/a", "Rx_/a", "R_x.com/a", "[::1/a", "::1/a", "::1]/a", "[]/a",
    "[]:1/a", "[g::]/a", "[::1%eth0]/a", "[::1]a/b", "[::1]:/a", "[::1]", "[::1]:5000", "[abcd]/a",
    "[1]/a", "[::ffff:1.2.3.4]/a", "user@r.com/a", "r.com:5000:1/a", "ä.com/a", "r.com /a",
    # Tags and digests.
    "a:", "a:.", "a:-", "a:.1", "a:-1", f"a:{'t' * 129}", "a:1:2", "a:ä", "a:1 2", "a:b/c", "a:1/",
    "a@", "a:1@", "@", ":1", f"@{SHA256}", f":1@{SHA256}", "a@sha256", "a@sha256:", "a@sha256:0123",
    f"a@sha256:{HEX[:63]}", f"a@sha256:{HEX[:65]}", f"a@sha256:{HEX[:64].upper()}",
    f"a@SHA256:{HEX[:64]}", f"a@Sha256:{HEX[:64]}", f"a@sha384:{HEX[:64]}", f"a@sha512:{HEX[:127]}",
    f"a@md5:{HEX[:32]}", f"a@sha1:{HEX[:40]}", f"a@sha256+b64:{HEX[:64]}", f"a@{SHA256}:1",
    f"a@{SHA256}@{SHA256}", f"a@{SHA256}\n", f"a@{HEX[:64]}", f"a@blake3:{HEX[:64]}",
)  # fmt: skip
