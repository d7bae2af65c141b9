// A run's artifact manifest, over however many connections that takes.

import { equals, toBinary } from "@bufbuild/protobuf";
import { type Client as Calls, Code } from "@connectrpc/connect";
import {
  type RetainedRunService,
  StreamArtifactManifestResponseSchema,
} from "../gen/guideboard/v1/retained_run_service_pb.js";
import { type Artifact, ArtifactSchema, type RetainedRun } from "../gen/guideboard/v1/types_pb.js";
import type { ReadOptions, Sha256 } from "./artifact.js";
import { ArtifactChangedError, GuideBoardError } from "./errors.js";
import { Backoff } from "./retry.js";
import type { RunRef } from "./run.js";

/** A manifest whose header has come. */
export interface Manifest {
  readonly run: RetainedRun;
  /** What it names, and what stands beside it, each once. */
  readonly entries: AsyncIterable<Artifact>;
  /** Whether more stands beside it than the server looks at. Known once all entries were given. */
  isTruncated: boolean;
  /** Ends a reading that is not iterated over. */
  readonly cancel: () => void;
}

type Settings = Pick<ReadOptions, "retryForMs" | "signal" | "onBroken"> & { readonly newSha256: () => Sha256 };

/**
 * Reads the manifest of a run, with the files that it does not name. After a break it is read once more from the beginning and goes on where it happened, as
 * long as it is the same until there.
 *
 * @throws ArtifactChangedError when it is another one after a break.
 */
export async function readManifest(
  retained: Calls<typeof RetainedRunService>,
  place: Required<RunRef>,
  settings: Settings,
): Promise<Manifest> {
  const backoff = new Backoff(settings.retryForMs ?? 60_000);
  const signal = settings.signal ?? new AbortController().signal;
  const again = async (thrown: unknown) => {
    signal.throwIfAborted();
    if (!(thrown instanceof GuideBoardError)) {
      throw thrown;
    }
    await backoff.pause(thrown, signal);
    settings.onBroken?.(thrown);
  };
  const start = async () => {
    for (;;) {
      try {
        const request = { ...place, includeUnlisted: true, reportUnsafe: true };
        const rest = retained.streamArtifactManifest(request, { signal })[Symbol.asyncIterator]();
        const header = await rest.next();
        if (header.done === true) {
          throw GuideBoardError.of(Code.Unavailable, "the reply ended at once");
        }
        return { header: header.value, rest };
      } catch (thrown) {
        await again(thrown);
      }
    }
  };
  const first = await start();
  const { header } = first;
  const run = header.run;
  if (run === undefined) {
    throw GuideBoardError.of(Code.DataLoss, "the server does not say which run the manifest is of");
  }
  async function* entries() {
    let open: typeof first | undefined = first;
    const given = new Given(settings.newSha256);
    for (;;) {
      try {
        open ??= await start();
        const repeated = given.again();
        if (!equals(StreamArtifactManifestResponseSchema, header, open.header)) {
          throw changed();
        }
        const { rest } = open;
        for await (const message of { [Symbol.asyncIterator]: () => rest }) {
          for (const entry of message.artifactManifest) {
            if (repeated.passes(entry)) {
              backoff.wentOn();
              yield entry;
            }
          }
          manifest.isTruncated ||= message.unlistedTruncated;
        }
        if (given.listed < header.entryCount) {
          throw GuideBoardError.of(Code.Unavailable, "the stream ended too early");
        }
        return;
      } catch (thrown) {
        open = undefined;
        await again(thrown);
      }
    }
  }
  const manifest: Manifest = { run, entries: entries(), isTruncated: false, cancel: () => void first.rest.return?.() };
  return manifest;
}

function changed() {
  const { cause } = GuideBoardError.of(Code.Aborted, "the run changed while its manifest was read; start again");
  return new ArtifactChangedError(cause);
}

/** The entries that were given, as their number and a digest of what they say. */
class Given {
  count = 0;
  /** How many of them the manifest names. */
  listed = 0n;
  #digest = "";

  constructor(readonly newSha256: () => Sha256) {}

  /** What tells of each entry of a new stream whether it is to be given. */
  again(): { passes: (entry: Artifact) => boolean } {
    let left = this.count;
    let digest = "";
    const next = (before: string, entry: Artifact) => {
      const hash = this.newSha256();
      hash.update(new TextEncoder().encode(before));
      hash.update(toBinary(ArtifactSchema, entry));
      return hash.hex();
    };
    return {
      passes: (entry) => {
        digest = next(digest, entry);
        if (left > 0) {
          left -= 1;
          if (left === 0 && digest !== this.#digest) {
            throw changed();
          }
          return false;
        }
        this.count += 1;
        this.listed += entry.unlisted ? 0n : 1n;
        this.#digest = digest;
        return true;
      },
    };
  }
}
