// What the clients for Node and for the browser have in common.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type CallOptions, type Client as Calls, Code, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  CatalogService,
  type Extension,
  type ListExtensionsRequestSchema,
} from "../gen/guideboard/v1/catalog_service_pb.js";
import {
  type ListEvidenceRequestSchema,
  type ListFindingsRequestSchema,
  type ListProblemsRequestSchema,
  type ListRetainedRunsRequestSchema,
  RetainedRunService,
  type StreamArtifactManifestRequestSchema,
} from "../gen/guideboard/v1/retained_run_service_pb.js";
import { type ListRunsRequestSchema, RunService } from "../gen/guideboard/v1/run_service_pb.js";
import type { Artifact, Evidence, Finding, Job, Problem, RetainedRun } from "../gen/guideboard/v1/types_pb.js";
import { type ArtifactReading, openArtifact, type ReadOptions, type Sha256 } from "./artifact.js";
import { callsOf } from "./calls.js";
import { ClosedError, GuideBoardError } from "./errors.js";
import { FollowedJob, type FollowOptions } from "./follow.js";
import { allPages } from "./pages.js";
import { type RunRef, selectorOf } from "./run.js";

/** A request without what the client itself sets. */
type Query<Request> = Omit<Request, "$typeName" | "$unknown" | "pageToken">;
/** A query about one run. */
type OfRun<Request> = Omit<Query<Request>, "runsDir" | "runId" | "directory">;
/** What a call takes beside its request. */
export type Options = Pick<CallOptions, "signal" | "timeoutMs" | "headers">;

/** A token, or what gives one for each call. */
export type TokenSource = string | (() => string | Promise<string>);

/** Puts a token into each call. */
export function bearer(token: TokenSource): Interceptor {
  return (next) => async (request) => {
    const text = (typeof token === "string" ? token : await token()).trim();
    request.header.set("authorization", `Bearer ${text}`);
    return next(request);
  };
}

/**
 * A client of one server.
 *
 * `retained`, `runs` and `catalog` have every call of the service, one method each; the other methods are what would otherwise be written around them. Any
 * number of calls may be under way at once. Every failure is a `GuideBoardError`; a call that its `signal` aborts throws the signal's reason.
 */
export class Client {
  /** The calls of RetainedRunService: durable history. */
  readonly retained: Calls<typeof RetainedRunService>;
  /** The calls of RunService: jobs. */
  readonly runs: Calls<typeof RunService>;
  /** The calls of CatalogService: the server itself, extensions, profiles and plans. */
  readonly catalog: Calls<typeof CatalogService>;
  readonly #lifetime = new AbortController();
  readonly #newSha256: () => Sha256;

  /** @internal */
  constructor(transport: Transport, newSha256: () => Sha256) {
    this.retained = callsOf(RetainedRunService, transport, this.#lifetime.signal);
    this.runs = callsOf(RunService, transport, this.#lifetime.signal);
    this.catalog = callsOf(CatalogService, transport, this.#lifetime.signal);
    this.#newSha256 = newSha256;
  }

  /** Ends all calls that are under way. No further one can be made. */
  close(): void {
    const { cause } = GuideBoardError.of(Code.Canceled, "the client is closed");
    this.#lifetime.abort(new ClosedError(cause));
  }

  /** All retained runs that match, newest first. */
  listRetainedRuns(
    query: Query<MessageInitShape<typeof ListRetainedRunsRequestSchema>> = {},
    options?: Options,
  ): AsyncGenerator<RetainedRun, void, undefined> {
    const ask = (pageToken: string) => this.retained.listRetainedRuns({ ...query, pageToken }, options);
    return allPages(ask, (page) => page.runs);
  }

  /** All directories that are not plain readable runs, by name. */
  listProblems(
    query: Query<MessageInitShape<typeof ListProblemsRequestSchema>> = {},
    options?: Options,
  ): AsyncGenerator<Problem, void, undefined> {
    const ask = (pageToken: string) => this.retained.listProblems({ ...query, pageToken }, options);
    return allPages(ask, (page) => page.problems);
  }

  /** All findings of a run that match, in file order. */
  listFindings(
    run: RunRef,
    query: OfRun<MessageInitShape<typeof ListFindingsRequestSchema>> = {},
    options?: Options,
  ): AsyncGenerator<Finding, void, undefined> {
    const place = selectorOf(run);
    const ask = (pageToken: string) => this.retained.listFindings({ ...query, ...place, pageToken }, options);
    return allPages(ask, (page) => page.findings);
  }

  /** All evidence items of a run that match, in file order. */
  listEvidence(
    run: RunRef,
    query: OfRun<MessageInitShape<typeof ListEvidenceRequestSchema>> = {},
    options?: Options,
  ): AsyncGenerator<Evidence, void, undefined> {
    const place = selectorOf(run);
    const ask = (pageToken: string) => this.retained.listEvidence({ ...query, ...place, pageToken }, options);
    return allPages(ask, (page) => page.evidence);
  }

  /** All jobs of the server that match, newest first. */
  listJobs(
    query: Query<MessageInitShape<typeof ListRunsRequestSchema>> = {},
    options?: Options,
  ): AsyncGenerator<Job, void, undefined> {
    const ask = (pageToken: string) => this.runs.listRuns({ ...query, pageToken }, options);
    return allPages(ask, (page) => page.runs);
  }

  /** All extensions that an assessment profile can name, by id. */
  listExtensions(
    query: Query<MessageInitShape<typeof ListExtensionsRequestSchema>> = {},
    options?: Options,
  ): AsyncGenerator<Extension, void, undefined> {
    const ask = (pageToken: string) => this.catalog.listExtensions({ ...query, pageToken }, options);
    return allPages(ask, (page) => page.extensions);
  }

  /** The entries of a run's artifact manifest, in file order. A broken connection is an error here. */
  async *listArtifacts(
    run: RunRef,
    query: OfRun<MessageInitShape<typeof StreamArtifactManifestRequestSchema>> = {},
    options?: Options,
  ): AsyncGenerator<Artifact, void, undefined> {
    for await (const { artifactManifest } of this.retained.streamArtifactManifest(
      { ...query, ...selectorOf(run) },
      options,
    )) {
      yield* artifactManifest;
    }
  }

  /** Follows a job to its end, over however many connections that takes. */
  follow(jobId: string, options: FollowOptions = {}): FollowedJob {
    return new FollowedJob(this.runs, jobId, options, this.#lifetime.signal);
  }

  /**
   * Opens an output of a run: gives its header, and then its bytes, verified, over however many connections that takes.
   *
   * @param path relative to the run directory, as a manifest or report gives it.
   * @throws GuideBoardError when there is no such run or output; `DigestMismatchError` when its digest is known to differ.
   */
  openArtifact(run: RunRef, path: string, options: ReadOptions = {}): Promise<ArtifactReading> {
    return openArtifact(this.retained, run, path, options, this.#lifetime.signal, this.#newSha256());
  }
}
