"""Whom the policies that guard labels, finalizers and network policies let through."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.helm import NAMESPACE, Helm, Rendered

NAMES = ("namespace-labels", "finalizers", "network-policies", "stage-isolation")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("values", "release", "account"),
    [
        ({}, "setops", "setops"),
        ({"fullnameOverride": "platform"}, "platform", "platform"),
        ({"serviceAccount": {"create": False, "name": "existing"}}, "setops", "existing"),
    ],
)
def test_the_operator_alone_passes(
    helm: Helm, name: str, values: dict[str, Any], release: str, account: str
) -> None:
    rendered = helm.template(values)
    spec = rendered.one("ValidatingAdmissionPolicy", f"{release}-{name}")["spec"]
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    expressions = [condition["expression"] for condition in spec["matchConditions"]]
    assert f'request.userInfo.username != "{user}"' in expressions


@pytest.mark.parametrize("name", NAMES)
def test_it_refuses_what_it_can_not_judge(default: Rendered, name: str) -> None:
    assert default.one("ValidatingAdmissionPolicy", f"setops-{name}")["spec"]["failurePolicy"] == (
        "Fail"
    )
    binding = default.one("ValidatingAdmissionPolicyBinding", f"setops-{name}")["spec"]
    assert binding == {"policyName": f"setops-{name}", "validationActions": ["Deny"]}


def test_a_trusted_account_speaks_for_git(helm: Helm) -> None:
    trusted = "system:serviceaccount:argocd:argocd-application-controller"
    rendered = helm.template({"trustedAccounts": [trusted], "gitManagers": ["flux"]})
    spec = rendered.one("ValidatingAdmissionPolicy", "setops-git-fields")["spec"]
    operator = f"system:serviceaccount:{NAMESPACE}:setops"
    (condition,) = spec["matchConditions"]
    assert condition["expression"] == (
        f'!(request.userInfo.username in ["{operator}","{trusted}"])'
    )
    names = {each["name"]: each["expression"] for each in spec["variables"]}
    assert (names["git"], names["reserved"]) == ('["flux"]', '["flux","setops"]')
    assert spec["failurePolicy"] == "Fail"


def test_without_git_the_operators_name_stays_its_own(helm: Helm) -> None:
    rendered = helm.template({"gitManagers": []})
    spec = rendered.one("ValidatingAdmissionPolicy", "setops-git-fields")["spec"]
    names = {each["name"]: each["expression"] for each in spec["variables"]}
    assert (names["git"], names["reserved"]) == ("[]", '["setops"]')
