"""The whole story on a real control plane: `make demo`.

Applies the files of examples/ with kubectl and shows every command that it runs. Each claim is
checked; the first one that doesn't hold ends the demo with exit code 1.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any, Final

import boto3

from sandbox import Sandbox
from sandbox.story import ClaimFailedError, Story
from setops.aws.identity import Identity
from setops.aws.naming import resource_name

EXAMPLES: Final = "examples"
NAMESPACE: Final = "myproject-production"
DEVELOPER: Final = "dev@example.com"
OPERATIONS: Final = "ops@example.com"

_PLAN: Final = """{{.status.plan.summary}}
{{range .status.plan.changes}}  {{.action}} {{.kind}} {{.name}}
{{range .fields}}      {{.path}}: {{with .from}}{{.}} -> {{end}}{{.to}}
{{end}}{{with .effect}}      ! {{.}}
{{end}}{{end}}"""
_ERRORS: Final = """{{range .status.errors}}commands[{{.command}}] {{.code}} ({{.validator}})
    {{.message}}
{{end}}"""


def tell(story: Story, sandbox: Sandbox, *, keep: bool) -> None:
    """The story, from an empty cluster to an empty cluster; with `keep`, a pause before the end."""
    _namespaces(story)
    _first_changeset(story, sandbox)
    _worker(story)
    _errors(story)
    _discarded(story)
    _rolled_back(story)
    _service_fails(story, sandbox)
    _merged(story)
    _conflict(story)
    _cancelled(story)
    _scale_and_repair(story)
    if keep:
        _keep(sandbox)
    _end(story, sandbox)


def _namespaces(story: Story) -> None:
    story.chapter("An Organization, a Project and a Stage")
    story.kubectl("apply", "-f", f"{EXAMPLES}/organization.yaml", "-f", f"{EXAMPLES}/project.yaml")
    story.kubectl("wait", "--for=condition=Ready", "project.setops.co/myproject")
    story.kubectl("apply", "-f", f"{EXAMPLES}/stage.yaml")
    story.kubectl("wait", "--for=condition=Ready", "-n", "myproject", "sstage/production")
    story.kubectl("get", "namespaces", "-l", "setops.co/project=myproject")
    story.claim(
        f"the Stage has a namespace of its own, {NAMESPACE}",
        lambda: bool(story.read("get", "namespace", NAMESPACE)),
    )
    story.kubectl("get", "networkpolicies", "-n", NAMESPACE)
    story.kubectl("apply", "-f", f"{EXAMPLES}/access.yaml")


def _first_changeset(story: Story, sandbox: Sandbox) -> None:
    story.chapter("A Changeset: an App with a release, a database, a bucket, and the links")
    print(Path(EXAMPLES, "changeset-web.yaml").read_text(encoding="utf-8"))
    story.as_user(DEVELOPER, "apply", "-f", f"{EXAMPLES}/changeset-web.yaml")
    story.follow("create-web", NAMESPACE)
    story.kubectl("wait", "--for=condition=Complete", "-n", NAMESPACE, "scs/create-web")
    story.kubectl("get", "scs/create-web", "-n", NAMESPACE, "-o", f"go-template={_PLAN}")
    story.kubectl("get", "setops", "-A")
    story.kubectl("get", "deployments,pods", "-n", NAMESPACE)
    story.claim("one container of web runs", lambda: _running(story, "web") == 1)
    _at_aws(story, sandbox)
    _links(story)


def _at_aws(story: Story, sandbox: Sandbox) -> None:
    """The bucket and the database as the emulator lists them."""
    buckets = _buckets(sandbox)
    print("Buckets, as the AWS emulator lists them:", ", ".join(buckets))
    story.claim("exactly one bucket exists", lambda: len(buckets) == 1)
    databases = _databases(sandbox)
    shown = (
        "DBInstanceIdentifier",
        "DBInstanceStatus",
        "DBInstanceClass",
        "EngineVersion",
        "AllocatedStorage",
        "MaxAllocatedStorage",
        "StorageEncrypted",
        "PubliclyAccessible",
        "DeletionProtection",
    )
    print("Databases, as the AWS emulator lists them:")
    for database in databases:
        print(json.dumps({name: database.get(name) for name in shown}, indent=2))
    story.claim("exactly one database exists", lambda: len(databases) == 1)
    tags = {tag["Key"]: tag["Value"] for tag in databases[0]["TagList"]}
    story.claim("it is tagged with its Service", lambda: tags["setops:service"] == "database")


def _links(story: Story) -> None:
    """What the Services give to the App that links them."""
    for service in ("database", "store"):
        secret = story.read("get", "secret", f"service-{service}", "-n", NAMESPACE)
        print(f"Keys of Secret service-{service}:", ", ".join(sorted(secret["data"])))
    container = story.read("get", "deployment", "web", "-n", NAMESPACE)["spec"]["template"]["spec"][
        "containers"
    ][0]
    print("Environment of the container:", json.dumps(container["env"], indent=2))
    variables = {variable["name"]: variable for variable in container["env"]}
    story.claim("it listens on port 3000", lambda: variables["PORT"]["value"] == "3000")
    for service, variable in (("database", "DATABASE_URL"), ("store", "STORE_URL")):
        taken = variables[variable]["valueFrom"]["secretKeyRef"]
        wanted = {"name": f"service-{service}", "key": "url"}
        story.claim(
            f"it takes {variable} from the Secret of {service}",
            lambda taken=taken, wanted=wanted: taken == wanted,  # type: ignore[misc]
        )


def _worker(story: Story) -> None:
    story.chapter("The platform's own example: a worker with scale 2")
    story.as_user(DEVELOPER, "apply", "-f", f"{EXAMPLES}/changeset-worker.yaml")
    story.follow("add-worker", NAMESPACE)
    story.kubectl("wait", "--for=condition=Complete", "-n", NAMESPACE, "scs/add-worker")
    story.kubectl("get", "scs/add-worker", "-n", NAMESPACE, "-o", f"go-template={_PLAN}")
    story.kubectl("get", "sapp", "-n", NAMESPACE)
    story.claim("two containers of worker run", lambda: _running(story, "worker") == 2)
    stage = story.read("get", "sstage", "production", "-n", "myproject")
    story.claim("the Stage is at revision 2", lambda: stage["status"]["revision"] == 2)


def _errors(story: Story) -> None:
    story.chapter("A Changeset with three errors: all are told, nothing is changed")
    before = _specs(story)
    story.as_user(DEVELOPER, "apply", "-f", f"{EXAMPLES}/changeset-errors.yaml")
    story.kubectl("wait", "--for=condition=Failed", "-n", NAMESPACE, "scs/three-errors")
    said = story.kubectl("get", "scs/three-errors", "-n", NAMESPACE, "-o", f"go-template={_ERRORS}")
    story.claim("three errors are named", lambda: said.count("commands[") == 3)
    story.claim("nothing was changed", lambda: _specs(story) == before)


def _discarded(story: Story) -> None:
    story.chapter("A Changeset that is open shows its plan; it is discarded")
    before = _specs(story)
    _begin(story, DEVELOPER, "changeset-discarded", "second-thoughts")
    _refused_to_another(story)
    _set(story, DEVELOPER, "second-thoughts", "discard")
    status = story.follow("second-thoughts", NAMESPACE)
    story.claim("it ended Discarded", lambda: status["phase"] == "Discarded")
    story.claim("nothing was changed", lambda: _specs(story) == before)


def _refused_to_another(story: Story) -> None:
    refused = story.as_user(
        OPERATIONS, "patch", "scs", "second-thoughts", "-n", NAMESPACE, "--type=merge",
        "-p", '{"spec":{"commit":true}}', fails=True,
    )  # fmt: skip
    story.claim("nobody else may commit it", lambda: DEVELOPER in refused)


def _rolled_back(story: Story) -> None:
    story.chapter("An image that can't be pulled: the commit fails, everything is put back")
    before = _specs(story)
    story.as_user(DEVELOPER, "apply", "-f", f"{EXAMPLES}/changeset-unpullable.yaml")
    status = story.follow("unpullable", NAMESPACE)
    story.claim("it ended Failed", lambda: status["phase"] == "Failed")
    story.claim("every resource is as before", lambda: _specs(story) == before)
    story.claim("web runs as before", lambda: _running(story, "web") == 1)


def _service_fails(story: Story, sandbox: Sandbox) -> None:
    story.chapter("A Service that fails: its bucket's name is taken, and all of it is undone")
    before = _specs(story)
    name = resource_name(Identity.of_service("acme", "myproject", "production", "archive"), 63)
    print(f"Somebody else makes bucket {name}, as no operator would know it.")
    s3 = _aws(sandbox, "s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    story.as_user(DEVELOPER, "apply", "-f", f"{EXAMPLES}/changeset-archive.yaml")
    status = story.follow("add-archive", NAMESPACE)
    story.claim("it ended Failed", lambda: status["phase"] == "Failed")
    said = status["errors"][0]["message"]
    story.claim("it names the bucket that isn't ours", lambda: name in said)
    story.claim("every resource is as before", lambda: _specs(story) == before)
    story.claim("the second database is gone again", lambda: len(_databases(sandbox)) == 1)
    story.claim("that bucket is untouched", lambda: name in _buckets(sandbox))
    s3.delete_bucket(Bucket=name)


def _merged(story: Story) -> None:
    story.chapter("Two users change different things at the same time: both are merged")
    _begin(story, DEVELOPER, "changeset-more-memory", "more-memory")
    _begin(story, OPERATIONS, "changeset-debug", "debug")
    for user, name in ((DEVELOPER, "more-memory"), (OPERATIONS, "debug")):
        _set(story, user, name, "commit")
        status = story.follow(name, NAMESPACE)
        _claim_phase(story, f"{name} of {user} is committed", status, "Committed")
    web = _specs(story)["App/web"]
    story.claim(
        "web has what both asked for",
        lambda: (web["resources"]["memory"], web["env"]["LOG_LEVEL"]["value"]) == (1024, "debug"),
    )


def _conflict(story: Story) -> None:
    story.chapter("Two users change the same thing: the second one is told whose change it meets")
    _begin(story, DEVELOPER, "changeset-five-workers", "five-workers")
    _begin(story, OPERATIONS, "changeset-no-workers", "no-workers")
    _set(story, DEVELOPER, "five-workers", "commit")
    story.follow("five-workers", NAMESPACE)
    _set(story, OPERATIONS, "no-workers", "commit")
    status = story.follow("no-workers", NAMESPACE)
    story.claim("the second one failed", lambda: status["phase"] == "Failed")
    said = status["errors"][0]["message"]
    story.claim(
        "field and both users are named",
        lambda: all(word in said for word in ("resources.scale", DEVELOPER, OPERATIONS)),
    )
    story.claim("five workers run", lambda: _running(story, "worker") == 5)


def _cancelled(story: Story) -> None:
    story.chapter("A commit that is cancelled while it runs")
    before = _specs(story)
    story.as_user(DEVELOPER, "apply", "-f", f"{EXAMPLES}/changeset-cancelled.yaml")
    story.claim(
        "it runs, and holds the Stage's lock",
        lambda: (
            story.read("get", "sstage", "production", "-n", "myproject")["status"]
            .get("currentChangeset", {})
            .get("changeset")
            == "too-long"
        ),
    )
    _set(story, DEVELOPER, "too-long", "discard")
    status = story.follow("too-long", NAMESPACE)
    story.claim("it ended Failed, as cancelled", lambda: status["phase"] == "Failed")
    story.claim("every resource is as before", lambda: _specs(story) == before)
    story.claim("five workers run", lambda: _running(story, "worker") == 5)


def _claim_phase(story: Story, what: str, status: dict[str, Any], phase: str) -> None:
    story.claim(what, lambda: status["phase"] == phase)


def _begin(story: Story, user: str, file: str, name: str) -> None:
    """Apply an open Changeset and show its plan."""
    story.as_user(user, "apply", "-f", f"{EXAMPLES}/{file}.yaml")
    story.claim(
        f"{name} is open",
        lambda: (
            story.read("get", f"scs/{name}", "-n", NAMESPACE).get("status", {}).get("phase")
            == "Open"
        ),
    )
    story.kubectl("get", f"scs/{name}", "-n", NAMESPACE, "-o", f"go-template={_PLAN}")


def _set(story: Story, user: str, name: str, field: str) -> None:
    story.as_user(
        user, "patch", "scs", name, "-n", NAMESPACE, "--type=merge",
        "-p", json.dumps({"spec": {field: True}}),
    )  # fmt: skip


def _scale_and_repair(story: Story) -> None:
    story.chapter("kubectl scale, a wrong value, and a child that somebody breaks")
    story.kubectl("scale", "sapp/web", "--replicas", "3", "-n", NAMESPACE)
    story.claim("three containers of web run", lambda: _running(story, "web") == 3)
    refused = story.kubectl(
        "patch", "sapp", "web", "-n", NAMESPACE, "--type=merge",
        "-p", '{"spec":{"resources":{"memory":100}}}', fails=True,
    )  # fmt: skip
    story.claim("a wrong value is refused by the API server", lambda: "multiple of 128" in refused)
    story.kubectl("set", "image", "deployment/web", "app=nginx:evil", "-n", NAMESPACE)
    story.claim("the Deployment's image is put right", lambda: "evil" not in _image(story))
    story.kubectl("delete", "service", "web", "-n", NAMESPACE)
    story.claim(
        "the deleted Service is made again",
        lambda: bool(story.read("get", "service", "web", "-n", NAMESPACE)),
    )


def _end(story: Story, sandbox: Sandbox) -> None:
    story.chapter("The end: deleting the Project ends everything in it")
    kept = _buckets(sandbox)
    story.kubectl("delete", "project.setops.co/myproject")
    story.kubectl("get", "setops", "-A")
    story.claim(
        "no Stage, App, Service or Changeset is left",
        lambda: (
            {item["kind"] for item in story.read("get", "setops", "-A").get("items", [])}
            == {"Organization"}
        ),
    )
    story.claim(
        "no namespace of the Project is left",
        lambda: not story.read("get", "namespaces", "-l", "setops.co/project").get("items"),
    )
    story.claim("no user with a key is left at AWS", lambda: not _users(sandbox))
    story.claim(
        "the bucket is kept with its data: a bucket's deletion policy is Retain unless told "
        "otherwise",
        lambda: _buckets(sandbox) == kept,
    )
    snapshots = _aws(sandbox, "rds").describe_db_snapshots()["DBSnapshots"]
    print("Snapshots:", ", ".join(each["DBSnapshotIdentifier"] for each in snapshots))
    story.claim("no database is left", lambda: not _databases(sandbox))
    story.claim("a final snapshot keeps its data", lambda: len(snapshots) == 1)
    story.kubectl("delete", "organization.setops.co/acme")
    story.claim(
        "nothing of SetOps is left", lambda: not story.read("get", "setops", "-A").get("items")
    )


def _running(story: Story, app: str) -> int:
    status = story.read("get", "sapp", app, "-n", NAMESPACE).get("status", {})
    pods = story.read("get", "pods", "-n", NAMESPACE, "-l", f"setops.co/app={app}")["items"]
    running = sum(pod["status"].get("phase") == "Running" for pod in pods)
    return running if running == status.get("readyReplicas") == len(pods) else -1


def _specs(story: Story) -> dict[str, Any]:
    items = story.read("get", "sapp,ssvc,snotify", "-n", NAMESPACE)["items"]
    return {f"{item['kind']}/{item['metadata']['name']}": item["spec"] for item in items}


def _image(story: Story) -> str:
    deployment = story.read("get", "deployment", "web", "-n", NAMESPACE)
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def _aws(sandbox: Sandbox, product: str) -> Any:
    exports = sandbox.exports
    return boto3.client(
        product,  # type: ignore[call-overload]
        endpoint_url=sandbox.aws_endpoint,
        region_name=exports["AWS_DEFAULT_REGION"],
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )


def _buckets(sandbox: Sandbox) -> list[str]:
    return [bucket["Name"] for bucket in _aws(sandbox, "s3").list_buckets()["Buckets"]]


def _databases(sandbox: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _aws(sandbox, "rds").describe_db_instances()["DBInstances"]
    return found


def _users(sandbox: Sandbox) -> list[str]:
    return [user["UserName"] for user in _aws(sandbox, "iam").list_users()["Users"]]


def main() -> int:
    """Tell the story; 0 only if every claim held."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument(
        "--keep", action="store_true", help="leave everything up before the last part, until Ctrl-C"
    )
    arguments = parser.parse_args()
    print("Starting a control plane …", flush=True)
    with Sandbox.start() as sandbox, sandbox.operator():
        story = Story(sandbox)
        try:
            tell(story, sandbox, keep=arguments.keep)
        except ClaimFailedError as failed:
            print(f"\n✗ does not hold: {failed}", file=sys.stderr)
            return 1
        print(f"\nAll {story.claims} claims held.")
    return 0


def _keep(sandbox: Sandbox) -> None:
    print("It stays up until Ctrl-C; in another terminal:")
    for name, value in sandbox.exports.items():
        print(f"  export {name}={shlex.quote(value)}")
    print(f"  export PATH={shlex.quote(str(sandbox.tools))}:$PATH", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print("\nOn to the end …")


if __name__ == "__main__":
    sys.exit(main())
