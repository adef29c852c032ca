"""What expressions may say, and how a text becomes a program.

An `Environment` is immutable and shared; so is a `Program`, which any thread may evaluate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property
from threading import Lock

from gatekeeper_py.cel.checking.checker import Checked, Declarations, check
from gatekeeper_py.cel.checking.declarations import Function, Library
from gatekeeper_py.cel.checking.names import ReferenceKind
from gatekeeper_py.cel.checking.types import RUNTIME_NAMES, Type
from gatekeeper_py.cel.compiling.generator import Function as Code
from gatekeeper_py.cel.compiling.generator import generate
from gatekeeper_py.cel.compiling.resolution import resolve
from gatekeeper_py.cel.compiling.soundness import inspect
from gatekeeper_py.cel.errors import CompileError, EvaluationError, InstantiationError, Issue, ResultError
from gatekeeper_py.cel.evaluation.budget import Budget
from gatekeeper_py.cel.library import (
    authorizer,
    bind,
    cidr,
    comprehensions,
    conversions,
    encoders,
    format,
    ip,
    lists,
    math,
    optionals,
    quantity,
    regex,
    semver,
    sets,
    standard,
    strings,
    timestamps,
    urls,
)
from gatekeeper_py.cel.syntax.parser import parse
from gatekeeper_py.cel.syntax.tree import Node

__all__ = ["Environment", "Messages", "Program", "expect", "kubernetes_environment"]

Messages = Callable[[str], Type | None] | Mapping[str, Type]
"""The types of message literals by full name."""

CORE: tuple[Library, ...] = (standard.LIBRARY, conversions.LIBRARY, timestamps.LIBRARY)
"""The language itself; in every environment."""


KUBERNETES: tuple[Library, ...] = (
    urls.LIBRARY,
    regex.LIBRARY,
    lists.LIBRARY,
    authorizer.LIBRARY,
    optionals.LIBRARY,
    quantity.LIBRARY,
    strings.LIBRARY,
    sets.LIBRARY,
    ip.LIBRARY,
    cidr.LIBRARY,
    format.LIBRARY,
    comprehensions.LIBRARY,
    semver.LIBRARY,
)
"""What Kubernetes 1.36 adds to it, in its order, which is that of overloads in messages."""

EXTRAS: tuple[Library, ...] = (bind.LIBRARY, math.LIBRARY, encoders.LIBRARY, strings.EXTRA)
"""What Kubernetes does not have."""


MODEST_DEPTH = 50
"""Levels of a tree whose code can surely be generated. Of a deeper one that is found out at once."""


class Program:
    """A compiled expression. Its code is generated when it is first asked for."""

    __slots__ = ("_checked", "_code", "_lock", "_plain", "text")

    def __init__(self, text: str, checked: Checked) -> None:
        self.text = text
        self._checked = checked
        self._plain: Code | None = None
        self._code: Code | None = None
        self._lock = Lock()
        if inspect(checked) > MODEST_DEPTH:
            self.prepare()

    @property
    def evaluate(self) -> Code:
        """`evaluate(activation, budget)`: the value for these variables; what it cost is taken from `budget`.

        Raises `EvaluationError` when it has none. One of its cost alone is `CostExceeded`, also when the
        whole budget is spent: `budget.remaining` is then negative. Whoever evaluates often keeps it.
        """
        return self._code or self.prepare()

    @evaluate.setter
    def evaluate(self, code: Code) -> None:
        self._code = code

    def prepare(self) -> Code:
        """Generate the code, if that has not been done.

        Without a lock: two threads may both do so, and a process that is forked meanwhile waits for nobody.
        """
        code = self._code = self._code or self._generated()
        return code

    def _generated(self) -> Code:
        if any(each.compared is not None for each in self._checked.references.values()):
            self._plain = generate(self._checked)
            return self.evaluate_plainly
        return generate(self._checked, plainly=self.evaluate_plainly)

    @property
    def type(self) -> Type:
        """The type of the result."""
        return self._checked.result

    @property
    def tree(self) -> Node:
        """The expression, macros expanded."""
        return self._checked.node

    @property
    def checked(self) -> Checked:
        """The expression with its types and references."""
        return self._checked

    @property
    def variables(self) -> frozenset[str]:
        """The declared variables the expression mentions."""
        references = self._checked.references.values()
        return frozenset(each.name for each in references if each.kind is ReferenceKind.VARIABLE)

    def reads(self, variable: str) -> bool:
        """Whether a declared variable may count: it is mentioned, or a function sees all that there are."""
        references = self._checked.references.values()
        sees_all = any(each.contextual for reference in references for each in reference.overloads)
        return sees_all or variable in self.variables

    def evaluate_plainly(self, activation: Mapping[str, object], budget: Budget) -> object:
        """The same as `evaluate`, without the code made for common cases: slower, never different."""
        plain = self._plain
        if plain is None:
            with self._lock:
                plain = self._plain = self._plain or generate(self._checked)
        try:
            return plain(activation, budget)
        except RecursionError:
            raise EvaluationError("value nested too deep") from None

    def __repr__(self) -> str:
        return f"Program({self.text!r})"


class _Vocabulary:
    """What libraries declare together; put together once, for all environments that differ in variables."""

    def __init__(self, libraries: Iterable[Library]) -> None:
        self.libraries = tuple({each.name: each for each in (*CORE, *libraries)}.values())

    @cached_property
    def macros(self) -> frozenset[str]:
        """The macros, each as `name/arguments`."""
        return frozenset(name for library in self.libraries for name in library.macros)

    @cached_property
    def constants(self) -> Mapping[str, tuple[Type, object]]:
        """The constants by name."""
        return {name: value for each in self.libraries for name, value in each.constants.items()}

    @cached_property
    def types(self) -> Mapping[str, Type]:
        """The types by the names that they have at run time."""
        types = {each.name: each for library in self.libraries for each in library.types}
        return {RUNTIME_NAMES.get(name, name): each for name, each in types.items()}

    @cached_property
    def functions(self) -> Mapping[str, Function]:
        """The functions by name, with the overloads of all libraries."""
        merged: dict[str, Function] = {}
        for library in self.libraries:
            for function in library.functions:
                known = merged.get(function.name)
                overloads = (*known.overloads, *function.overloads) if known else function.overloads
                unique = {overload.identifier: overload for overload in overloads}
                merged[function.name] = Function(function.name, tuple(unique.values()))
        return merged


class Environment:
    """Libraries, variables and message types that expressions may use."""

    def __init__(
        self,
        libraries: Iterable[Library] = (),
        variables: Mapping[str, Type] | None = None,
        *,
        messages: Messages | None = None,
        container: str = "",
        backticks: bool = False,
        homogeneous: bool = True,
    ) -> None:
        self._vocabulary = _Vocabulary(libraries)
        self._variables = dict(variables or {})
        self._messages = messages
        self._container = container
        self._backticks = backticks
        self._homogeneous = homogeneous

    def extend(
        self,
        *,
        libraries: Iterable[Library] = (),
        variables: Mapping[str, Type] | None = None,
        messages: Messages | None = None,
    ) -> Environment:
        """This environment and more; `messages` replaces what was there."""
        added = tuple(libraries)
        made = Environment(
            variables={**self._variables, **(variables or {})},
            messages=messages or self._messages,
            container=self._container,
            backticks=self._backticks,
            homogeneous=self._homogeneous,
        )
        known = self._vocabulary
        made._vocabulary = _Vocabulary((*known.libraries, *added)) if added else known
        return made

    @property
    def variables(self) -> Mapping[str, Type]:
        """The declared variables."""
        return self._variables

    @property
    def functions(self) -> Mapping[str, Function]:
        """The functions, methods and operators by name."""
        return self._declarations.functions

    def compile(self, text: str, expected: Type | tuple[Type, ...] | None = None) -> Program:
        """A program; raises `CompileError`, also when the result is of none of the `expected` types."""
        checked = check(self._parse(text), self._declarations, text, self._container)
        expect(checked.result, expected)
        return _program(text, checked)

    def compile_unchecked(self, text: str) -> Program:
        """A program of a text whose types are not checked: every value is dyn."""
        return _program(text, resolve(self._parse(text), self._declarations, self._container))

    def _parse(self, text: str) -> Node:
        return parse(text, macros=self.macros, backticks=self._backticks)

    @property
    def macros(self) -> frozenset[str]:
        """The macros, each as `name/arguments`."""
        return self._vocabulary.macros

    @cached_property
    def _declarations(self) -> Declarations:
        known = self._vocabulary
        return Declarations(
            known.functions,
            self._variables,
            known.constants,
            known.types,
            self._resolver(),
            self._homogeneous,
        )

    def _resolver(self) -> Callable[[str], Type | None]:
        messages = self._messages
        if messages is None:
            return lambda _: None
        return messages.get if isinstance(messages, Mapping) else messages


def expect(result: Type, expected: Type | tuple[Type, ...] | None) -> None:
    """Raise `ResultError` when a result is of none of these types; None allows any.

    The words are those of apiserver/pkg/admission/plugin/cel/compile.go.
    """
    if expected is None:
        return
    allowed = expected if isinstance(expected, tuple) else (expected,)
    if result in allowed:
        return
    names = " ".join(each.runtime_name for each in allowed)
    wanted = names if len(allowed) == 1 else f"one of [{names}]"
    raise ResultError((Issue(f"must evaluate to {wanted} but got {result.runtime_name}", -1, 0),))


def _program(text: str, checked: Checked) -> Program:
    try:
        return Program(text, checked)
    except EvaluationError as error:
        raise InstantiationError((Issue(str(error), -1, 0),)) from None
    except (RecursionError, MemoryError):
        raise CompileError((Issue("expression recursion limit exceeded: 250", -1, 0),)) from None


@cache
def kubernetes_environment(*, extras: bool = False) -> Environment:
    """The environment of Kubernetes 1.36 (apiserver/pkg/cel/environment/base.go), without variables.

    `extras` adds what Kubernetes does not have: cel.bind, math, base64, strings.reverse.
    """
    return Environment((*KUBERNETES, *EXTRAS) if extras else KUBERNETES)
