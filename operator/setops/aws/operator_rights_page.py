"""The page about access to AWS, around the policies of `operator_rights`. Pure text."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import Final

_PAGE: Final = Template("""\
<!-- Made by `make docs` from operator/setops/aws; edit it there. -->

# Access to AWS

The operator has one identity of its own. With it, it assumes a role in each account that an
Organization names; an Organization without `aws.roleArn` lies in the operator's own account, and
its identity needs the rights of that role itself. No access key is stored anywhere.

`kubectl get sorg` tells in the column Reachable whether it works. If not, the condition of that
name has AWS's error code and what to do; it is tried again within `driftInterval` of the chart
(60 s), and at once when the Organization is edited.

## 1. The operator's identity

Make an IAM role for the operator, with this policy: one `Resource` for each account.

```json
$identity
```

Then bind it to the operator's ServiceAccount (named after the release: `setops`, in
`setops-system`), in one of two ways.

**EKS Pod Identity** (the cluster has the add-on `eks-pod-identity-agent`). The role trusts

```json
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"Service": "pods.eks.amazonaws.com"},
      "Action": ["sts:AssumeRole", "sts:TagSession"],
      "Condition": {
        "StringEquals": {
          "aws:RequestTag/kubernetes-namespace": "setops-system",
          "aws:RequestTag/kubernetes-service-account": "setops"
        }
      }
    }
  ]
}
```

and is bound with

```
aws eks create-pod-identity-association --cluster-name CLUSTER --namespace setops-system \\
  --service-account setops --role-arn arn:aws:iam::OPERATOR_ACCOUNT_ID:role/setops-operator
```

**IAM roles for service accounts** (the cluster has an OIDC provider in IAM). The role trusts

```json
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"Federated": "arn:aws:iam::OPERATOR_ACCOUNT_ID:oidc-provider/OIDC_PROVIDER"},
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "OIDC_PROVIDER:aud": "sts.amazonaws.com",
          "OIDC_PROVIDER:sub": "system:serviceaccount:setops-system:setops"
        }
      }
    }
  ]
}
```

and is named in the chart's values:

```
serviceAccount:
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::OPERATOR_ACCOUNT_ID:role/setops-operator
```

## 2. A role in each account

Its trust policy names the operator's role and an external id, a text of your choice that differs
from Organization to Organization, so that the ARN of a role alone leads no other Organization into
the account.

```json
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::OPERATOR_ACCOUNT_ID:role/setops-operator"},
      "Action": "sts:AssumeRole",
      "Condition": {"StringEquals": {"sts:ExternalId": "EXTERNAL_ID"}}
    },
    {
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::OPERATOR_ACCOUNT_ID:role/setops-operator"},
      "Action": "sts:TagSession"
    }
  ]
}
```

The second statement is for EKS Pod Identity, whose session tags go along into the account. What the
role may do is in [aws-policy.json](aws-policy.json); put the account's number in place of
ACCOUNT_ID, and in China or GovCloud `aws-cn` or `aws-us-gov` in place of `aws` in the ARNs.

```
sed s/ACCOUNT_ID/123456789012/g docs/aws-policy.json > policy.json
aws iam create-role --role-name setops --assume-role-policy-document file://trust.json
aws iam put-role-policy --role-name setops --policy-name setops --policy-document file://policy.json
```

The Organization then says

```yaml
spec:
  aws:
    accountId: "123456789012"
    region: eu-central-1
    roleArn: arn:aws:iam::123456789012:role/setops
    externalId: EXTERNAL_ID
```

STS is asked for the account's number before anything else; credentials that belong to another
account than `accountId` are never used. That question needs no right.

## 3. What each statement is for

| Statement | What the operator does with it |
| --- | --- |
$purposes

Everything that the operator makes has a name that begins with `setops-` and carries the tag
`setops:managed-by: setops` from its create call on. What has such a name and lacks the tags is
never touched: by the operator's own checks always, by this policy where AWS can check a tag.

What the policy can't prevent: who controls the operator can give an IAM user below `/setops/` any
right in the account, as IAM has no condition on what an inline policy says. Where that is too much,
let a service control policy bound what those users may do.
""")


def page(identity_policy: str, purposes: Mapping[str, str]) -> str:
    """The page as Markdown: the identity's policy in JSON, and purposes by statement."""
    rows = "\n".join(f"| {sid} | {purpose} |" for sid, purpose in purposes.items())
    return _PAGE.substitute(identity=identity_policy, purposes=rows)
