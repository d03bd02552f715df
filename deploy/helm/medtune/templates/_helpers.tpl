{{/* Names, labels and what all pods have in common. */}}

{{- define "medtune.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "medtune.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{ include "medtune.selector" . }}
{{- end }}

{{- define "medtune.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "medtune.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "medtune.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "medtune.fullname" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "medtune.secret" -}}
{{ .Values.existingSecret | default (include "medtune.fullname" .) }}
{{- end }}

{{/* A key made once: an upgrade finds it in the cluster. */}}
{{- define "medtune.adminKey" -}}
{{- $found := lookup "v1" "Secret" .Release.Namespace (include "medtune.fullname" .) }}
{{- if and $found (hasKey ($found.data | default dict) "MEDTUNE_ADMIN_KEY") }}{{ index $found.data "MEDTUNE_ADMIN_KEY" | b64dec }}
{{- else }}{{ randAlphaNum 48 }}{{ end }}
{{- end }}

{{/*
The names that requests may be sent to, as JSON; empty: any, since a wildcard cannot be said. With an
ingress they are its hosts, those of the service inside the cluster, and those of a port-forward.
*/}}
{{- define "medtune.allowedHosts" -}}
{{- if and .Values.ingress.enabled (not (hasKey .Values.settings "MEDTUNE_ALLOWED_HOSTS")) (not (contains "*" (join "," .Values.ingress.hosts))) }}
{{- $inside := printf "%s.%s" (include "medtune.fullname" .) .Release.Namespace }}
{{- $names := list (include "medtune.fullname" .) $inside (printf "%s.svc" $inside) (printf "%s.svc.cluster.local" $inside) }}
{{- concat .Values.ingress.hosts $names (list "localhost" "127.0.0.1") | uniq | toJson }}
{{- end }}
{{- end }}

{{- define "medtune.shared" -}}
{{- if eq .Values.mode "shared" }}true{{ end }}
{{- end }}

{{/* The workers in effect: each entry with its defaults, as JSON; none in single mode. */}}
{{- define "medtune.workers" -}}
{{- $all := dict }}
{{- if include "medtune.shared" . }}
{{- range $name, $worker := .Values.workers }}
{{- $_ := set $all $name (mergeOverwrite (deepCopy $.Values.workerDefaults) ($worker | default dict)) }}
{{- end }}
{{- end }}
{{- toJson $all }}
{{- end }}

{{/* Refuses what cannot work. */}}
{{- define "medtune.check" -}}
{{- if include "medtune.shared" . }}
{{- if and .Values.existingSecret .Values.secrets }}
{{- fail "set secrets or existingSecret, not both" }}
{{- end }}
{{- if not (or .Values.existingSecret .Values.secrets.MEDTUNE_DATABASE_URL) }}
{{- fail "mode shared needs PostgreSQL: set secrets.MEDTUNE_DATABASE_URL, or existingSecret with that key" }}
{{- end }}
{{- if not .Values.settings.MEDTUNE_BLOB_URL }}
{{- fail "mode shared needs a bucket: set settings.MEDTUNE_BLOB_URL" }}
{{- end }}
{{- if not .Values.workers }}
{{- fail "mode shared needs workers: nobody else runs jobs" }}
{{- end }}
{{- else }}
{{- if or (ne (int .Values.api.replicas) 1) .Values.api.autoscaling.enabled }}
{{- fail "several API replicas need PostgreSQL and a bucket: set mode to shared" }}
{{- end }}
{{- if or .Values.secrets.MEDTUNE_DATABASE_URL .Values.settings.MEDTUNE_BLOB_URL }}
{{- fail "with a database or a bucket of its own the mode is shared, which needs both" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "medtune.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "medtune.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Settings of API and workers. */}}
{{- define "medtune.envFrom" -}}
- configMapRef: {name: {{ include "medtune.fullname" . }}}
- secretRef: {name: {{ include "medtune.secret" . }}}
{{- end }}

{{- define "medtune.databaseEnv" -}}
- name: MEDTUNE_DATABASE_URL
  valueFrom:
    secretKeyRef: {name: {{ include "medtune.secret" . }}, key: MEDTUNE_DATABASE_URL}
{{- end }}

{{/* Of the container that runs jobs; the node's cores are not all ours. */}}
{{- define "medtune.bulkProcesses" -}}
- name: MEDTUNE_BULK_PROCESSES
  valueFrom:
    resourceFieldRef: {containerName: {{ . }}, resource: limits.cpu, divisor: "1"}
{{- end }}

{{/* Pods start anew when their settings change (not when an existing Secret does). */}}
{{- define "medtune.podAnnotations" -}}
checksum/settings: {{ toJson (list .Values.settings .Values.secrets .Values.shutdownSeconds (include "medtune.allowedHosts" .)) | sha256sum }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "medtune.mounts" -}}
- {name: data, mountPath: /data}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "medtune.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: {{ .Values.tmpSize }}}
- name: data
{{- if include "medtune.shared" . }}
  emptyDir: {sizeLimit: {{ .Values.data.size }}}
{{- else }}
  persistentVolumeClaim: {claimName: {{ .Values.data.existingClaim | default (include "medtune.fullname" .) }}}
{{- end }}
{{- end }}

{{/* Startup may take as long as building the first clients on a busy node. */}}
{{- define "medtune.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 4
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
{{- end }}

{{/* Where pods go: nodeSelector, tolerations, affinity of one part. */}}
{{- define "medtune.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with .affinity }}
affinity: {{ toJson . }}
{{- end }}
{{- end }}
