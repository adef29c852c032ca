"""`gatekeeper review`: verdicts, forms of output, exit codes, and every kind of bad input."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from gatekeeper_py.cli import gatekeeper
from gatekeeper_py.cluster.snapshot import Snapshot
from gatekeeper_py.manifests.manifest import read_text
from gatekeeper_py.policy.admission.admission_review import render_request
from gatekeeper_py.policy.admission.submission import Submission, make_request
from tests.cli.support import GOOD, HOST, POLICIES, UNPINNED, run, write
from tests.webhook.support import pod_review


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return write(tmp_path / "policies", all=POLICIES)


def responses(output: str) -> list[dict[str, Any]]:
    documents = [json.loads(line) for line in output.splitlines()]
    assert {(d["apiVersion"], d["kind"]) for d in documents} == {("admission.k8s.io/v1", "AdmissionReview")}
    return [document["response"] for document in documents]


@pytest.mark.parametrize(
    ("manifests", "code", "summary"),
    [
        (GOOD, 0, "1 allowed, 0 denied"),
        (UNPINNED, 0, "1 allowed, 0 denied"),
        (HOST, 1, "0 allowed, 1 denied"),
        (f"{GOOD}---\n{HOST}---\n{UNPINNED}", 1, "2 allowed, 1 denied"),
    ],
)
def test_the_exit_code_says_whether_all_is_allowed(
    policies: Path, manifests: str, code: int, summary: str
) -> None:
    result = run("review", "--policies", policies, "-f", "-", stdin=manifests)
    assert result.exit_code == code
    assert result.stdout.splitlines()[-1] == summary


def test_the_table_shows_changes_reasons_and_warnings(policies: Path) -> None:
    result = run("review", "--policies", policies, "-f", "-", stdin=f"{GOOD}---\n{HOST}---\n{UNPINNED}")
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert rows[0] == "Object Verdict What becomes of it"
    assert rows[2:] == [
        "Pod default/good allowed metadata.labels.team: default",
        "Pod default/host denied no-host: spec.hostNetwork is true; remove it",
        "Pod default/unpinned allowed metadata.labels.team: default",
        "warning: pinned: pin the image",
        "2 allowed, 1 denied",
    ]


def test_json_is_one_review_a_line_in_order_of_input(policies: Path, tmp_path: Path) -> None:
    reviews = [pod_review(uid=f"u{n}") for n in range(3)]
    reviews[1]["request"]["object"]["spec"] = {"hostNetwork": True, "containers": []}
    for n in (0, 2):
        reviews[n]["request"]["object"]["spec"] = {"containers": [{"name": "c", "image": "nginx"}]}
    lines = tmp_path / "reviews.jsonl"
    lines.write_bytes(b"\n".join(map(orjson.dumps, reviews)))
    result = run("review", "--policies", policies, "-o", "json", "-f", lines)
    first, second, third = responses(result.stdout)
    patch = json.loads(base64.b64decode(first.pop("patch")))
    assert patch == [{"op": "add", "path": "/metadata/labels", "value": {"team": "foo"}}]
    assert first == {
        "uid": "u0",
        "allowed": True,
        "patchType": "JSONPatch",
        "warnings": [
            "Validation failed for ValidatingAdmissionPolicy 'pinned' with binding 'pinned': pin the image"
        ],
    }
    message = "ValidatingAdmissionPolicy 'no-host' with binding 'no-host' denied request: "
    message += "spec.hostNetwork is true; remove it"
    assert second == {
        "uid": "u1",
        "allowed": False,
        "status": {
            "metadata": {},
            "status": "Failure",
            "code": 403,
            "reason": "Forbidden",
            "message": f'pods "web" is forbidden: {message}',
            "details": {"name": "web", "kind": "pods", "causes": [{"message": message}]},
        },
    }
    assert third["uid"] == "u2"
    assert result.exit_code == 1


def as_yaml(documents: list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(documents)


def as_list(documents: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})


def as_lines(documents: list[dict[str, Any]]) -> str:
    return "\n".join(map(json.dumps, documents))


@pytest.mark.parametrize("form", [as_yaml, as_list, as_lines])
def test_reviews_come_in_any_form(policies: Path, form: Any) -> None:
    reviews = [
        pod_review(uid="a", operation="DELETE", object=None),
        pod_review(uid="b", operation="DELETE", object=None),
    ]
    result = run("review", "--policies", policies, "-o", "json", "-f", "-", stdin=form(reviews))
    assert [response["uid"] for response in responses(result.stdout)] == ["a", "b"]
    assert result.exit_code == 0


def test_yaml_is_the_authors_object_with_the_policies_changes(policies: Path) -> None:
    result = run("review", "--policies", policies, "-o", "yaml", "-f", "-", stdin=f"{GOOD}---\n{HOST}")
    assert list(yaml.safe_load_all(result.stdout)) == [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "good", "labels": {"team": "default"}},
            "spec": {"containers": [{"name": "c", "image": "nginx:1"}]},
        }
    ]
    assert result.stderr == (
        "<stdin>:3:1: Pod default/host is denied: ValidatingAdmissionPolicy 'no-host' with binding 'no-host' "
        "denied request: spec.hostNetwork is true; remove it\n"
    )
    assert result.exit_code == 1


# Words that some reader of YAML takes for something else than text.
TRICKY = [
    "yes",
    "on",
    "null",
    "1e3",
    "0o7",
    "0x1F",
    "1:30",
    "1_000",
    "~",
    "",
    " x",
    "- a",
    "a: b",
    "#",
    "@x",
    "é\x85",
    ".5",
    "2026-01-01",
    "=",
    "<<",
    "a\nb\n",
    "\ttab",
]


def test_yaml_keeps_texts_texts(policies: Path) -> None:
    data = {f"k{n}": text for n, text in enumerate(TRICKY)}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}
    result = run("review", "--policies", policies, "-o", "yaml", "-f", "-", stdin=json.dumps(manifest))
    assert yaml.safe_load(result.stdout)["data"] == data
    again = run("review", "--policies", policies, "-o", "yaml", "-f", "-", stdin=result.stdout)
    assert again.stdout == result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--namespace", "foo"], 0, "Pod foo/good"),
        (["--user", "bob", "--group", "x"], 0, "Pod default/good"),
        (["--operation", "DELETE"], 0, "DELETE Pod default/good"),
        (
            ["--operation", "update", "--old", "OLD"],
            1,
            "only alice updates: kubernetes-admin system:masterssystem:authenticated",
        ),
        (
            ["--operation", "UPDATE", "--old", "OLD", "--user", "bob", "--group", "x"],
            1,
            "only alice updates: bob xsystem:authenticated",
        ),
        (["--operation", "UPDATE", "--old", "OLD", "--user", "alice"], 0, "UPDATE Pod default/good"),
        (
            ["--subresource", "ephemeralcontainers", "--old", "OLD", "--user", "alice"],
            0,
            "UPDATE Pod default/good (ephemeralcontainers)",
        ),
        (["--operation", "UPDATE", "--cluster", "OLD", "--user", "alice"], 0, "UPDATE Pod default/good"),
    ],
)
def test_options_say_how_manifests_are_submitted(
    policies: Path, tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    old = tmp_path / "old.yaml"
    old.write_text(GOOD)
    words = [str(old) if word == "OLD" else word for word in arguments]
    result = run("review", "--policies", policies, "-f", "-", *words, stdin=GOOD)
    assert text in " ".join(result.stdout.split())
    assert result.exit_code == code


@pytest.mark.parametrize(("name", "code"), [("keep", 1), ("good", 0)])
def test_a_deletion_is_judged_by_what_is_deleted(policies: Path, name: str, code: int) -> None:
    manifest = GOOD.replace("good", name)
    result = run("review", "--policies", policies, "--operation", "DELETE", "-f", "-", stdin=manifest)
    assert result.exit_code == code


def test_a_deletion_may_be_given_by_old_alone(policies: Path, tmp_path: Path) -> None:
    old = write(tmp_path / "old", pod=GOOD.replace("good", "keep")) / "pod.yaml"
    assert run("review", "--policies", policies, "--operation", "DELETE", "--old", old).exit_code == 1
    result = run("review", "--policies", policies, "--old", old)
    assert (result.exit_code, result.stderr) == (2, "name what to review with -f\n")


CLOSED = "{apiVersion: v1, kind: Namespace, metadata: {name: shut, labels: {closed: 'true'}}}\n"
CONFIG = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shut}}\n"


@pytest.mark.parametrize(
    ("cluster", "manifests", "allowed"),
    [
        (CLOSED, CONFIG, [False]),
        ("", CONFIG, [True]),
        ("", f"{CLOSED}---\n{CONFIG}", [True, False]),
        ("", f"{CONFIG}---\n{CLOSED}", [True, True]),
        (CLOSED, f"{CLOSED.replace('true', 'false')}---\n{CONFIG}", [True, True]),
    ],
    ids=["in the cluster", "nowhere", "applied before", "applied after", "changed before"],
)
def test_what_is_admitted_exists_for_those_after_it(
    policies: Path, tmp_path: Path, cluster: str, manifests: str, allowed: list[bool]
) -> None:
    folder = write(tmp_path / "cluster", all=cluster)
    result = run(
        "review", "--policies", policies, "--cluster", folder, "-o", "json", "-f", "-", stdin=manifests
    )
    assert [response["allowed"] for response in responses(result.stdout)] == allowed


def test_defaults_are_filled_in_unless_told_otherwise(tmp_path: Path) -> None:
    pinned = "object.spec.containers.all(c, c.image.contains(':'))"
    _, _, _, _, policy, binding, *_ = POLICIES.split("---")
    folder = write(tmp_path, policy=policy.replace(pinned, "has(object.spec.restartPolicy)"), binding=binding)
    assert "warning" in run("review", "--policies", folder, "-f", "-", "--no-defaults", stdin=GOOD).stdout
    assert "warning" not in run("review", "--policies", folder, "-f", "-", stdin=GOOD).stdout


def test_several_files_and_folders_are_reviewed_in_order(policies: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "apps", b=GOOD, a=HOST)
    result = run("review", "--policies", policies, "-o", "json", "-f", folder, "-f", "-", stdin=UNPINNED)
    assert [response["allowed"] for response in responses(result.stdout)] == [False, True, True]


def test_names_cannot_steer_the_terminal(policies: Path) -> None:
    manifest = json.dumps({**yaml.safe_load(GOOD), "metadata": {"name": "a\x1b[2J\u202eb"}})
    result = run("review", "--policies", policies, "--validate", "ignore", "-f", "-", stdin=manifest)
    assert "\x1b" not in result.stdout
    assert "Pod default/a\\x1b[2J\\u202eb" in result.stdout


VALIDATING = POLICIES.split("---")[2]
BINDING = POLICIES.split("---")[3]


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({"a": "a:\n\tb: 1\n"}, "{dir}/a.yaml:2:1: a tab where YAML wants spaces. Indent with spaces\n"),
        (
            {"a": "a: [b\n"},
            "{dir}/a.yaml:2:1: not valid YAML: while parsing a flow sequence, did not find expected ',' or ']'. "
            "Correct the line or the one before it\n",
        ),
        (
            {"a": VALIDATING, "b": VALIDATING, "c": BINDING},
            '{dir}/b.yaml:5:9: ValidatingAdmissionPolicy "no-host" stands here for the second time, first in '
            "{dir}/a.yaml:2. Rename or remove one of them\n",
        ),
        (
            {"a": BINDING},
            '{dir}/a.yaml:5:20: binding "no-host" names ValidatingAdmissionPolicy "no-host", which is not here. '
            "Add the policy, or remove the binding\n",
        ),
        (
            {"a": VALIDATING.replace("object == null || !", "objekt == null || !"), "b": BINDING},
            '{dir}/a.yaml:12:20: ValidatingAdmissionPolicy.admissionregistration.k8s.io "no-host" is invalid: '
            "spec.validations[0].expression: Invalid value: ",
        ),
        (
            {"a": GOOD},
            '{dir}/a.yaml:1:24: kind "Pod" of "v1" is no policy, no binding and no policy\'s paramKind. '
            "Correct it, or keep it outside of the policies\n",
        ),
    ],
    ids=["tab", "syntax", "two of one name", "binding without its policy", "no such variable", "no policy"],
)
def test_bad_policies_are_exit_code_2_with_the_place(
    tmp_path: Path, files: dict[str, str], error: str
) -> None:
    folder = write(tmp_path / "policies", **files)
    result = run("review", "--policies", folder, "-f", "-", stdin=GOOD)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(error.format(dir=folder))
    assert "Traceback" not in result.stderr


def test_an_unreadable_policy_file_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "gone.yaml").symlink_to("nowhere")
    result = run("review", "--policies", folder, "-f", "-", stdin=GOOD)
    assert (result.exit_code, result.stderr) == (
        2,
        f"{folder}/gone.yaml: cannot be read: no such file or directory. Check the path and its permissions\n",
    )


@pytest.mark.parametrize(
    ("stdin", "error"),
    [
        ("not: [json", "<stdin>:2:1: not valid YAML: "),
        ('{"kind":"Pod",}', "<stdin>:1:"),
        ("just text", "<stdin>:1:1: not a Kubernetes object. Write a mapping with apiVersion, kind and metadata"),
        ("kind: Pod", "<stdin>:1:1: the object has no apiVersion. Add apiVersion"),
        (orjson.dumps(pod_review() | {"apiVersion": "admission.k8s.io/v1beta1"}).decode(),
         '<stdin>:1:1: apiVersion must be "admission.k8s.io/v1", got "admission.k8s.io/v1beta1". Send what an API server sends'),
        (orjson.dumps(pod_review(uid="")).decode(), "<stdin>:1:1: request.uid is empty. Send what an API server sends"),
        (orjson.dumps(pod_review(operation="PATCH")).decode(),
         '<stdin>:1:1: request.operation must be one of CREATE, UPDATE, DELETE, CONNECT, got "PATCH". Send what an API server sends'),
        (orjson.dumps(pod_review(object=None)).decode(),
         "<stdin>:1:1: request.object is null, but CREATE has an object. Send what an API server sends"),
        (b"\xff\xfe".decode("latin1"), "<stdin>:1:1: not a Kubernetes object."),
        ("[" * 100_000, "<stdin>:1:"),
    ],
)  # fmt: skip
def test_bad_input_is_exit_code_2_and_answers_nothing(policies: Path, stdin: str, error: str) -> None:
    result = run("review", "--policies", policies, "-o", "json", "-f", "-", stdin=stdin)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert error in result.stderr
    assert "Traceback" not in result.stderr


def test_every_problem_of_the_input_is_told_at_once(policies: Path) -> None:
    reviews = [pod_review(uid=""), pod_review(), pod_review(operation="x")]
    result = run("review", "--policies", policies, "-f", "-", stdin="\n".join(map(json.dumps, reviews)))
    assert result.stderr.splitlines() == [
        "<stdin>:1:1: request.uid is empty. Send what an API server sends",
        '<stdin>:3:1: request.operation must be one of CREATE, UPDATE, DELETE, CONNECT, got "x". '
        "Send what an API server sends",
    ]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--policies", "/missing", "-f", "-"], "/missing: no such file or folder. Check the path\n"),
        (["--policies", "P", "-f", "/missing"], "/missing: no such file or folder. Check the path\n"),
        (
            ["--policies", "P", "--cluster", "/missing", "-f", "-"],
            "/missing: no such file or folder. Check the path\n",
        ),
        (
            ["--policies", "P", "-f", "-", "--old", "/missing"],
            "/missing: no such file or folder. Check the path\n",
        ),
    ],
)
def test_paths_that_do_not_exist_are_exit_code_2(policies: Path, arguments: list[str], error: str) -> None:
    words = [str(policies) if word == "P" else word for word in arguments]
    result = run("review", *words, stdin=GOOD)
    assert (result.exit_code, result.stderr) == (2, error)


def test_wrong_options_are_exit_code_2() -> None:
    assert run("review").exit_code == 2
    assert run("review", "--policies", "x", "-f", "-", "-o", "xml").exit_code == 2
    assert gatekeeper.commands == {}


def not_enforced(folder: Path, enforcement: str) -> Path:
    head = (
        "apiVersion: tenancy.gatekeeper-py.dev/v1alpha1\nkind: TenancySettings\nmetadata: {name: settings}\n"
    )
    return write(folder / "policies", all=POLICIES, settings=f"{head}spec: {{enforcement: {enforcement}}}\n")


@pytest.mark.parametrize(
    ("enforcement", "said"),
    [
        (
            "observe",
            [
                "observed, would be denied: no-host: spec.hostNetwork is true; remove it",
                "observed, would be changed: metadata.labels.team: default",
            ],
        ),
        (
            "warn",
            [
                "warning: not enforced yet, would be refused: no-host: spec.hostNetwork is true; remove it",
                "warning: not enforced yet, would be changed: metadata.labels",
            ],
        ),
    ],
)
def test_what_is_not_enforced_is_allowed_and_told(tmp_path: Path, enforcement: str, said: list[str]) -> None:
    policies = not_enforced(tmp_path, enforcement)
    result = run("review", "--policies", policies, "-f", "-", stdin=HOST)
    shown = " ".join(result.stdout.split())
    assert result.exit_code == 0
    assert all(line in shown for line in said), shown
    answer = json.loads(run("review", "--policies", policies, "-o", "json", "-f", "-", stdin=HOST).stdout)
    assert answer["response"]["allowed"] is True
    assert "patch" not in answer["response"]
    unchanged = run("review", "--policies", policies, "-o", "yaml", "-f", "-", stdin=HOST).stdout
    assert "labels" not in unchanged


WAIVER = """\
apiVersion: tenancy.gatekeeper-py.dev/v1alpha1
kind: Waiver
metadata: {name: old}
spec: {policies: [no-host], namespaces: [default], reason: r, approvedBy: a, expires: "DAY"}
"""


def waiving(folder: Path, day: str) -> Path:
    return write(folder / "policies", all=POLICIES, waiver=WAIVER.replace("DAY", day))


def test_what_is_waived_is_allowed_and_told_with_its_end(tmp_path: Path) -> None:
    result = run("review", "--policies", waiving(tmp_path, "2999-12-31"), "-f", "-", stdin=HOST)
    assert result.exit_code == 0
    shown = " ".join(result.stdout.split())
    assert "waived by old until 2999-12-31: no-host: spec.hostNetwork is true; remove it" in shown


def test_what_is_waived_no_more_is_denied_and_told(tmp_path: Path) -> None:
    policies = waiving(tmp_path, "2026-01-31")
    result = run("review", "--policies", policies, "-f", "-", stdin=HOST)
    assert result.exit_code == 1
    told = "spec.hostNetwork is true; remove it (the waiver 'old' has ended on 2026-01-31)"
    assert told in " ".join(result.stdout.split())
    assert result.stderr == (
        f"warning: {policies}/waiver.yaml:1: the waiver 'old' has ended on 2026-01-31: what it admitted is "
        "refused again. Give it another day, or remove it\n"
    )


@pytest.mark.parametrize(("day", "code"), [("2999-12-31", 0), ("2026-01-31", 1)])
def test_a_review_of_an_api_server_is_waived_on_the_day_it_is_asked_about(
    tmp_path: Path, day: str, code: int
) -> None:
    policies = waiving(tmp_path, day)
    request = make_request(read_text(HOST)[0], Snapshot(), Submission())
    asked = json.dumps(render_request(request))
    assert run("review", "--policies", policies, "-f", "-", stdin=asked).exit_code == code


CLASSES = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: class}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: '[JSONPatch{op: "add", path: "/spec/runtimeClassName", value: "kata"}]'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: class}
spec: {policyName: class}
"""
KATA = "{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: kata}, handler: kata}\n"


