//! What the inputs begin with: small, with every kind of field in it.

pub(crate) const POD: &str = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","generation":3,"labels":{"a":"b"},"creationTimestamp":"2026-01-31T12:00:00Z","finalizers":["x"],"managedFields":[{"manager":"m","time":"2026-01-31T12:00:00Z","fieldsV1":{"f:a":{".":{}}}}]},"spec":{"containers":[{"name":"c","args":["a"],"ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{"limits":{"cpu":"100m"}},"livenessProbe":{"httpGet":{"port":"http"}},"securityContext":{"runAsUser":7,"privileged":false}}],"volumes":[{"name":"v","emptyDir":{"sizeLimit":"1Gi"}}],"hostNetwork":true,"activeDeadlineSeconds":0},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True","lastTransitionTime":null}]},"newer":{"a":[1,2.5,null,"\u00e9"]}}"#;

pub(crate) const DEPLOYMENT: &str = r#"{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"k","operator":"In","values":["v"]}]},"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%","maxUnavailable":1}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c"}]}}},"status":{"conditions":[{"type":"Available","status":"True"}]}}"#;

pub(crate) const CONFIG: &str = r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c"},"data":{"k":"v\n\"\\\u0001"},"binaryData":{"b":"AAEC/w=="},"immutable":true}"#;

pub(crate) const SECRET: &str = r#"{"kind":"Secret","apiVersion":"v1","type":"Opaque","metadata":{"name":"s","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}},"data":{"k":"aHVudGVyMg=="},"stringData":{"j":"x"}}"#;

pub(crate) const DEFINITION: &str = r#"{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1","metadata":{"name":"d"},"spec":{"group":"g","scope":"Namespaced","names":{"plural":"ds","kind":"D","shortNames":["d"]},"versions":[{"name":"v1","served":true,"storage":true,"additionalPrinterColumns":[{"name":"n","type":"string","jsonPath":".spec.x","priority":1}],"schema":{"openAPIV3Schema":{"type":"object","properties":{"a":{"additionalProperties":false,"items":{"type":"string"},"minimum":1.5,"default":[1],"enum":["a",1]},"b":{"items":[{"not":{}}],"x-kubernetes-int-or-string":true}},"dependencies":{"x":["y"],"z":{"type":"object"}},"x-kubernetes-validations":[{"rule":"true"}]}}}]},"status":{"conditions":[],"storedVersions":["v1"],"acceptedNames":{"plural":"","kind":""}}}"#;

pub(crate) const LIST: &str = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"c","remainingItemCount":1},"items":[{"metadata":{"name":"p"}},{}]}"#;

pub(crate) const OBJECTS: &[&str] = &[POD, DEPLOYMENT, CONFIG, SECRET, DEFINITION, LIST];

pub(crate) const NAMES: &[&str] = &[
    "metadata",
    "spec",
    "status",
    "name",
    "labels",
    "containers",
    "items",
    "data",
    "kind",
    "apiVersion",
    "Pod",
    "v1",
    "newer",
    "not",
    "port",
    "limits",
    "creationTimestamp",
    "fieldsV1",
    "dependencies",
    "additionalProperties",
    "default",
    "binaryData",
    "2026-01-31T12:00:00Z",
    "100m",
    "AAE=",
    "TCP",
    "null",
    "7",
    "{\"a\":1}",
    "[1]",
    "\"x\"",
    "1.5",
    "true",
];

pub(crate) const QUANTITIES: &[&str] = &[
    "0",
    "1",
    "-1",
    "100m",
    "1.5Gi",
    "12e6",
    "1E",
    "1e-9",
    "0.000000001n",
    "9223372036854775807",
    "1Ei",
    ".5",
    "5.",
    "+1k",
    "1000000000000000000000000000000",
];

pub(crate) const TIMES: &[&str] = &[
    "2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00.123456Z",
    "2024-02-29T23:59:59+14:00",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "0001-01-01T00:00:00Z",
    "2026-01-31t12:00:00z",
    "2016-12-31T23:59:60Z",
];

pub(crate) const LABELS: &[&str] = &[
    "app in (api,web),!legacy",
    "example.com/tier=front",
    "a!=b,c==d,e>1,f<20",
    "in notin (,x)",
    "notin",
    " in (",
    ",",
    "=",
    "!",
];

