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

## 4. What the policy holds, and what it doesn't

Everything that the operator makes has a name that begins with `setops-` (a security group: a name
in the VPC) and carries the tag `setops:managed-by: setops` from its create call on. The operator
itself checks before every change that the resource carries all tags of the Service, the Stage, the
Project and the Organization that it works for. What lacks one of them, or has those of another
owner or cluster, is reported as a conflict in the Service's condition and is neither changed nor
deleted.

Should somebody else get hold of the operator's role, this policy is what counts. With it

- a database, a parameter group, a subnet group or a security group can be changed or deleted only
  if it carries our tag; so it is with deleting an IAM user, and taking its keys and policies away;
- no tag can be given whose key doesn't begin with `setops:`, and none can be taken away;
- a security group can be tagged in the call that makes it and at no other time;
- a final snapshot gets the tags of its database and no others; no snapshot can be changed, shared,
  restored or deleted;
- objects in buckets can be deleted, and neither read nor written.

It can't hold the following, since AWS has no condition for it:

- RDS, IAM and S3 authorize the tags of a create call as they authorize those of a later call. So a
  database, a group or a user that exists, whose name begins with `setops-`, and that has no tag
  `setops:managed-by`, can be given our tag, and be changed then. Give no such names to what isn't
  the operator's. Or tag it `setops:managed-by` with another value: then the role can neither tag
  nor change it.
- S3 looks at the tags of a bucket only where attribute-based access control (ABAC) was switched on
  for the bucket. Everywhere else the name alone counts.
- An access key can be made and a policy be given by the path `/setops/` and the name alone, since
  the tags of a user who was just made don't show everywhere at once. Keep that path for the
  operator.
- IAM has no condition on what an inline policy says. So whoever has the role can give an IAM user
  below `/setops/` any right in the account. Where that is too much, let a service control policy
  bound what users with that path may do.
- The tag says that a resource is the operator's, not which Service's. Within one account the role
  reaches all Stages; Organizations that must not share a fate need accounts of their own.

## 5. Several clusters in one account

The names of resources and most of their tags say for which Stage they were made, and not by which
cluster. So a Stage that is restored in another cluster finds its databases and buckets again
([restore.md](restore.md)). It also means that two clusters that serve the same Stage of the same
Project and Organization in one account would take each other's resources for their own. To rule
that out, give each cluster a name:

```
helm upgrade setops charts/setops --reuse-values --set aws.clusterName=eu-1
```

What is made from then on carries the tag `setops:cluster: eu-1`. An operator of another name, or
of none, reports it as a conflict and doesn't touch it. What was made before has no such tag, and
belongs to whoever asks first. To take over what a lost cluster has left, install with its name.
""")


def page(identity_policy: str, purposes: Mapping[str, str]) -> str:
    """The page as Markdown: the identity's policy in JSON, and purposes by statement."""
    rows = "\n".join(f"| {sid} | {purpose} |" for sid, purpose in purposes.items())
    return _PAGE.substitute(identity=identity_policy, purposes=rows)
