"""A Changeset applied with kubectl becomes scaled Deployments and a bucket, linked into the App."""

from __future__ import annotations

from tests.cluster.world import World


def test_commit_becomes_running_app_with_linked_bucket(world: World) -> None:
    namespace = world.stage()
    ended = world.commit(
        namespace,
        "app:create web",
        "--app web release:create registry.example.com/web:1",
        "--app web release:activate 1",
        "--app web container:set port 3000",
        "--app web resource:set scale 2",
        "service:create store --type s3",
        "--app web link:create store --env-key STORE_URL",
    )
    assert ended["status"]["phase"] == "Committed", ended["status"]
    assert ended["status"]["revision"] == 1
    app = world.wait("sapp", "web", namespace)
    assert app["status"]["readyReplicas"] == 2
    deployment = world.get("deployment", "web", namespace)
    assert deployment is not None
    env = {
        item["name"]: item
        for item in deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    assert env["PORT"]["value"] == "3000"
    assert env["STORE_URL"]["valueFrom"]["secretKeyRef"]["name"] == "service-store"
    assert world.get("pdb", "web", namespace) is not None