pub(crate) const FIELDS: &[&str] = &[
    "metadata.name=a,spec.nodeName!=b",
    "status.conditions[?(@.type==\"Ready\")].status=True",
    "spec.containers[0,1].image==a\\,b\\=c\\\\",
    "metadata.labels.app\\.kubernetes\\.io/name=x",
    "spec.hostNetwork=false",
    ",",
    "!=",
    "\\",
    "[*]",
];

pub(crate) const PATHS: &[&str] = &[
    "{.metadata.name}",
    "{range .spec.containers[*]}{.name}={.image}{\"\\n\"}{end}",
    "{.status.conditions[?(@.type==\"Ready\")].status}",
    "{..name}",
    "{.spec.containers[0,1]['name','image']}",
    "{.items[-1:].x}",
    "{.spec.containers[?(@.ports[0].containerPort>=80 && @.tty || @.name!='a')]}",
    "{.metadata.labels.app\\.kubernetes\\.io/name}",
    "x{$}{@} {1}{-1.5}{true}",
    "{.metadata.managedFields[0].fieldsV1..f:a}",
    "{.a[::2]}{.spec.*}",
];

pub(crate) const FIELD_PATHS: &[&str] = &[
    "spec.template.spec.containers[name=main].image",
    "metadata.labels['a.b/c']",
    "a[0][*].b",
    "spec.containers[0].ports[containerPort=80,protocol='T,C\\'P']",
    "metadata.finalizers[=x]",
    "['']",
];

pub(crate) const KUBECONFIG: &str = "apiVersion: v1
kind: Config
current-context: a
clusters:
- name: c
  cluster:
    server: https://127.0.0.1:6443
    tls-server-name: host
- {name: d, cluster: {server: 'http://[::1]:80/path', insecure-skip-tls-verify: true, proxy-url: ''}}
contexts:
- name: a
  context: &c {cluster: c, user: u, namespace: web}
- name: b
  context: *c
users:
- name: u
  user:
    token: t
- {name: v, user: {client-certificate-data: LS0t, client-key-data: LS0t, exec: null}}
";

pub(crate) const STREAM: &str = "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a}\\\"\"}}}\n{\"type\":\"BOOKMARK\",\"object\":{}} {\"object\":[],\"type\":\"ERROR\",\"x\":1}\r\n";

/// Parted by lines of `--`; a body comes after an empty line.
pub(crate) const REQUESTS: &[&str] = &[
    "GET /api/v1/namespaces/default/pods?limit=1&labelSelector=a%3Db\naccept: application/json;as=Table;g=meta.k8s.io;v=v1,application/json\n--\nGET /api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=1&timeoutSeconds=1",
    "POST /api/v1/namespaces/default/configmaps?fieldValidation=Strict\ncontent-type: application/json\n\n{\"metadata\":{\"generateName\":\"x-\"},\"data\":{\"a\":\"b\"}}\n--\nDELETE /api/v1/namespaces/default/configmaps/c?propagationPolicy=Orphan\n\n{\"preconditions\":{\"uid\":\"u\"}}",
    "PUT /apis/apps/v1/namespaces/default/deployments/d/scale\n\n{\"kind\":\"Scale\",\"apiVersion\":\"autoscaling/v1\",\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":3}}\n--\nDELETE /apis/apps/v1/namespaces/default/deployments?labelSelector=a",
    "POST /api/v1/namespaces/default/pods/p/binding\n\n{\"target\":{\"kind\":\"Node\",\"name\":\"n\"}}\n--\nGET /api/v1/namespaces/default/pods/p/log?tailLines=1&timestamps=true&follow=true\n--\nPOST /api/v1/namespaces/default/pods/p/eviction\n\n{\"metadata\":{\"name\":\"p\"}}",
    "GET /apis\naccept: application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList\n--\nGET /api/v1\n--\nGET /version\n--\nGET /healthz?verbose",
    "PATCH /api/v1/namespaces/default/services/s?dryRun=All\ncontent-type: application/strategic-merge-patch+json\n\n{\"spec\":{\"ports\":[{\"port\":80,\"name\":\"x\"}]}}",
    "POST /api/v1/namespaces/default/serviceaccounts/default/token\n\n{\"spec\":{\"audiences\":[\"a\"]}}\n--\nPOST /apis/authentication.k8s.io/v1/tokenreviews\n\n{\"spec\":{\"token\":\"x\"}}\n--\nPOST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews\n\n{\"spec\":{}}",
    "DELETE /api/v1/namespaces/web\n--\nPOST /api/v1/namespaces/web/configmaps\n\n{\"metadata\":{\"name\":\"c\"}}\n--\nPUT /api/v1/namespaces/web/finalize\n\n{\"metadata\":{\"name\":\"web\"},\"spec\":{}}",
    "GET /api/v1/watch/namespaces/default/pods/p\n--\nGET /api/v1/configmaps?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
];

