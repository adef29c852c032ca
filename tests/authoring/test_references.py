"""What the tests of documents take for commands, files and links."""

from __future__ import annotations

from tests.authoring import references

PAGE = """\
# A page: of `code`

We make all things, `make demo`, and [a link](docs/a.md#part), [another](#here), [away](https://example.com).

    make test    # make it so
    kustomize build . | gatekeeper review --policies policies -f - -o yaml

```sh
gatekeeper certs dev certs
```

`--client-ca FILE`, `policies/x.yaml`, `gatekeeper\nserve --host=0.0.0.0`.
"""


def test_targets_of_make_are_those_in_code() -> None:
    assert references.make_targets(PAGE) == {"demo", "test"}


def test_commands_have_their_words_and_flags() -> None:
    assert sorted(references.commands(PAGE)) == [
        (("certs", "dev", "certs"), ()),
        (("review",), ("--policies", "-f", "-o")),
        (("serve",), ("--host",)),
    ]


def test_flags_files_and_links() -> None:
    assert references.lone_flags(PAGE) == {"--client-ca"}
    assert references.paths(PAGE) == {"policies/x.yaml"}
    assert references.links(PAGE) == {("docs/a.md", "part"), ("", "here")}
    assert references.anchors(PAGE) == {"a-page-of-code"}
