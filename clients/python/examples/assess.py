"""Starts an assessment, watches it, prints the findings of the latest retained run, and downloads an artifact of it.

python examples/assess.py --server URL [--ca FILE] [--token-file FILE] [--artifact PATH] TARGET ASSESSMENT
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import guideboard
from guideboard.v1.types_pb2 import JobEvent, JobEventKind, JobStatus, Severity


def show(event: JobEvent) -> None:
    """One line for an event."""
    match event.kind:
        case JobEventKind.JOB_EVENT_KIND_STATUS:
            print(f"{event.number}: {JobStatus.Name(event.run.status).removeprefix('JOB_STATUS_').lower()}")
        case JobEventKind.JOB_EVENT_KIND_PROGRESS:
            print(f"{event.number}: {event.progress.done} of {event.progress.total} checks")
        case JobEventKind.JOB_EVENT_KIND_LOG:
            print(f"{event.number}: | {event.log_line!r}")
        case JobEventKind.JOB_EVENT_KIND_DROPPED:
            print(f"{event.number}: {event.dropped} events were passed over")


def assess(client: guideboard.Client, target: str, assessment: str, artifact: str | None) -> None:
    """Does all of it."""
    job = client.start_run(target=target, assessment=assessment)
    with client.follow(job.job_id, on_break=lambda error: print(f"trying again: {error}", file=sys.stderr)) as events:
        for event in events:
            show(event)
        job = events.result()
    if job.status != JobStatus.JOB_STATUS_SUCCEEDED:
        sys.exit(f"the job did not succeed: {job.error.message}")

    # Other runs may be newer, but not of this assessment.
    made = client.get_retained_run(directory=job.directory).run
    latest = client.get_latest_retained_run(target=made.target_profile_ref, assessment=made.assessment_profile_ref)
    print(f"latest run: {latest.run.run_id}")
    for finding in client.list_findings(directory=latest.run.directory):
        print(
            f"{Severity.Name(finding.severity).removeprefix('SEVERITY_').lower()}: {finding.title or finding.check_id}"
        )

    entries = list(client.list_artifacts(directory=latest.run.directory))
    chosen = next((entry for entry in entries if artifact in (None, entry.path)), None)
    if chosen is None:
        sys.exit(f"the run has no artifact {artifact or ''}")
    with tempfile.TemporaryDirectory() as place:
        done = client.download_artifact(
            chosen.path,
            Path(place) / "artifact",
            directory=latest.run.directory,
            expected_sha256=chosen.sha256,
        )
        print(f"{chosen.path}: {done.size_bytes} bytes, sha256 {done.sha256}, resumed {done.resumed} times")


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--server", required=True, metavar="URL", help="http://HOST:PORT, https://HOST:PORT or unix:PATH"
    )
    parser.add_argument("--ca", metavar="FILE", help="the authorities to trust, PEM; otherwise those of the system")
    parser.add_argument("--token-file", metavar="FILE", help="a file that holds a token")
    parser.add_argument("--artifact", metavar="PATH", help="which artifact to download; otherwise the first")
    parser.add_argument("target")
    parser.add_argument("assessment")
    asked = parser.parse_args()
    try:
        with guideboard.Client(asked.server, ca_file=asked.ca, token_file=asked.token_file) as client:
            assess(client, asked.target, asked.assessment, asked.artifact)
    except (guideboard.errors.GuideBoardError, ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
