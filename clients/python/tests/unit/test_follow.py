import itertools

import pytest
from script import Answer, Script

from guideboard._follow import Progress, admit, follow
from guideboard.errors import GaveUpError, GuideBoardError, JobForgottenError, NotFoundError, UnavailableError
from guideboard.v1 import run_service_pb2 as runs
from guideboard.v1 import types_pb2 as types

LOG, DROPPED, HEARTBEAT, STATUS = (
    types.JOB_EVENT_KIND_LOG,
    types.JOB_EVENT_KIND_DROPPED,
    types.JOB_EVENT_KIND_HEARTBEAT,
    types.JOB_EVENT_KIND_STATUS,
)


def event(number: int, kind: types.JobEventKind.ValueType = LOG, dropped: int = 0) -> types.JobEvent:
    return types.JobEvent(number=number, kind=kind, dropped=dropped)


def job(*, ended: bool) -> types.Job:
    job = types.Job(job_id="job", status=types.JOB_STATUS_RUNNING)
    if ended:
        job.status = types.JOB_STATUS_SUCCEEDED
        job.ended_at.seconds = 1
    return job


def end(number: int) -> types.JobEvent:
    return types.JobEvent(number=number, kind=STATUS, run=job(ended=True))


def message(*events: types.JobEvent) -> runs.WatchRunResponse:
    return runs.WatchRunResponse(events=events)


def broken() -> UnavailableError:
    return UnavailableError("connection reset by peer")


def followed(
    answers: list[Answer], after: int = 0, retry_for: float = 5
) -> tuple[Script, Progress, list[GuideBoardError]]:
    script, progress, breaks = Script(answers), Progress("job", after), list[GuideBoardError]()
    clock = itertools.count().__next__
    script.run(follow(progress, retry_for=retry_for, silence=1, on_break=breaks.append, clock=clock))
    return script, progress, breaks


def test_a_broken_stream_goes_on_after_the_last_event() -> None:
    script, progress, breaks = followed(
        [[message(event(1), event(2)), broken()], broken(), [message(event(2), event(3), end(4))]]
    )
    assert [each.number for each in script.given] == [1, 2, 3, 4]
    assert [each.after for each in script.asked] == [0, 2, 2]
    assert len(breaks) == 2
    assert script.slept == pytest.approx([0.1, 0.2])
    assert progress.job == job(ended=True)


def test_a_break_after_the_end_is_none() -> None:
    script, progress, breaks = followed([[message(end(1)), broken()]])
    assert progress.job is not None
    assert (breaks, script.slept) == ([], [])


def test_a_stream_that_ends_without_the_jobs_end_is_asked_about() -> None:
    script, progress, _ = followed([[], runs.GetRunResponse(run=job(ended=True))], after=7)
    assert script.given == []
    assert progress.job == job(ended=True)


def test_a_stream_that_something_cut_is_opened_again() -> None:
    script, progress, breaks = followed(
        [[message(event(1))], runs.GetRunResponse(run=job(ended=False)), [message(end(2))]]
    )
    assert [each.number for each in script.given] == [1, 2]
    assert len(breaks) == 1
    assert progress.job is not None


def test_a_job_that_was_known_and_is_not_found_is_forgotten() -> None:
    missing = NotFoundError("no such job", reason="JOB_NOT_FOUND")
    with pytest.raises(JobForgottenError) as caught:
        followed([[message(event(1)), broken()], [missing]])
    assert caught.value.__cause__ is missing
    assert caught.value.reason == "JOB_NOT_FOUND"


def test_a_job_that_was_never_known_is_not_found() -> None:
    with pytest.raises(NotFoundError) as caught:
        followed([[NotFoundError("no such job")]])
    assert type(caught.value) is NotFoundError


def test_when_nothing_answers_it_is_given_up() -> None:
    with pytest.raises(GaveUpError):
        followed([broken(), broken(), broken()], retry_for=2)


def test_a_server_that_says_why_it_cannot_is_not_silent() -> None:
    busy = UnavailableError("later", reason="STOPPING", retry_delay=0.5)
    script, progress, _ = followed([busy, busy, busy, busy, [message(end(1))]], retry_for=2)
    assert progress.job is not None
    assert len(script.slept) == 4


@pytest.mark.parametrize(
    ("after", "sent", "told"),
    [
        (0, [event(1), event(1, HEARTBEAT), event(1), event(2)], [(1, LOG, 0), (2, LOG, 0)]),
        (2, [event(1), event(2), event(3)], [(3, LOG, 0)]),
        (4, [event(7)], [(6, DROPPED, 2), (7, LOG, 0)]),
        (4, [event(6, DROPPED, 6), event(7)], [(6, DROPPED, 2), (7, LOG, 0)]),
        (4, [event(4, DROPPED, 4), event(5)], [(5, LOG, 0)]),
    ],
)
def test_each_event_passes_once_and_no_gap_is_left_unsaid(
    after: int, sent: list[types.JobEvent], told: list[tuple[int, int, int]]
) -> None:
    passed = []
    for each in sent:
        for admitted in admit(after, each):
            after = admitted.number
            passed.append((admitted.number, admitted.kind, admitted.dropped))
    assert passed == told