pub(crate) const REQUEST_PARTS: &[&str] = &[
    "GET ",
    "POST ",
    "PUT ",
    "PATCH ",
    "DELETE ",
    "/api/v1",
    "/apis/",
    "/namespaces/",
    "default",
    "/pods",
    "/configmaps",
    "/secrets",
    "/status",
    "/scale",
    "/log",
    "/binding",
    "/eviction",
    "/token",
    "/proxy",
    "/finalize",
    "/watch",
    "?",
    "&",
    "=",
    "%2f",
    "%00",
    "%ff",
    "..",
    "//",
    "\n--\n",
    "\n\n",
    "content-type: ",
    "accept: ",
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    ";as=Table;g=meta.k8s.io;v=v1",
    ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "watch=true",
    "limit=1",
    "continue=",
    "resourceVersion=",
    "resourceVersionMatch=Exact",
    "labelSelector=",
    "fieldSelector=metadata.name%3D",
    "dryRun=All",
    "fieldValidation=Strict",
    "{\"metadata\":{\"name\":\"x\"}}",
    "\"finalizers\":[\"a/b\"]",
    "\"ownerReferences\":[{}]",
    "null",
];

pub(crate) const PATCHES: &[&str] = &[
    "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3},{\"op\":\"test\",\"path\":\"/metadata/name\",\"value\":\"d\"},{\"op\":\"move\",\"from\":\"/metadata/labels\",\"path\":\"/metadata/annotations\"},{\"op\":\"remove\",\"path\":\"/spec/template/spec/containers/0\"},{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/-\",\"value\":{\"name\":\"x\"}},{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a~1b~0\"}]",
    "{\"metadata\":{\"labels\":{\"a\":null,\"b\":\"c\"},\"finalizers\":[\"x/y\"]},\"spec\":{\"replicas\":7}}",
    "{\"spec\":{\"template\":{\"spec\":{\"$setElementOrder/containers\":[{\"name\":\"c\"},{\"name\":\"x\"}],\"containers\":[{\"name\":\"x\",\"image\":\"i\"},{\"$patch\":\"delete\",\"name\":\"c\"}],\"volumes\":[{\"$patch\":\"replace\"}],\"$retainKeys\":[\"containers\"]}},\"strategy\":{\"$retainKeys\":[\"type\"],\"type\":\"Recreate\"}},\"metadata\":{\"$deleteFromPrimitiveList/finalizers\":[\"x/y\"],\"ownerReferences\":[{\"uid\":\"u\",\"$patch\":\"delete\"}]}}",
];

pub(crate) const YAML: &[&str] = &[
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: new}\nspec:\n  containers:\n  - {name: c, image: i}\nstatus: {phase: Running}\n---\n{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]}\n",
    "- &a {apiVersion: v1, kind: Namespace, metadata: {name: n}}\n--- *a\n",
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}}",
];

pub(crate) const RUN: &str = r#"{"about":"","exchanges":[{"request":"GET /api/v1/namespaces/default/secrets/s","sentHeaders":{"accept":"application/json"},"status":200,"headers":{"content-type":"application/json"},"answer":{"json":{"kind":"Secret","apiVersion":"v1","data":{"k":"redacted"}}}},{"request":"PUT /a","sent":{"text":"x"},"end":"broken"},{"request":"GET /w?watch=true","status":200,"answer":{"events":[{"type":"ADDED","object":{}}]},"end":"open"},{"request":"GET /b","status":200,"answer":{"base64":"AAE="}}]}"#;

pub(crate) const RUN_PARTS: &[&str] = &[
    "\"request\":",
    "\"sent\":",
    "\"status\":",
    "\"answer\":",
    "\"end\":\"open\"",
    "\"end\":\"broken\"",
    "\"end\":\"unreachable\"",
    "{\"json\":",
    "{\"text\":",
    "{\"base64\":",
    "{\"events\":[",
    "null",
    "200",
    "99999",
    "GET /",
    "\n",
];
