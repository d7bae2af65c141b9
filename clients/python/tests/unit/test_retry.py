import grpc
import pytest

from guideboard._retry import Backoff, is_passing
from guideboard.errors import GaveUpError, GuideBoardError, NotFoundError, UnavailableError, from_status


def broken() -> UnavailableError:
    return UnavailableError("connection reset by peer")


def test_only_what_the_service_did_not_say_or_asks_for_passes() -> None:
    assert is_passing(broken())
    assert is_passing(GuideBoardError("Stream removed", code=grpc.StatusCode.UNKNOWN))
    assert is_passing(UnavailableError("the server is stopping", reason="STOPPING", retry_delay=1.0))
    assert is_passing(GuideBoardError("slow", code=grpc.StatusCode.DEADLINE_EXCEEDED, reason="DEADLINE_EXCEEDED"))
    assert not is_passing(UnavailableError("it never comes back", reason="SOME_REASON"))
    assert not is_passing(GuideBoardError("its fault", code=grpc.StatusCode.INTERNAL, reason="INTERNAL"))
    assert not is_passing(NotFoundError("no such job"))
    assert not is_passing(from_status(grpc.StatusCode.UNIMPLEMENTED, "not this server", b""))
    assert not is_passing(UnavailableError("Ssl handshake failed: CERTIFICATE_VERIFY_FAILED"))


def test_the_pauses_grow_and_end_when_nothing_answered_for_long_enough() -> None:
    backoff, now, pauses = Backoff(5), 100.0, []
    for _ in range(6):
        pauses.append(backoff.broke(broken(), now))
        now += pauses[-1]
    with pytest.raises(GaveUpError) as caught:
        backoff.broke(broken(), now)
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 1.9])
    assert isinstance(caught.value.__cause__, UnavailableError)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_an_answer_begins_the_time_anew_and_only_what_is_of_use_the_pauses() -> None:
    backoff = Backoff(1)
    assert backoff.broke(broken(), 0) == pytest.approx(0.1)
    backoff.answered()
    assert backoff.broke(broken(), 3) == pytest.approx(0.2)
    backoff.went_on()
    assert backoff.broke(broken(), 6) == pytest.approx(0.1)


def test_the_pause_is_as_long_as_the_service_asks() -> None:
    asks = UnavailableError("later", reason="STOPPING", retry_delay=7.0)
    assert Backoff(60).broke(asks, 0) == 7.0


def test_what_does_not_pass_is_raised_as_it_is() -> None:
    error = NotFoundError("no such job")
    with pytest.raises(NotFoundError) as caught:
        Backoff(60).broke(error, 0)
    assert caught.value is error
