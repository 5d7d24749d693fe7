"""A work takes the messages addressed to it and sends what it makes of them to the next works."""

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any, Literal

from ossicle.errors import WorkflowError, nearest
from ossicle.workflow.lanes import WorkCancelledError
from ossicle.workflow.messages import Message, Messages

__all__ = ["Context", "Function", "Work", "as_work"]

CHOICES = {
    "order": ("list", "ready"),
    "share": ("steal", "static"),
    "takes": ("messages", "data"),
}
"""Words that an option of a work may have."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a composite hands down to the works inside it.

    Parameters
    ----------
    cluster : LocalCluster or DaskCluster, optional
        Where jobs run that name no cluster of their own.
    say : callable, optional
        Takes each line of the log; None: no log.
    stopped : callable
        Whether nothing more is to be started.
    """

    cluster: Any = None
    say: Callable[[str], object] | None = None
    stopped: Callable[[], bool] = bool

    def tell(self, name: str, line: str, *rows: Messages) -> None:
        """Log a line of a work, and a table below it."""
        if self.say is not None:
            self.say("\n".join([f"FROM {name} : {line}", *map(str, rows)]))


class Work:
    """Something to be done with messages: subclass it and say how in ``process``.

    Parameters
    ----------
    name : str
        Its address: the receiver of messages for it and the sender of messages from it.
    next : str or sequence of str
        Names of the works that get what it makes, a message each. An empty name is nobody: what
        it makes is a final result; so it is without any name.

    >>> class Double(Work):
    ...     def process(self, messages):
    ...         return 2 * messages.one()
    >>> print(Double("f1", next="f2")(Messages.of((2, "init", "f1"), (7, "init", "f9"))))
    data  sender  receiver
    7     init    f9
    4     f1      f2
    """

    name: str
    next: str | Sequence[str] = ()
    first: "tuple[Work, ...]" = ()
    """Of works inside those that get a message addressed to this one; none if none is inside."""

    def __init__(self, name: str, next: str | Sequence[str] = ()) -> None:  # noqa: A002
        self.name, self.next = name, next

    def process(self, messages: Messages) -> Any:
        """Make something of the messages addressed to this work."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Stop if you are under way and can: nobody waits for you any longer."""

    def __call__(self, messages: Messages) -> Messages:
        """Take my messages out of a table and put what I make of them in (Algorithm 1)."""
        self.check(messages)
        mine, others = messages.split(self.inside)
        return others + Messages(self.answer(mine, Context()))

    def check(self, messages: Messages) -> None:
        """Refuse what cannot work before anything is done."""
        self.prepare(Context())

    def prepare(self, context: Context) -> None:
        """Refuse what the place where this is to run cannot give; here it is given."""

    def answer(self, mine: Messages, context: Context) -> tuple[Message, ...]:
        """What a composite calls: the messages made of those that are mine."""
        context.tell(self.name, "processing")
        try:
            made = self.make(mine, context)
        except Exception as error:
            error.add_note(f"in the work {self.name!r}")
            raise
        return tuple(Message(made, self.name, receiver) for receiver in self.receivers or ("",))

    def make(self, mine: Messages, context: Context) -> Any:
        """What is made of my messages in this context, which a plain work need not know."""
        return self.process(mine)

    @property
    def receivers(self) -> tuple[str, ...]:
        """The names of the next works."""
        if isinstance(self.next, str):
            return (self.next,) if self.next else ()
        return tuple(self.next)

    @property
    def inside(self) -> "Mapping[str, Work]":
        """This work and all that is in it, by name: the receivers whose messages are mine."""
        return {self.name: self}


@dataclass(frozen=True, eq=False)
class Called(Work):
    """A work that calls a function, or the ``process`` of an object."""

    function: Any
    name: str = ""
    next: str | Sequence[str] = ()
    _stops: set[Callable[[], object]] = field(
        default_factory=set, init=False, repr=False, kw_only=True
    )

    def __post_init__(self) -> None:
        called(self.function)
        object.__setattr__(self, "name", self.name or name_of(self.function))

    def process(self, messages: Messages) -> Any:
        """Do it and wait."""
        return self.make(messages, Context())

    def cancel(self) -> None:
        """End what is under way, where that can be done."""
        for stop in tuple(self._stops):
            stop()


