"""Works made of works: one after the other, all at once, or each as soon as it can."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, ClassVar, Literal

from ossicle.errors import WorkflowError
from ossicle.workflow.graph import Graph
from ossicle.workflow.messages import Message, Messages
from ossicle.workflow.ready import Crew
from ossicle.workflow.works import Context, Work, as_work, check_options

__all__ = ["Parallel", "Workflow"]

N_THREADS = 8
"""Works under way at once where it is left open; they share one lock of Python anyway."""

MOST_THREADS = 32
"""Threads of a `Parallel`; with more works than this, some wait for others to end."""


class _Composite(Work):
    """Claims the messages for anything inside it and passes all others on."""

    works: Sequence[Any]
    graph: Graph
    order: str
    verbose: bool = False
    cluster: Any = None
    n_threads: int | None

    def __post_init__(self) -> None:
        works = tuple(map(as_work, self.works))
        object.__setattr__(self, "works", works)
        object.__setattr__(self, "graph", Graph(self.name, works, self.order))
        self.graph.refuse_next(self.receivers)

    @property
    def first(self) -> tuple[Work, ...]:  # type: ignore[override]
        return self.graph.first

    @property
    def inside(self) -> Mapping[str, Work]:
        return {self.name: self, **self.graph.inside}

    def process(self, messages: Messages) -> Messages:
        """Do the works inside; the messages that are left, with those they have made."""
        return Messages(self.answer(messages, Context()))

    def check(self, messages: Messages) -> None:
        """Refuse everything that can be known to fail, before any work starts.

        Raises
        ------
        WorkflowError
            If a work sends to a name that nobody has, a work can never get a message, a row is
            for nobody, or the cluster lacks what a job asks for.
        """
        self.graph.refuse_unknown(self.receivers)
        self.graph.refuse_messages(messages, self.receivers)
        self.graph.refuse_unreached(messages, self)
        self.prepare(Context())

    def prepare(self, context: Context) -> None:
        inner = self._within(context)
        for work in self.works:
            work.prepare(inner)

    def cancel(self) -> None:
        """Ask every work inside to stop."""
        for work in self.works:
            work.cancel()

    def answer(self, mine: Messages, context: Context) -> tuple[Message, ...]:
        try:
            return (
                Crew(self.graph, self.n_threads or N_THREADS, self._within(context)).run(mine).rows
            )
        except Exception as error:
            error.add_note(f"in {self.name!r}")
            raise

    def _within(self, context: Context) -> Context:
        """The context of the works inside."""
        say = context.say or (print if self.verbose else None)
        return replace(context, cluster=self.cluster or context.cluster, say=say)


@dataclass(frozen=True, eq=False)
class Parallel(_Composite):
    """Works done at the same time (Algorithm 3): jobs are submitted, all others run in threads.

    All are waited for. What they make is put in the table in the order of the list. When one
    fails, the others are asked to stop, and its error is raised.

    Parameters
    ----------
    works : sequence
        Works, callables, or objects with ``process``; none sends to another.
    name : str
        A message addressed to it goes to each of its works.
    next : str or sequence of str, optional
        The works outside that those inside send to; if given, it is checked.

    Raises
    ------
    WorkflowError
        If a name is taken twice, works send to each other, or ``next`` is not where they send.

    >>> from ossicle.workflow.works import Function
    >>> both = Parallel([Function(abs, "size", takes="data"), Function(str, takes="data")], "both")
    >>> print(both(Messages.of((-3, "init", "both"))))
    data  sender  receiver
    3     size
    '-3'  str
    """

    works: Sequence[Any]
    name: str = "parallel"
    next: str | Sequence[str] = ()
    order: ClassVar[str] = "parallel"  # type: ignore[misc]
    graph: Graph = field(init=False, repr=False)

    @property
    def n_threads(self) -> int:  # type: ignore[override]
        return min(len(self.works), MOST_THREADS)


@dataclass(frozen=True, eq=False)
class Workflow(_Composite):
    """Works done one after the other (Algorithm 4), or each as soon as its messages are complete.

    Parameters
    ----------
    works : sequence
        Works, callables, or objects with ``process``.
    name : str
        A message addressed to it goes to its first work.
    next : str or sequence of str, optional
        The works outside that those inside send to; if given, it is checked.
    order : {"list", "ready"}
        "list": in this order, each work after those that send to it. "ready": a work starts when
        no unfinished work is left that sends to it; after a failure no further work starts, and
        those under way are done to the end. The table is the same either way.
    verbose : bool
        Print what is done, with the tables.
    cluster : LocalCluster or DaskCluster, optional
        Where jobs inside run that name no cluster of their own.
    n_threads : int, optional
        Works that may be under way at once in order "ready"; `N_THREADS` if left open.

    Raises
    ------
    WorkflowError
        If a name is taken twice, works wait for each other, one sends to another before it in the
        list, or ``next`` is not where they send.

    >>> from ossicle.workflow.works import Function
    >>> double = Function(lambda messages: 2 * messages.one(), "double", "shown")
    >>> flow = Workflow([double, Function(str, "shown", takes="data")])
    >>> flow(Messages.of((2, "init", "double"))).data
    ('4',)
    """

    works: Sequence[Any]
    name: str = "workflow"
    next: str | Sequence[str] = ()
    _: KW_ONLY
    order: Literal["list", "ready"] = "list"
    verbose: bool = False
    cluster: Any = None
    n_threads: int | None = None
    graph: Graph = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_options(self.name, order=self.order)
        if self.n_threads is not None and self.n_threads < 1:
            raise WorkflowError(f"n_threads is {self.n_threads}; 1 or more are allowed, or None")
        super().__post_init__()
