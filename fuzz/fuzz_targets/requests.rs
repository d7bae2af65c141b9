//! The requests of `RetainedRunService` and `CatalogService`: names, page tokens, filters, paths, offsets, profiles. Whatever a client sends is answered, or refused as the
//! client's own doing, never as a fault of the server, and no message is larger than promised. A page is a part of
//! the whole list in its order, whatever place a token claims to hold.
#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use data_encoding::BASE64URL_NOPAD;
use guide_board::jobs::{JobSettings, JobTable, Launcher};
use guide_board::model::VisibleRoots;
use guide_board::repository::root::ContainmentChoice;
use guide_board::repository::{Repository, RootSpec};
use guide_board::services::{Admission, Catalog, MAX_MESSAGE_BYTES, RetainedRuns, ServerFacts, StartPolicy, local_request};
use guide_board::wire::pb;
use guide_board::wire::pb::catalog_service_server::CatalogService;
use guide_board::wire::pb::retained_run_service_server::RetainedRunService;
use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use prost::Message;
use tokio::runtime::Runtime;
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Request, Response, Status};

/// Where the fixture roots stand: runs of every generation, and some that are broken. Nothing that is called here writes.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/runs-root");

/// What a request would have to say to be answered.
const KNOWN: [&str; 16] = [
    "runs",
    ROOT,
    "run-20260508T164334Z-7f3a91c2",
    "hand-over",
    "moved-from-ci",
    "nightly-2024-11-03",
    "run-20260301T000000Z-0badc0de",
    "sample-repository",
    "sample-noop-assessment",
    "completed",
    "incomplete",
    "summary_not_object",
    "report",
    "run.json",
    "reports/report.md",
    "artifacts/repository-baseline/inventory.json",
];

struct Served {
    runtime: Runtime,
    service: RetainedRuns,
    catalog: Catalog,
    /// The directories of all runs and of all problems, in list order.
    runs: Vec<String>,
    problems: Vec<String>,
}

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let spec = RootSpec { name: "runs".parse().expect("a name"), path: ROOT.into() };
    let containment = ContainmentChoice::Auto.decide().expect("a containment");
    let repository = Repository::new(vec![spec], containment).expect("one root");
    repository.root("", &VisibleRoots::All).expect("the root").refresh().expect("scanned");
    let repository = Arc::new(repository);
    let service = RetainedRuns::new(Arc::clone(&repository), Admission::new(8));
    let catalog = catalog(repository);
    let (runs, problems) = runtime.block_on(async {
        let runs = service
            .list_retained_runs(local_request(pb::ListRetainedRunsRequest::default()))
            .await
            .expect("a list")
            .into_inner()
            .runs;
        let problems = service
            .list_problems(local_request(pb::ListProblemsRequest::default()))
            .await
            .expect("a list")
            .into_inner()
            .problems;
        (runs, problems)
    });
    assert!(runs.len() > 3 && !problems.is_empty());
    let runs = runs.into_iter().map(|run| run.directory).collect();
    Served {
        runtime,
        service,
        catalog,
        runs,
        problems: problems.into_iter().map(|problem| problem.directory).collect(),
    }
});

/// A catalog over the profiles of the repository. It starts no job.
fn catalog(repository: Arc<Repository>) -> Catalog {
    let home = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let launcher =
        Launcher { program: "false".into(), cli_command: Vec::new(), root: home.into(), extension_dirs: Vec::new() };
    let jobs = JobTable::new(JobSettings::default(), launcher, "fuzzing".to_owned());
    let facts = ServerFacts {
        started_at: "2026-01-01T00:00:00Z".parse().expect("a time"),
        read_only: true,
        max_concurrent_calls: 8,
        max_connections: 8,
    };
    let policy = StartPolicy {
        root: home.into(),
        profile_dirs: vec![format!("{home}/profiles").into()],
        extension_dirs: vec![format!("{home}/extensions/sample-noop").into()],
        read_only: true,
    };
    Catalog::new(repository, jobs, facts, Arc::new(policy), Admission::new(8))
}

fuzz_target!(|bytes: &[u8]| {
    let served = &*SERVED;
    let mut input = Unstructured::new(bytes);
    // An input that is used up is a request with nothing more in it.
    let _ = served.runtime.block_on(one_call(served, &mut input));
});

async fn one_call(served: &Served, input: &mut Unstructured<'_>) -> Result<()> {
    let service = &served.service;
    match input.int_in_range(0..=9)? {
        0 => list(served, input).await?,
        1 => problems(served, input).await?,
        2 => unary(service.get_retained_run(get(input)?).await),
        3 => {
            let list: pb::ListRetainedRunsRequest = filters(input)?;
            let request = pb::GetLatestRetainedRunRequest {
                runs_dir: list.runs_dir,
                target: list.target,
                assessment: list.assessment,
                statuses: list.statuses,
                completed_after: list.completed_after,
                completed_before: list.completed_before,
                source_commit: list.source_commit,
                labels: list.labels,
            };
            unary(service.get_latest_retained_run(local_request(request)).await);
        }
        4 => unary(service.get_retained_run_reports(reports(input)?).await),
        5 => streamed(service.stream_artifact_manifest(manifest(input)?).await).await,
        6 => streamed(service.read_artifact(artifact(input)?).await).await,
        7 => unary(served.catalog.validate_profile(validate(input)?).await),
        8 => unary(
            served.catalog.plan_assessment(decoded(input)?.unwrap_or_else(|| local_request(Default::default()))).await,
        ),
        _ => unary(
            served.catalog.list_extensions(decoded(input)?.unwrap_or_else(|| local_request(Default::default()))).await,
        ),
    }
    Ok(())
}

