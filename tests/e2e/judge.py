"""A tenant who applies all the time, and a judge of every answer: right, refused in silence, or open."""

from __future__ import annotations

import urllib.error
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson

from tests.e2e.harness import ControlPlane, User
from tests.e2e.repeating import repeating

PATH = "/api/v1/namespaces/{}/pods?dryRun=All"
PAUSE = 0.05


@dataclass
class Judge:
    """Sends a good and a hostile pod in turns, as dry runs."""

    plane: ControlPlane
    user: User
    namespace: str
    runtime_class: str = "kata"
    """What a good pod must come back with."""
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _hostile: bool = False

    def once(self, *, hostile: bool) -> str:
        """What became of a pod: `right`, `unanswered`, or how it went wrong."""
        try:
            said = self.plane.send("POST", PATH.format(self.namespace), _pod(hostile), self.user)
        except urllib.error.HTTPError as error:
            message = orjson.loads(error.read()).get("message", "")
            if "failed calling webhook" in message:
                return "unanswered"
            return "right" if hostile and "denied the request" in message else f"refused: {message}"
        except OSError as error:
            return f"no API server: {error}"
        changed = orjson.loads(said)["spec"].get("runtimeClassName") == self.runtime_class
        return "right" if changed and not hostile else f"open: hostile={hostile} changed={changed}"

    @contextmanager
    def judging(self) -> Iterator[Judge]:
        """All the while."""
        with repeating(self._judge, PAUSE):
            yield self

    def _judge(self) -> None:
        self._hostile = not self._hostile
        answer = self.once(hostile=self._hostile)
        self.answers[answer.partition(":")[0]] += 1
        if answer.startswith(("open", "refused", "no API server")):
            self.wrong.append(answer)


def _pod(hostile: bool) -> dict[str, object]:
    more = {"hostNetwork": True} if hostile else {}
    container = {"name": "web", "image": "nginx:1.27"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "judged-"},
        "spec": {"containers": [container], **more},
    }
