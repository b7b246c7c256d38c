{{/* Name of what the chart makes; short enough for every suffix that a template appends. */}}
{{- define "setops.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Labels by which the Deployment, the Service and the budget find the operator's pods. */}}
{{- define "setops.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels of every object of the chart. */}}
{{- define "setops.labels" -}}
{{ include "setops.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ .Chart.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "setops.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "setops.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name is empty: name the existing ServiceAccount, or set serviceAccount.create to true" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* Who the operator is to the API server. */}}
{{- define "setops.operatorUser" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "setops.serviceAccountName" .) -}}
{{- end }}

{{/* Makes a policy refuse what it matches: the binding of a ValidatingAdmissionPolicy. */}}
{{- define "setops.policyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels:
    {{- include "setops.labels" .root | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
{{- end }}

{{/* The operator's image; a digest wins over what the tag points to. */}}
{{- define "setops.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- $digest := .Values.image.digest -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- if $digest }}@{{ $digest }}{{ end -}}
{{- end }}

{{/* Arguments of setops-operator, one for each setting. */}}
{{- define "setops.args" -}}
- --namespace={{ .Release.Namespace }}
- --lease-name={{ include "setops.fullname" . }}
- --lease-duration={{ .Values.lease.duration }}
- --lease-renew-deadline={{ .Values.lease.renewDeadline }}
- --lease-retry-period={{ .Values.lease.retryPeriod }}
- {{ printf "--listen=%s" .Values.listenAddress | quote }}
- --health-port={{ .Values.ports.health }}
- --metrics-port={{ .Values.ports.metrics }}
- --log-level={{ .Values.logLevel }}
- --log-format={{ .Values.logFormat }}
- --workers={{ .Values.workers }}
- --aws-threads={{ .Values.aws.threads }}
- --cluster-name={{ .Values.aws.clusterName }}
- --changesets-kept={{ .Values.changesets.keep }}
- --changeset-days={{ .Values.changesets.keepDays }}
- --plan-seconds={{ .Values.planning.seconds }}
- --plan-memory={{ .Values.planning.memory }}
- --retry-cap={{ .Values.retryCap }}
- --resync={{ .Values.resync }}
- --drift-interval={{ .Values.driftInterval }}
- --shutdown-grace={{ .Values.shutdownGrace }}
- --namespace-prefix={{ .Values.namespacePrefix }}
- {{ printf "--git-managers=%s" (join "," .Values.gitManagers) | quote }}
- --ingress-namespace-labels={{ include "setops.ingressNamespaceLabels" . }}
{{- end }}

{{/* Not a default in values.yaml: Helm would merge the user's labels into it. */}}
{{- define "setops.ingressNamespaceLabels" -}}
{{- $pairs := list -}}
{{- range $name, $value := .Values.ingressNamespaceLabels | default (dict "kubernetes.io/metadata.name" "kube-system") -}}
{{- $pairs = append $pairs (printf "%s=%s" $name $value) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end }}

{{/* What the schema can't say: how values relate to each other. */}}
{{- define "setops.check" -}}
{{- $lease := .Values.lease -}}
{{- if ge (float64 $lease.renewDeadline) (float64 $lease.duration) -}}
{{- fail (printf "lease.renewDeadline is %v, but must be less than lease.duration, %v: otherwise two replicas could lead at once" $lease.renewDeadline $lease.duration) -}}
{{- end -}}
{{- if ge (float64 $lease.retryPeriod) (float64 $lease.renewDeadline) -}}
{{- fail (printf "lease.retryPeriod is %v, but must be less than lease.renewDeadline, %v: otherwise the leader gives up before its second attempt" $lease.retryPeriod $lease.renewDeadline) -}}
{{- end -}}
{{- if hasPrefix "kube-" .Values.namespacePrefix -}}
{{- fail (printf "namespacePrefix is %q, but namespaces that begin with kube- belong to Kubernetes: choose another one" .Values.namespacePrefix) -}}
{{- end -}}
{{- range $name := keys (include "setops.selectorLabels" . | fromYaml) -}}
{{- if hasKey $.Values.podLabels $name -}}
{{- fail (printf "podLabels has %s, but the chart finds its pods by that label: leave it out" $name) -}}
{{- end -}}
{{- end -}}
{{- end }}