/// The rest of the input as the bytes of a message, every other time.
fn decoded<M: Message + Default>(input: &mut Unstructured<'_>) -> Result<Option<Request<M>>> {
    if bool::arbitrary(input)? {
        return Ok(None);
    }
    let bytes = input.bytes(input.len())?;
    Ok(Some(local_request(M::decode(bytes).unwrap_or_default())))
}

async fn list(served: &Served, input: &mut Unstructured<'_>) -> Result<()> {
    let request = match decoded(input)? {
        Some(request) => request,
        None => {
            let mut request = filters(input)?;
            // The first page of the same query gives a token that is half right.
            let first = local_request(pb::ListRetainedRunsRequest { page_size: 1, ..request.clone() });
            let genuine =
                served.service.list_retained_runs(first).await.map(|reply| reply.into_inner().next_page_token);
            request.page_token = token(input, &genuine.unwrap_or_default())?;
            request.page_size = i32::arbitrary(input)?;
            local_request(request)
        }
    };
    let reply = served.service.list_retained_runs(request).await;
    if let Ok(reply) = &reply {
        is_part_of(&served.runs, reply.get_ref().runs.iter().map(|run| &run.directory));
    }
    unary(reply);
    Ok(())
}

async fn problems(served: &Served, input: &mut Unstructured<'_>) -> Result<()> {
    let request = match decoded(input)? {
        Some(request) => request,
        None => {
            let mut request = pb::ListProblemsRequest { runs_dir: text(input)?, page_size: 1, ..Default::default() };
            if bool::arbitrary(input)? {
                request.reasons.push(text(input)?);
            }
            let first = served.service.list_problems(local_request(request.clone())).await;
            let genuine = first.map(|reply| reply.into_inner().next_page_token).unwrap_or_default();
            request.page_token = token(input, &genuine)?;
            request.page_size = i32::arbitrary(input)?;
            local_request(request)
        }
    };
    let reply = served.service.list_problems(request).await;
    if let Ok(reply) = &reply {
        is_part_of(&served.problems, reply.get_ref().problems.iter().map(|problem| &problem.directory));
    }
    unary(reply);
    Ok(())
}

/// A profile in the request: any text, or a good one with some of it cut out or put in.
fn validate(input: &mut Unstructured<'_>) -> Result<Request<pb::ValidateProfileRequest>> {
    const GOOD: [&str; 2] = [
        r#"{"id": "t", "subject_type": "x", "endpoints": [{"binding": "b", "url": "u"}], "credentials_ref": "env:A"}"#,
        r#"{"id": "a", "extensions": ["sample-noop"], "check_groups": [{"extension_id": "sample-noop", "check_group": "sample"}], "waivers_ref": null}"#,
    ];
    if let Some(request) = decoded(input)? {
        return Ok(request);
    }
    let kind = input.int_in_range(0..=1)?;
    let mut document = GOOD[kind].to_owned();
    for _ in 0..input.int_in_range(0..=3)? {
        let at = input.int_in_range(0..=document.len())?;
        let upto = input.int_in_range(at..=document.len())?;
        if document.is_char_boundary(at) && document.is_char_boundary(upto) {
            document.replace_range(at..upto, <&str>::arbitrary(input)?);
        }
    }
    let kind = if kind == 0 { pb::ProfileKind::Target } else { pb::ProfileKind::Assessment };
    Ok(local_request(pb::ValidateProfileRequest { kind: kind.into(), document, ..Default::default() }))
}

fn get(input: &mut Unstructured<'_>) -> Result<Request<pb::GetRetainedRunRequest>> {
    Ok(match decoded(input)? {
        Some(request) => request,
        None => local_request(pb::GetRetainedRunRequest {
            runs_dir: text(input)?,
            run_id: text(input)?,
            directory: text(input)?,
        }),
    })
}

fn reports(input: &mut Unstructured<'_>) -> Result<Request<pb::GetRetainedRunReportsRequest>> {
    Ok(match decoded(input)? {
        Some(request) => request,
        None => local_request(pb::GetRetainedRunReportsRequest {
            runs_dir: text(input)?,
            run_id: text(input)?,
            directory: text(input)?,
            kind: text(input)?,
            include_contents: bool::arbitrary(input)?,
            report_unsafe: bool::arbitrary(input)?,
        }),
    })
}

