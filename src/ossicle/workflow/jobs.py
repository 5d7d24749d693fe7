"""Work sent to a cluster: cut in parts, shared among its workers, joined again."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from multiprocessing.reduction import ForkingPickler
from typing import Any, Literal

from ossicle.errors import WorkflowError
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.lanes import Limits, TooLateError, WorkerLostError
from ossicle.workflow.messages import Messages
from ossicle.workflow.works import Context, Work, again, aside, called, check_options, name_of

__all__ = ["Job"]


@dataclass(frozen=True, eq=False)
class Job(Work):
    """A function that runs on a cluster (Algorithm 2), on all at once or part by part.

    Parameters
    ----------
    function : callable, or object with ``process``
        Takes one part, or the messages of the work if there are no parts. It is found by name in
        another process, so it is best one of a module.
    name : str, optional
        That of the function if left out.
    next : str or sequence of str
        Names of the works that get its result.
    parts : callable, optional
        From the messages to the parts, which are done independently of each other.
    join : callable, optional
        From the list of results, in the order of the parts, to what is sent on; else the list.
    where : mapping of str to anything, optional
        Labels a worker must have: ``{"house": 7}``.
    share : {"steal", "static"}
        A worker that is free takes the next part, or each gets an equal portion at the start.
    retries : int
        How often a part is tried again after an error, or after the loss of its process.
    deadline : float, optional
        Seconds for the whole; then the processes are ended.
    cluster : LocalCluster or DaskCluster, optional
        Where it runs; else on that of the workflow it is in, else in this process.

    Raises
    ------
    WorkflowError
        If it has no name or an option makes no sense.

    >>> sizes = Job(abs, "sizes", parts=lambda messages: messages.one(), join=sum)
    >>> sizes(Messages.of(([-3, 1], "init", "sizes"))).data
    (4,)
    """

    function: Any
    name: str = ""
    next: str | Sequence[str] = ()
    _: KW_ONLY
    parts: Callable[[Messages], Iterable[Any]] | None = None
    join: Callable[[list[Any]], Any] | None = None
    where: Mapping[str, Any] | None = None
    share: Literal["steal", "static"] = "steal"
    retries: int = 0
    deadline: float | None = None
    cluster: Any = None
    _stops: set[Future[None]] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        called(self.function)
        object.__setattr__(self, "name", self.name or name_of(self.function))
        check_options(self.name, self.retries, self.deadline, share=self.share)

    def submit(self, messages: Messages) -> Future[Any]:
        """Start with my messages and do not wait; ``result()`` of what is returned waits."""
        self.check(messages)
        mine = messages.sent_to(self.name)
        return aside(lambda: self.answer(mine, Context())[0].data)

    def process(self, messages: Messages) -> Any:
        """Do it and wait."""
        return self.make(messages, Context())

    def prepare(self, context: Context) -> None:
        """Refuse labels that no worker has."""
        try:
            self._cluster(context).check(self.where)
        except WorkflowError as error:
            raise WorkflowError(f"the work {self.name!r} cannot run: {error}") from error

    def cancel(self) -> None:
        """End its processes."""
        for stop in tuple(self._stops):
            if not stop.done():
                stop.set_result(None)

    def make(self, mine: Messages, context: Context) -> Any:
        """Send the parts to the cluster and join what comes back."""
        parts = [mine] if self.parts is None else list(self.parts(mine))
        self._refuse_unsendable(parts)
        stop: Future[None] = Future()
        self._stops.add(stop)
        if context.stopped():
            self.cancel()
        try:
            results = self._results(parts, self._cluster(context), stop)
        except TooLateError as error:
            raise TooLateError(
                f"the work {self.name!r} was not done by its deadline of {self.deadline:g} s and "
                "is given up; allow a longer one, or more workers"
            ) from error
        finally:
            self._stops.discard(stop)
        if self.join is not None:
            return self.join(results)
        return results[0] if self.parts is None else results

    def _cluster(self, context: Context) -> Any:
        return self.cluster or context.cluster or LocalCluster()

    def _results(self, parts: list[Any], cluster: Any, stop: Future[None]) -> list[Any]:
        """What is made of each part; those whose process is lost are done again."""
        function = partial(again, called(self.function), self.retries)
        limits, results = Limits(self.deadline, stop), dict[int, Any]()
        ways = {"where": self.where, "share": self.share, "stop": stop}

        def run() -> None:
            places = [place for place in range(len(parts)) if place not in results]
            left = [parts[place] for place in places]
            for number, result in cluster.run(function, left, deadline=limits.left, **ways):
                results[places[number]] = result

        for _ in range(self.retries):
            with contextlib.suppress(WorkerLostError):
                run()
                break
        else:
            run()
        return [results[place] for place in range(len(parts))]

    def _refuse_unsendable(self, parts: list[Any]) -> None:
        for part in parts:
            try:
                ForkingPickler.dumps(part)
            except Exception as error:
                raise WorkflowError(
                    f"the work {self.name!r} is given what cannot be sent to another process "
                    f"({type(error).__name__}: {error}); send a path or plain data, or make it a "
                    "Function, which runs here"
                ) from error