def test_a_class_that_is_named_unchecked_is_noted(tmp_path: Path) -> None:
    policies = write(tmp_path / "policies", all=CLASSES)
    cluster = write(tmp_path / "cluster", kata=KATA)
    assert run("review", "--policies", policies, "-f", "-", stdin=GOOD).stderr == (
        "note: nothing is known of the cluster's RuntimeClasses; policies gave objects this one unchecked: kata. "
        "Name what it has with --cluster\n"
    )
    known = run("review", "--policies", policies, "--cluster", cluster, "-f", "-", stdin=GOOD)
    assert (known.exit_code, known.stderr) == (0, "")


def test_a_diff_shows_what_mutation_changes(policies: Path) -> None:
    stamped = GOOD.replace("{name: good}", "{name: stamped, labels: {team: default}}")
    result = run(
        "review", "--policies", policies, "-o", "diff", "-f", "-", stdin=f"{GOOD}---\n{stamped}---\n{HOST}"
    )
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "--- <stdin>:1:1 (submitted)",
        "+++ <stdin>:1:1 (admitted)",
        "@@ -3,6 +3,8 @@",
        " kind: Pod",
        " metadata:",
        "   name: good",
        "+  labels:",
        "+    team: default",
        " spec:",
        "   containers:",
        "     - name: c",
    ]
    assert result.stderr.startswith("<stdin>:5:1: Pod default/host is denied: ")


