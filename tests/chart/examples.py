"""Values that differ from every default."""

from __future__ import annotations

from typing import Any, Final

DIGEST: Final = "sha256:" + "0123456789abcdef" * 4

ALL_VALUES: Final[dict[str, Any]] = {
    "fullnameOverride": "platform",
    "replicas": 3,
    "image": {
        "repository": "registry.example.com:5000/platform/setops",
        "tag": "1.2.3",
        "digest": DIGEST,
        "pullPolicy": "Always",
        "pullSecrets": ["registry"],
    },
    "namespacePrefix": "so-",
    "ingressNamespaceLabels": {"team": "network", "tier": "edge"},
    "gitManagers": ["flux", "argocd-controller"],
    "trustedAccounts": ["system:serviceaccount:ci:deployer", "bot@example.com"],
    "workers": 4,
    "aws": {"threads": 3, "clusterName": "eu-1"},
    "changesets": {"keep": 7, "keepDays": 1.5},
    "planning": {"seconds": 3.5, "memory": 128},
    "retryCap": 30,
    "resync": 0,
    "driftInterval": 5.5,
    "shutdownGrace": 3.5,
    "lease": {"duration": 4, "renewDeadline": 2.5, "retryPeriod": 0.5},
    "logLevel": "debug",
    "logFormat": "text",
    "listenAddress": "::",
    "ports": {"health": 9080, "metrics": 9081},
    "metrics": {
        "serviceAnnotations": {"prometheus.io/scrape": "true"},
        "alerts": {"enabled": True, "labels": {"release": "kube-prometheus-stack"}},
    },
    "env": [
        {"name": "AWS_ENDPOINT_URL", "value": "http://127.0.0.1:4566"},
        {
            "name": "AWS_ACCESS_KEY_ID",
            "valueFrom": {"secretKeyRef": {"name": "aws", "key": "id"}},
        },
    ],
    "serviceAccount": {
        "create": False,
        "name": "operator",
        "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/setops"},
    },
    "rbac": {"aggregateToDefaultRoles": False},
    "resources": {
        "requests": {"cpu": "250m", "memory": "128Mi"},
        "limits": {"cpu": 2, "memory": "1Gi"},
    },
    "topologySpread": {"zones": "DoNotSchedule", "nodes": "DoNotSchedule"},
    "runAsUser": 1234,
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
                ]
            }
        }
    },
    "podAnnotations": {"example.com/team": "platform"},
    "podLabels": {"team": "platform"},
    "global": {"region": "eu"},
}
