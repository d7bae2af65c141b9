//! ListFindings and ListEvidence: pages of a run's normalized items.

use prost::Message;
use tonic::{Request, Status};

use super::caller::Caller;
use super::page_token::{PageToken, QueryFingerprint};
use super::parse::{self, FieldError};
use super::retained::{RetainedRuns, count};
use super::{blocking, convert, listing};
use crate::repository::decode::Item;
use crate::repository::{ItemFilter, ItemsPage, ItemsPlace, ListedItem};
use crate::wire::pb;

/// Where a page ended, as a token holds it: generation, byte, items listed, matching and malformed.
type TokenPlace = (String, u64, u64, u64, u64);

/// What both calls ask.
struct Asked {
    caller: Caller,
    call: &'static str,
    runs_dir: String,
    run_id: String,
    directory: String,
    filter: ItemFilter,
    page_size: i32,
    page_token: String,
}

/// A page in the making.
struct Page<M> {
    items: Vec<M>,
    next_page_token: String,
    malformed_items: Vec<pb::MalformedItem>,
    found: ItemsPage,
}

/// Lists a run's findings.
pub(super) async fn findings(
    service: &RetainedRuns,
    request: Request<pb::ListFindingsRequest>,
) -> Result<pb::ListFindingsResponse, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let asked = Asked {
        caller,
        call: "ListFindings",
        runs_dir: request.runs_dir,
        run_id: request.run_id,
        directory: request.directory,
        filter: ItemFilter {
            results: parse::words("classifications", request.classifications)?,
            severities: parse::words("severities", request.severities)?,
            dispositions: parse::words("dispositions", request.dispositions)?,
            check_ids: parse::words("check_ids", request.check_ids)?,
        },
        page_size: request.page_size,
        page_token: request.page_token,
    };
    let page = page(service, asked, convert::finding).await?;
    Ok(pb::ListFindingsResponse {
        findings: page.items,
        next_page_token: page.next_page_token,
        total_size: count(page.found.total),
        malformed_count: count(page.found.malformed),
        malformed_items: page.malformed_items,
        generation: page.found.generation,
        severity_counts: listing::fitting_counts(page.found.survey.severities.by_word()),
        disposition_counts: listing::fitting_counts(page.found.survey.dispositions.by_word()),
    })
}

/// Lists a run's evidence items.
pub(super) async fn evidence(
    service: &RetainedRuns,
    request: Request<pb::ListEvidenceRequest>,
) -> Result<pb::ListEvidenceResponse, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let asked = Asked {
        caller,
        call: "ListEvidence",
        runs_dir: request.runs_dir,
        run_id: request.run_id,
        directory: request.directory,
        filter: ItemFilter {
            results: parse::words("results", request.results)?,
            severities: parse::words("severities", request.severities)?,
            dispositions: Vec::new(),
            check_ids: parse::words("check_ids", request.check_ids)?,
        },
        page_size: request.page_size,
        page_token: request.page_token,
    };
    let page = page(service, asked, convert::evidence).await?;
    Ok(pb::ListEvidenceResponse {
        evidence: page.items,
        next_page_token: page.next_page_token,
        total_size: count(page.found.total),
        malformed_count: count(page.found.malformed),
        malformed_items: page.malformed_items,
        generation: page.found.generation,
        result_counts: listing::fitting_counts(page.found.survey.results.by_word()),
    })
}

async fn page<T, M>(service: &RetainedRuns, asked: Asked, message: fn(ListedItem<T>) -> M) -> Result<Page<M>, Status>
where
    T: Item + 'static,
    M: Message + 'static,
{
    let permit = service.admission.admit(&asked.caller)?;
    let root = service.root(&asked.caller, &asked.runs_dir)?;
    let selector = parse::selector(&asked.run_id, &asked.directory)?;
    let limit = parse::page_size(asked.page_size)?;
    let fingerprint = QueryFingerprint::of(asked.call, root.name().as_str(), &(&selector, &asked.filter));
    let after = read_place(&asked.page_token, &fingerprint)?;
    blocking(permit, move || {
        let (mut items, mut room) = (Vec::new(), listing::PageRoom::new());
        let mut found = root.locate(&selector)?.items::<T>(&asked.filter, after.as_ref(), limit, &mut |listed| {
            let item = message(listed);
            let fits = room.admits(&item);
            if fits {
                items.push(item);
            }
            fits
        })?;
        let malformed = std::mem::take(&mut found.survey.malformed);
        Ok(Page {
            items,
            next_page_token: found.next.take().map(|next| write_place(&fingerprint, next)).unwrap_or_default(),
            malformed_items: malformed.into_iter().map(convert::malformed_item).collect(),
            found,
        })
    })
    .await
}

fn read_place(token: &str, fingerprint: &QueryFingerprint) -> Result<Option<ItemsPlace>, FieldError> {
    let place: Option<TokenPlace> = PageToken::read(token, fingerprint)?;
    Ok(place.map(|(generation, end, listed, total, malformed)| ItemsPlace {
        generation,
        end,
        listed,
        total,
        malformed,
    }))
}

fn write_place(fingerprint: &QueryFingerprint, place: ItemsPlace) -> String {
    let ItemsPlace { generation, end, listed, total, malformed } = place;
    let place: TokenPlace = (generation, end, listed, total, malformed);
    PageToken::write(fingerprint, place)
}