fn manifest(input: &mut Unstructured<'_>) -> Result<Request<pb::StreamArtifactManifestRequest>> {
    Ok(match decoded(input)? {
        Some(request) => request,
        None => local_request(pb::StreamArtifactManifestRequest {
            runs_dir: text(input)?,
            run_id: text(input)?,
            directory: text(input)?,
            include_unlisted: bool::arbitrary(input)?,
            report_unsafe: bool::arbitrary(input)?,
        }),
    })
}

fn artifact(input: &mut Unstructured<'_>) -> Result<Request<pb::ReadArtifactRequest>> {
    Ok(match decoded(input)? {
        Some(request) => request,
        None => local_request(pb::ReadArtifactRequest {
            runs_dir: text(input)?,
            run_id: text(input)?,
            directory: text(input)?,
            path: text(input)?,
            offset: i64::from(i16::arbitrary(input)?),
            limit: i64::arbitrary(input)?,
            compute_sha256: bool::arbitrary(input)?,
            expected_sha256: text(input)?,
            expected_generation: text(input)?,
        }),
    })
}

fn filters(input: &mut Unstructured<'_>) -> Result<pb::ListRetainedRunsRequest> {
    let mut labels = BTreeMap::new();
    let mut statuses = Vec::new();
    for _ in 0..input.int_in_range(0..=3)? {
        labels.insert(text(input)?, text(input)?);
    }
    for _ in 0..input.int_in_range(0..=3)? {
        statuses.push(text(input)?);
    }
    Ok(pb::ListRetainedRunsRequest {
        runs_dir: text(input)?,
        target: text(input)?,
        assessment: text(input)?,
        statuses,
        completed_after: time(input)?,
        completed_before: time(input)?,
        source_commit: text(input)?,
        labels,
        page_size: 0,
        page_token: String::new(),
    })
}

/// Nothing, something known, or anything.
fn text(input: &mut Unstructured<'_>) -> Result<String> {
    Ok(match input.int_in_range(0..=3)? {
        0 | 1 => String::new(),
        2 => (*input.choose(&KNOWN)?).to_owned(),
        _ => <&str>::arbitrary(input)?.to_owned(),
    })
}

fn time(input: &mut Unstructured<'_>) -> Result<Option<prost_types::Timestamp>> {
    Ok(match input.int_in_range(0..=3)? {
        0 | 1 => None,
        2 => Some(prost_types::Timestamp { seconds: i32::arbitrary(input)?.into(), nanos: 0 }),
        _ => Some(prost_types::Timestamp { seconds: i64::arbitrary(input)?, nanos: i32::arbitrary(input)? }),
    })
}

/// None, the genuine one, the genuine one with some bytes of its inside changed, any inside, or any text.
fn token(input: &mut Unstructured<'_>, genuine: &str) -> Result<String> {
    Ok(match input.int_in_range(0..=4)? {
        0 => String::new(),
        1 => genuine.to_owned(),
        2 => {
            let mut inside = BASE64URL_NOPAD.decode(genuine.as_bytes()).expect("the server's own token");
            for _ in 0..input.int_in_range(1..=4)? {
                let (at, byte) = (usize::from(u8::arbitrary(input)?), u8::arbitrary(input)?);
                if let Some(changed) = inside.get_mut(at) {
                    *changed = byte;
                }
            }
            BASE64URL_NOPAD.encode(&inside)
        }
        3 => BASE64URL_NOPAD.encode(<&[u8]>::arbitrary(input)?),
        _ => <&str>::arbitrary(input)?.to_owned(),
    })
}

fn is_part_of<'a>(whole: &[String], part: impl Iterator<Item = &'a String>) {
    let mut rest = whole.iter();
    for directory in part {
        assert!(rest.any(|next| next == directory), "{directory} is out of order, twice, or from nowhere");
    }
}

fn unary<M: Message>(reply: std::result::Result<Response<M>, Status>) {
    match reply {
        Ok(reply) => is_bounded(reply.get_ref()),
        Err(status) => is_the_clients_doing(&status),
    }
}

async fn streamed<S, M>(reply: std::result::Result<Response<S>, Status>)
where
    S: Stream<Item = std::result::Result<M, Status>> + Unpin,
    M: Message,
{
    let mut stream = match reply {
        Ok(reply) => reply.into_inner(),
        Err(status) => return is_the_clients_doing(&status),
    };
    while let Some(message) = stream.next().await {
        match message {
            Ok(message) => is_bounded(&message),
            Err(status) => return is_the_clients_doing(&status),
        }
    }
}

fn is_bounded(message: &impl Message) {
    assert!(message.encoded_len() <= MAX_MESSAGE_BYTES);
}

fn is_the_clients_doing(status: &Status) {
    use Code::{DataLoss, FailedPrecondition, InvalidArgument, NotFound, OutOfRange};
    // DATA_LOSS: some of the fixture documents are broken, and pinned digests may be of other bytes.
    assert!(
        matches!(status.code(), InvalidArgument | NotFound | FailedPrecondition | OutOfRange | DataLoss),
        "{status:?}"
    );
}
