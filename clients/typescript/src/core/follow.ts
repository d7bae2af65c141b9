// Following a job to its end over however many connections that takes.

import { create } from "@bufbuild/protobuf";
import { type Client as Calls, Code } from "@connectrpc/connect";
import type { RunService } from "../gen/guideboard/v1/run_service_pb.js";
import { type Job, type JobEvent, JobEventKind, JobEventSchema } from "../gen/guideboard/v1/types_pb.js";
import { LinkedSignal } from "./calls.js";
import { GuideBoardError, JobForgottenError } from "./errors.js";
import { Backoff } from "./retry.js";

/** How a job is followed. */
export interface FollowOptions {
  /** Only events with a larger number. Default 0: all that the server still holds. */
  readonly after?: bigint;
  /** How long a broken connection is tried again without an answer, in milliseconds. Default 60000. */
  readonly retryForMs?: number;
  /** A silence of this length counts as a broken connection, in milliseconds. A server says something every 20 seconds. Default 60000. */
  readonly silenceMs?: number;
  /** Ends the following; its reason is thrown. The job goes on. */
  readonly signal?: AbortSignal;
  /** Called once for each break of the connection. */
  readonly onBroken?: (error: GuideBoardError) => void;
  /** Called when something is heard of the server again: an event, or a heartbeat. */
  readonly onResumed?: () => void;
}

/** How long a server may take until it begins to answer, in milliseconds. */
const ANSWER_MS = 20_000;

/**
 * A job that is followed. Iterate over it, once, for its events: each is given once, in order, without heartbeats; what is missing between two
 * numbers is given as an event of the kind `DROPPED`. The iteration ends with the job.
 */
export class FollowedJob implements AsyncIterable<JobEvent> {
  readonly #runs: Calls<typeof RunService>;
  readonly #jobId: string;
  readonly #options: FollowOptions;
  readonly #lifetime: AbortSignal;
  #after: bigint;
  #ended: Job | undefined;
  #events: AsyncGenerator<JobEvent, void, undefined> | undefined;

  /** @internal */
  constructor(runs: Calls<typeof RunService>, jobId: string, options: FollowOptions, lifetime: AbortSignal) {
    this.#runs = runs;
    this.#jobId = jobId;
    this.#options = options;
    this.#lifetime = lifetime;
    this.#after = options.after ?? 0n;
  }

  /** The number of the last event given: what another follower would go on after. */
  get after(): bigint {
    return this.#after;
  }

  /** The job as it ended. Unset until then. */
  get job(): Job | undefined {
    return this.#ended;
  }

  /**
   * Goes on to the end, and gives the job as it ended. Events that nobody has iterated over are passed over.
   *
   * @throws JobForgottenError when the server no longer knows the job.
   * @throws GaveUpError when it no longer answers.
   * @throws GuideBoardError when it refuses.
   */
  async end(): Promise<Job> {
    for await (const _ of this) {
      // Only the end is of interest.
    }
    if (this.#ended === undefined) {
      throw GuideBoardError.of(Code.Canceled, "the following was ended before the job");
    }
    return this.#ended;
  }

  [Symbol.asyncIterator](): AsyncGenerator<JobEvent, void, undefined> {
    this.#events ??= this.#follow();
    return this.#events;
  }

  async *#follow(): AsyncGenerator<JobEvent, void, undefined> {
    const link = new LinkedSignal(this.#options.signal, this.#lifetime);
    const backoff = new Backoff(this.#options.retryForMs ?? 60_000);
    let isKnown = false;
    let isBroken = false;
    try {
      for (;;) {
        try {
          for await (const events of this.#stream(link.signal)) {
            isKnown = true;
            backoff.wentOn();
            if (isBroken) {
              isBroken = false;
              this.#options.onResumed?.();
            }
            for (const event of events) {
              for (const next of admit(this.#after, event)) {
                this.#after = next.number;
                if (next.run?.endedAt !== undefined) {
                  this.#ended = next.run;
                }
                yield next;
              }
            }
          }
          // A stream ends without the job's end when `after` was the number of the last event.
          this.#ended ??= await this.#ask(link.signal);
          return;
        } catch (thrown) {
          link.signal.throwIfAborted();
          if (!(thrown instanceof GuideBoardError)) {
            throw thrown;
          }
          if (this.#ended !== undefined) {
            // Nothing comes after the end, so nothing is missing.
            return;
          }
          if (isKnown && thrown.code === Code.NotFound) {
            throw new JobForgottenError(thrown.cause, "the server no longer knows the job; look under retained runs");
          }
          if (thrown.reason !== "") {
            // A server that says so is not silent.
            backoff.answered();
          }
          const pause = backoff.pause(thrown, link.signal);
          if (!isBroken) {
            isBroken = true;
            this.#options.onBroken?.(thrown);
          }
          await pause;
        }
      }
    } finally {
      link.release();
    }
  }

  /** The events of one connection. Silence breaks it. */
  async *#stream(signal: AbortSignal): AsyncGenerator<JobEvent[], void, undefined> {
    const link = new LinkedSignal(signal);
    const silence = GuideBoardError.of(Code.Unavailable, "nothing was heard of the server");
    const silenceMs = this.#options.silenceMs ?? 60_000;
    let timer = setTimeout(() => link.release(silence), Math.min(ANSWER_MS, silenceMs));
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => link.release(silence), silenceMs);
    };
    try {
      const request = { jobId: this.#jobId, after: this.#after };
      for await (const { events } of this.#runs.watchRun(request, { signal: link.signal, onHeader: heard })) {
        // The reader's time is not the server's silence.
        clearTimeout(timer);
        yield events;
        heard();
      }
    } finally {
      clearTimeout(timer);
      link.release();
    }
  }

  /** The job, if it has ended. Otherwise something between cut the stream and called it an end. */
  async #ask(signal: AbortSignal): Promise<Job> {
    const { run } = await this.#runs.getRun({ jobId: this.#jobId }, { signal, timeoutMs: ANSWER_MS });
    if (run?.endedAt === undefined) {
      throw GuideBoardError.of(Code.Unavailable, "the stream ended before the job");
    }
    return run;
  }
}

/** What to give for an event, when those up to `after` were given already. */
export function admit(after: bigint, event: JobEvent): JobEvent[] {
  if (event.number <= after || event.kind === JobEventKind.HEARTBEAT) {
    return [];
  }
  const missing = event.number - after - 1n;
  if (event.kind === JobEventKind.DROPPED) {
    return [{ ...event, dropped: missing + 1n }];
  }
  if (missing === 0n) {
    return [event];
  }
  const gap = create(JobEventSchema, { number: event.number - 1n, kind: JobEventKind.DROPPED, dropped: missing });
  if (event.time !== undefined) {
    gap.time = event.time;
  }
  return [gap, event];
}