@dataclass(frozen=True, eq=False)
class Function(Called):
    """A function that runs here.

    Parameters
    ----------
    function : callable, or object with ``process``
        Takes the messages addressed to the work; plain or async.
    name : str, optional
        That of the function or object if left out.
    next : str or sequence of str
        Names of the works that get its result.
    takes : {"messages", "data"}
        "data": the function is called with the data of its messages as arguments, in their order.
    retries : int
        How often it is tried again after an error.
    timeout : float, optional
        Seconds for each try. An async function is then cancelled. A plain one cannot be ended: its
        thread is left to itself; what may hang is a `Job` with a deadline, whose process is killed.

    Raises
    ------
    WorkflowError
        If it cannot be called, has no name, or an option makes no sense.

    >>> total = Function(lambda *numbers: sum(numbers), "total", takes="data")
    >>> total(Messages.of((1, "a", "total"), (2, "b", "total"))).data
    (3,)
    """

    _: KW_ONLY
    takes: Literal["messages", "data"] = "messages"
    retries: int = 0
    timeout: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_options(self.name, self.retries, self.timeout, takes=self.takes)

    def make(self, mine: Messages, context: Context) -> Any:
        """Call the function, again after an error as often as allowed."""
        given = mine.data if self.takes == "data" else (mine,)
        return again(self._once, self.retries, given, stopped=context.stopped)

    def _once(self, given: tuple[Any, ...]) -> Any:
        function = called(self.function)
        if self.timeout is None:
            made = function(*given)
        else:
            made = self._in_time(aside(lambda: function(*given)))
        return self._awaited(made) if inspect.isawaitable(made) else made

    def _in_time(self, outcome: Future[Any]) -> Any:
        try:
            return outcome.result(self.timeout)
        except TimeoutError:
            if outcome.done():
                raise
            raise self._late() from None

    def _awaited(self, made: Any) -> Any:
        """Run an async function to its end; in a thread of its own where a loop runs already."""
        import asyncio

        run = partial(asyncio.run, self._cancellable(made))
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return run()
        return aside(run).result()

    async def _cancellable(self, made: Any) -> Any:
        import asyncio

        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop() -> None:
            loop.call_soon_threadsafe(task.cancel)

        self._stops.add(stop)
        try:
            async with asyncio.timeout(self.timeout) as limit:
                return await made
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._late() from None
        except asyncio.CancelledError:
            raise WorkCancelledError(f"the work {self.name!r} was cancelled") from None
        finally:
            self._stops.discard(stop)

    def _late(self) -> WorkflowError:
        return WorkflowError(
            f"the work {self.name!r} took longer than its {self.timeout:g} s; allow a longer "
            "timeout, or make it a Job with a deadline, which ends its process"
        )


def as_work(thing: Any) -> Work:
    """Take a work as it is, and any callable or object with ``process`` as a `Function`.

    >>> as_work(abs).name
    'abs'
    """
    if isinstance(thing, Work):
        return thing
    return Function(thing, next=getattr(thing, "next", ()))


def name_of(function: Any) -> str:
    """The name a function or object is addressed by if it is given none.

    Raises
    ------
    WorkflowError
        If it is a lambda, which has none.

    >>> name_of(print)
    'print'
    """
    name = getattr(function, "name", "") or getattr(function, "__name__", type(function).__name__)
    if name == "<lambda>":
        raise WorkflowError("a lambda has no name; give one: Function(lambda …, 'name')")
    return str(name)


def called(function: Any) -> Callable[..., Any]:
    """What of a function, or an object with ``process``, is called.

    Raises
    ------
    WorkflowError
        If it is neither.
    """
    function = getattr(function, "process", function)
    if not callable(function):
        raise WorkflowError(f"{function!r} is no work; a callable or an object with process is")
    return function  # type: ignore[no-any-return]


def check_options(name: str, retries: int = 0, seconds: float | None = None, **chosen: str) -> None:
    """Refuse tries, seconds and words that make no sense."""
    for option, word in chosen.items():
        if word not in CHOICES[option]:
            raise WorkflowError(f"{name!r}: {option} is {word!r}; {nearest(word, CHOICES[option])}")
    if retries < 0:
        raise WorkflowError(f"{name!r}: retries is {retries}; 0 or more are allowed")
    if seconds is not None and not seconds > 0:
        raise WorkflowError(f"{name!r} may take {seconds} s; more than 0 is allowed, or None")


def again(
    function: Callable[[Any], Any],
    retries: int,
    given: Any,
    *,
    after: type[Exception] = Exception,
    stopped: Callable[[], bool] = bool,
) -> Any:
    """Call with what is given, and again after an error as often as allowed.

    What was asked to stop is not tried again.

    >>> again(abs, 1, -2)
    2
    """
    for _ in range(retries):
        try:
            return function(given)
        except WorkCancelledError:
            raise
        except after:
            if stopped():
                raise
    return function(given)


def aside(call: Callable[[], Any]) -> Future[Any]:
    """Call in a thread of its own; what comes of it is told by the future."""
    outcome: Future[Any] = Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome
