// How long a broken connection is tried again, and when next.

import { type GuideBoardError, GaveUpError, isPassing } from "./errors.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/** The pauses between tries. Time is that of a clock in milliseconds. */
export class Backoff {
  #since: number | undefined;
  #pause = FIRST_PAUSE_MS;

  /** Gives up when nothing of use came for this long, in milliseconds. */
  constructor(
    readonly retryForMs: number,
    readonly now: () => number = () => performance.now(),
  ) {}

  /** The connection broke: how long to wait, in milliseconds, or `undefined` when it was tried for long enough. */
  broke(askedMs = 0): number | undefined {
    const now = this.now();
    this.#since ??= now;
    const left = this.retryForMs - (now - this.#since);
    if (left <= 0) {
      return undefined;
    }
    const pause = Math.min(Math.max(this.#pause, askedMs), left);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    return pause;
  }

  /** The server answered. The pauses stay: one that answers and breaks off at once is not asked in a tight loop. */
  answered(): void {
    this.#since = undefined;
  }

  /** Something of use came. */
  wentOn(): void {
    this.#since = undefined;
    this.#pause = FIRST_PAUSE_MS;
  }

  /** Waits until another try is due. Throws the error when none is. */
  async pause(error: GuideBoardError, signal: AbortSignal): Promise<void> {
    if (!isPassing(error)) {
      throw error;
    }
    const pause = this.broke(error.retryDelayMs);
    if (pause === undefined) {
      throw new GaveUpError(error.cause, `the server no longer answers: ${error.message}`);
    }
    await sleep(pause, signal);
  }
}

/** Waits so many milliseconds; throws the signal's reason when it is aborted. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    if (signal.aborted) {
      abort();
    } else {
      signal.addEventListener("abort", abort, { once: true });
    }
  });
}