MARKING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: mark}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE], resources: ["*"]}]
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          [JSONPatch{op: "add", path: "/metadata/labels", value: {"mark": "m"}}]
          + (has(object.spec) ? [JSONPatch{op: "replace", path: "/spec", value: object.spec}] : [])
          + (has(object.spec) && has(object.spec.ports)
             ? [JSONPatch{op: "add", path: "/spec/ports/-", value: Object.spec.ports{port: 9, name: "mark"}}] : [])
          + (has(object.spec) && has(object.spec.template)
             ? [JSONPatch{op: "add", path: "/spec/template/metadata/labels",
                          value: {"mark": "m", "job-name": "x", "app": "x"}}] : [])
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: mark}
spec: {policyName: mark}
"""
MADE_BY_THE_CLUSTER = (
    *("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "nodePort", "healthCheckNodePort"),
    *("status", "uid", "creationTimestamp", "controller-uid", "finalizers", "priority", "tolerations"),
    *("generation", "managedFields", "protocol", "terminationMessagePath", "volumeMode", "acceptedNames"),
)
"""Fields that only the API server gives, in kinds whose authors have left them out."""

POD_SPEC = "spec: {containers: [{name: c, image: i}]}"
TEMPLATE = f"template: {{metadata: {{labels: {{app: x}}}}, {POD_SPEC}}}"


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        ("v1, kind: Namespace", ""),
        ("v1, kind: Pod", POD_SPEC),
        ("v1, kind: Service", "spec: {ports: [{port: 80}], selector: {app: x}}"),
        ("v1, kind: Service", "spec: {type: NodePort, ports: [{port: 80}]}"),
        ("v1, kind: Service", "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]}"),
        ("v1, kind: PersistentVolume", "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /x}}"),
        ("v1, kind: PersistentVolumeClaim", "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"),
        ("apps/v1, kind: Deployment", f"spec: {{selector: {{matchLabels: {{app: x}}}}, {TEMPLATE}}}"),
        ("apps/v1, kind: DaemonSet", f"spec: {{selector: {{matchLabels: {{app: x}}}}, {TEMPLATE}}}"),
        ("apps/v1, kind: StatefulSet", f"spec: {{selector: {{matchLabels: {{app: x}}}}, {TEMPLATE}}}"),
        ("batch/v1, kind: Job", f"spec: {{{TEMPLATE}}}"),
        ("batch/v1, kind: CronJob", f"spec: {{schedule: '* * * * *', jobTemplate: {{spec: {{{TEMPLATE}}}}}}}"),
    ],
)  # fmt: skip
def test_yaml_holds_nothing_that_only_a_cluster_gives(tmp_path: Path, head: str, rest: str) -> None:
    manifest = f"{{apiVersion: {head}, metadata: {{name: x}}{', ' if rest else ''}{rest}}}\n"
    marking = write(tmp_path / "policies", all=MARKING)
    result = run("review", "--policies", marking, "-f", "-", "-o", "yaml", stdin=manifest)
    assert result.exit_code == 0, result.stderr
    written = {field for field in MADE_BY_THE_CLUSTER if f"{field}:" in result.stdout}
    assert (written, "mark: m" in result.stdout) == (set(), True), result.stdout
