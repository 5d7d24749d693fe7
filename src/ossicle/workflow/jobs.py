"""Work sent to a cluster: cut in parts, shared among its workers, joined again."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from functools import partial
from multiprocessing.reduction import ForkingPickler
from typing import Any, Literal

from ossicle.errors import WorkflowError
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.lanes import Limits, TooLateError, WorkerLostError
from ossicle.workflow.messages import Messages
from ossicle.workflow.works import Called, Context, again, aside, called, check_options

__all__ = ["Job"]


@dataclass(frozen=True, eq=False)
class Job(Called):
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

    _: KW_ONLY
    parts: Callable[[Messages], Iterable[Any]] | None = None
    join: Callable[[list[Any]], Any] | None = None
    where: Mapping[str, Any] | None = None
    share: Literal["steal", "static"] = "steal"
    retries: int = 0
    deadline: float | None = None
    cluster: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self.name, self.retries, self.deadline, share=self.share)

    def submit(self, messages: Messages) -> Future[Any]:
        """Start with my messages and do not wait; ``result()`` of what is returned waits."""
        self.check(messages)
        mine = messages.sent_to(self.name)
        return aside(lambda: self.answer(mine, Context())[0].data)

    def prepare(self, context: Context) -> None:
        """Refuse labels that no worker has."""
        try:
            self._cluster(context).check(self.where)
        except WorkflowError as error:
            raise WorkflowError(f"the work {self.name!r} cannot run: {error}") from error

    def make(self, mine: Messages, context: Context) -> Any:
        """Send the parts to the cluster and join what comes back."""
        parts = [mine] if self.parts is None else list(self.parts(mine))
        self._refuse_unsendable(parts)
        try:
            results = self._results(parts, context)
        except TooLateError as error:
            raise TooLateError(
                f"the work {self.name!r} was not done by its deadline of {self.deadline:g} s and "
                "is given up; allow a longer one, or more workers"
            ) from error
        if self.join is not None:
            return self.join(results)
        return results[0] if self.parts is None else results

    def _cluster(self, context: Context) -> Any:
        return self.cluster or context.cluster or LocalCluster()

    def _results(self, parts: list[Any], context: Context) -> list[Any]:
        """What is made of each part; those whose process is lost are done again."""
        function = partial(again, called(self.function), self.retries)
        left, results = dict(enumerate(parts)), dict[int, Any]()
        with self._stoppable(context) as stop:
            limits, cluster = Limits(self.deadline, stop), self._cluster(context)
            ways = {"where": self.where, "share": self.share, "stop": stop}

            def run(_: object) -> None:
                places = list(left)
                done = cluster.run(function, list(left.values()), deadline=limits.left, **ways)
                for number, result in done:
                    results[places[number]] = result
                    del left[places[number]]

            again(run, self.retries, None, after=WorkerLostError)
        return [results[place] for place in range(len(parts))]

    @contextmanager
    def _stoppable(self, context: Context) -> Iterator[Future[None]]:
        """A future that is done as soon as nobody waits for this any longer."""
        stop: Future[None] = Future()

        def end() -> None:
            if not stop.done():
                stop.set_result(None)

        self._stops.add(end)
        if context.stopped():
            end()
        try:
            yield stop
        finally:
            self._stops.discard(end)

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
