"""Whom the policy on Changesets trusts, as the chart renders it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.helm import NAMESPACE, Helm, Rendered

POLICY = "setops-changeset-users"


def trusted(rendered: Rendered, name: str = POLICY) -> str:
    """The list of accounts in the policy's only match condition."""
    [condition] = rendered.one("ValidatingAdmissionPolicy", name)["spec"]["matchConditions"]
    start = "!(request.userInfo.username in "
    expression: str = condition["expression"]
    assert expression.startswith(start)
    return expression.removeprefix(start).removesuffix(")")


@pytest.mark.parametrize(
    ("values", "account"),
    [
        ({}, "setops"),
        ({"fullnameOverride": "platform"}, "platform"),
        ({"serviceAccount": {"name": "operator"}}, "operator"),
        ({"serviceAccount": {"create": False, "name": "existing"}}, "existing"),
    ],
)
def test_the_operator_is_trusted(helm: Helm, values: dict[str, Any], account: str) -> None:
    rendered = helm.template(values)
    name = f"{values.get('fullnameOverride', 'setops')}-changeset-users"
    assert trusted(rendered, name) == f'["system:serviceaccount:{NAMESPACE}:{account}"]'


def test_accounts_of_the_values_are_trusted(helm: Helm) -> None:
    argo_cd = "system:serviceaccount:argocd:argocd-application-controller"
    rendered = helm.template({"trustedAccounts": [argo_cd, "bot@example.com"]})
    assert (
        trusted(rendered)
        == f'["system:serviceaccount:{NAMESPACE}:setops","{argo_cd}","bot@example.com"]'
    )


def test_a_name_with_quotes_stays_one_name(helm: Helm) -> None:
    rendered = helm.template({"trustedAccounts": ['a"]||["b', "c'd\\"]})
    assert trusted(rendered).endswith(r'"a\"]||[\"b","c' + "'" + r'd\\"]')


def test_it_sees_every_way_to_write_a_changeset_and_no_status(default: Rendered) -> None:
    spec = default.one("ValidatingAdmissionPolicy", POLICY)["spec"]
    assert spec["failurePolicy"] == "Fail"
    assert spec["matchConstraints"] == {
        "resourceRules": [
            {
                "apiGroups": ["setops.co"],
                "apiVersions": ["*"],
                "resources": ["changesets"],
                "operations": ["CREATE", "UPDATE"],
            }
        ]
    }
    binding = default.one("ValidatingAdmissionPolicyBinding", POLICY)["spec"]
    assert binding == {"policyName": POLICY, "validationActions": ["Deny"]}
