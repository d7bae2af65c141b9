import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from conftest import ASSESSMENT, TARGET, Servers

import guideboard
from guideboard import errors
from guideboard.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from guideboard.v1.retained_run_service_pb2 import StreamArtifactManifestRequest
from guideboard.v1.retained_run_service_pb2_grpc import RetainedRunServiceStub
from guideboard.v1.types_pb2 import FILE_STATE_PRESENT, SEVERITY_HIGH


@pytest.mark.parametrize("way", ["tcp", "uds", "proxy"])
def test_a_server_answers_over_tcp_and_over_a_unix_socket(
    way: str, connect: Callable[..., Any], servers: Servers
) -> None:
    info = connect(getattr(servers, way)).get_server_info()
    assert "start-run" in info.features
    assert [root.name for root in info.roots] == ["runs"]


def test_a_server_answers_over_tls_with_a_token(connect: Callable[..., Any], servers: Servers) -> None:
    client = connect(servers.tls, ca_file=servers.ca, token_file=servers.token_file)
    assert client.get_server_info().roots
    assert list(client.list_artifacts(directory="large"))
    token = Path(servers.token_file).read_text().strip()
    by_address = servers.tls.replace("localhost", "127.0.0.1")
    assert connect(by_address, ca_file=servers.ca, token=token, server_name="localhost").get_server_info().roots


def test_the_generated_stubs_work_over_the_channel_and_send_the_token(servers: Servers) -> None:
    with guideboard.Client(servers.tls, ca_file=servers.ca, token_file=servers.token_file) as client:
        stub = RetainedRunServiceStub(client.channel)
        replies = list(stub.StreamArtifactManifest(StreamArtifactManifestRequest(directory="large")))
        assert replies[0].run.directory == "large"
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.StreamArtifactManifest(StreamArtifactManifestRequest(directory="none")))
        error = errors.from_rpc_error(caught.value)
        assert (type(error), error.reason) == (errors.NotFoundError, "RUN_NOT_FOUND")
        catalog = catalog_service_pb2_grpc.CatalogServiceStub(client.channel)
        assert catalog.GetServerInfo(catalog_service_pb2.GetServerInfoRequest()).version


@pytest.mark.parametrize("given", [{}, {"token": "a-token-that-nobody-has"}])
def test_without_the_right_token_nobody_is_known(
    given: dict[str, str], connect: Callable[..., Any], servers: Servers
) -> None:
    client = connect(servers.tls, ca_file=servers.ca, **given)
    with pytest.raises(errors.UnauthenticatedError) as caught:
        client.get_server_info()
    assert caught.value.reason
    assert isinstance(caught.value.__cause__, grpc.RpcError)
    with pytest.raises(errors.UnauthenticatedError):
        list(client.list_artifacts(directory="large"))


def test_a_server_of_an_unknown_authority_is_not_trusted_nor_tried_again(
    connect: Callable[..., Any], servers: Servers, tmp_path: Path
) -> None:
    client = connect(servers.tls, token_file=servers.token_file)
    began = time.monotonic()
    for call in (
        client.get_server_info,
        lambda: list(client.follow("job-1")),
        lambda: client.download_artifact("run.json", tmp_path / "a", directory="large"),
    ):
        with pytest.raises(errors.UnavailableError) as caught:
            call()
        assert not isinstance(caught.value, errors.GaveUpError)
    assert time.monotonic() - began < 20


def test_the_service_says_what_is_wrong(client: Any) -> None:
    with pytest.raises(errors.NotFoundError) as missing:
        client.get_retained_run(run_id="run-20200101T000000Z-00000000")
    assert missing.value.reason == "RUN_NOT_FOUND"
    assert missing.value.code is grpc.StatusCode.NOT_FOUND
    with pytest.raises(errors.InvalidArgumentError) as wrong:
        list(client.list_retained_runs(page_size=-1))
    assert [violation.field for violation in wrong.value.field_violations] == ["page_size"]


def test_what_is_no_field_is_a_type_error(client: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        client.get_run(jobid="job-1")


def test_a_call_that_takes_too_long_is_ended(connect: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = connect(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(errors.DeadlineExceededError):
            client.with_timeout(0.1).get_server_info()


def test_listings_go_through_all_pages(client: Any) -> None:
    runs = client.list_retained_runs(page_size=1)
    names = [run.directory for run in runs]
    assert {"first", "second", "large"} <= set(names)
    assert len(names) == len(set(names))
    pages = list(runs.by_page())
    assert [len(page.runs) for page in pages] == [1] * pages[0].total_size
    assert pages[0].total_size >= 3


def test_a_listing_asks_for_no_more_pages_than_are_needed(connect: Callable[..., Any], servers: Servers) -> None:
    client = connect(servers.tcp)
    for run in client.list_retained_runs(page_size=1):
        client.close()
        assert run.directory
        break


def test_findings_and_evidence_and_artifacts_are_listed(client: Any) -> None:
    findings = list(client.list_findings(directory="large", severities=["high"]))
    assert [finding.severity for finding in findings] == [SEVERITY_HIGH]
    results = [evidence.check_id for evidence in client.list_evidence(directory="large", page_size=1)]
    assert results == ["context-received", "to-be-written"]
    artifacts = {artifact.path: artifact for artifact in client.list_artifacts(directory="large")}
    assert artifacts["artifacts/harness/large.bin"].state == FILE_STATE_PRESENT
    assert artifacts["artifacts/harness/large.bin"].size_bytes == 8 << 20


def test_problems_and_extensions_are_listed(client: Any) -> None:
    assert "broken-off" in [problem.directory for problem in client.list_problems(reasons=["incomplete"])]
    assert "harness" in [extension.id for extension in client.list_extensions(page_size=1)]


def test_plans_and_profiles_are_looked_at(client: Any) -> None:
    assert client.plan_assessment(target=TARGET, assessment=ASSESSMENT).plan.steps
    assert not client.validate_profile(kind=1, document="{}").valid


def test_nobody_at_the_other_end_is_unavailable(connect: Callable[..., Any], tmp_path: Path) -> None:
    for address in ("http://127.0.0.1:1", f"unix:{tmp_path}/none.sock"):
        with pytest.raises(errors.UnavailableError):
            connect(address).get_server_info()
