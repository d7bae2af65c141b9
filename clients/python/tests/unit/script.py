"""A server by script: performs the effects of a flow with what the test wrote down."""

from collections.abc import Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message

from guideboard._flow import Call, Close, Flow, Give, Next, Open, Sleep, Steps, Work

T = TypeVar("T")
Answer = Message | Exception | list[Message | Exception]


class Script:
    """Answers calls in order: a message, an exception, or for a stream a list of messages that may end with an exception."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers = list(answers)
        self.asked: list[Any] = []
        self.given: list[Any] = []
        self.slept: list[float] = []
        self.closed = 0
        self.timeouts: list[float | None] = []

    def run(self, flow: Flow[T]) -> T:
        """Performs a flow to its end; all that was written down has to be asked for."""
        steps = Steps(flow)
        while (effect := steps.next()) is not None:
            try:
                steps.came(self._perform(effect))
            except Exception as error:
                steps.failed(error)
        assert self._answers == []
        return steps.value

    def _perform(self, effect: object) -> Any:
        match effect:
            case Give():
                self.given.append(effect.item)
            case Sleep():
                self.slept.append(effect.seconds)
            case Work():
                return effect.do()
            case Close():
                self.closed += 1
            case Next():
                self.timeouts.append(effect.timeout)
                answer = next(effect.stream, None)
                if isinstance(answer, Exception):
                    raise answer
                return answer
            case Call() | Open():
                sent = type(effect.request)()
                sent.CopyFrom(effect.request)
                self.asked.append(sent)
                answer = self._answers.pop(0)
                if isinstance(answer, Exception):
                    raise answer
                return iter(answer) if isinstance(answer, list) else answer
        return None
