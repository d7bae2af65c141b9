// Reading the bytes of an output: over however many connections that takes, and never other bytes than those of its digest.

import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { type Client as Calls, Code } from "@connectrpc/connect";
import type { ReadArtifactResponse, RetainedRunService } from "../gen/guideboard/v1/retained_run_service_pb.js";
import { LinkedSignal } from "./calls.js";
import { ArtifactChangedError, DigestMismatchError, GuideBoardError, isBrokenConnection } from "./errors.js";
import { Backoff } from "./retry.js";
import { type RunRef, selectorOf } from "./run.js";

/** A SHA-256 that is computed bit by bit. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** The digest as bare lower-case hex. */
  hex(): string;
}

/** How an output is read. */
export interface ReadOptions {
  /** The SHA-256 that the output must have, as hex: a manifest entry's, say. Unset: the server computes one before the first byte. */
  readonly expectedSha256?: string;
  /** The generation that it must have. Unset: any. */
  readonly expectedGeneration?: string;
  /** How long a broken connection is tried again without a byte, in milliseconds. Default 60000. */
  readonly retryForMs?: number;
  /** Ends the reading; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Called with the bytes read so far and the bytes in all. */
  readonly onProgress?: (readBytes: number, sizeBytes: number) => void;
  /** Called for each break of the connection after which the reading goes on. */
  readonly onBroken?: (error: GuideBoardError) => void;
}

/** What the server says of an output before its bytes. */
export interface ArtifactHeader {
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** Unset when the server does not know. */
  readonly modifiedAt: Date | undefined;
  /** Opaque; another one whenever the file is another or has changed. */
  readonly generation: string;
  /** The SHA-256 as bare lower-case hex that the bytes are held to. Empty when there is none: neither expected nor told. */
  readonly sha256: string;
}

/**
 * An output whose header has come. Iterate over it, once, for its bytes.
 *
 * After a break the bytes go on where it happened, as long as the output has the same generation. The iteration ends without an error only when all bytes
 * came and have the digest: those given before are not verified until then.
 *
 * The iteration throws `ArtifactChangedError` when the output changed meanwhile, `DigestMismatchError` when its bytes are others, `GaveUpError` when the
 * server no longer answers, and else `GuideBoardError`.
 */
export class ArtifactReading implements ArtifactHeader, AsyncIterable<Uint8Array> {
  readonly sizeBytes: number;
  readonly mediaType: string;
  readonly modifiedAt: Date | undefined;
  readonly generation: string;
  readonly sha256: string;
  readonly #source: Source;
  readonly #first: Opened;
  readonly #hash: Sha256;

  /** @internal */
  constructor(source: Source, first: Opened, hash: Sha256) {
    const { header } = first;
    this.sizeBytes = Number(header.sizeBytes);
    this.mediaType = header.mediaType;
    this.modifiedAt = dateOf(header.modifiedAt);
    this.generation = header.generation;
    this.sha256 = source.options.expectedSha256?.toLowerCase() || header.sha256;
    this.#source = source;
    this.#first = first;
    this.#hash = hash;
  }

  /** Ends a reading that is not iterated over. */
  cancel(): void {
    this.#source.link.release();
    this.#first.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const { options, link, backoff } = this.#source;
    let position = 0;
    let opened: Opened | undefined = this.#first;
    try {
      for (;;) {
        try {
          opened ??= await open(this.#source, position, this.generation);
          for await (const { offset, data } of opened.messages) {
            if (Number(offset) !== position || data.length > this.sizeBytes - position) {
              throw new DigestMismatchError(dataLoss("the server sends other bytes than those that were asked for"));
            }
            if (data.length > 0) {
              backoff.wentOn();
              this.#hash.update(data);
              position += data.length;
              yield data;
              options.onProgress?.(position, this.sizeBytes);
            }
          }
          if (position < this.sizeBytes) {
            throw GuideBoardError.of(Code.Unavailable, "the stream ended too early");
          }
          break;
        } catch (thrown) {
          link.signal.throwIfAborted();
          if (!(thrown instanceof GuideBoardError)) {
            throw thrown;
          }
          opened?.close();
          opened = undefined;
          if (position === this.sizeBytes && isBrokenConnection(thrown)) {
            // Only the end was lost, and the digest is looked at here.
            break;
          }
          await backoff.pause(named(thrown), link.signal);
          options.onBroken?.(thrown);
        }
      }
      if (this.sha256 !== "" && this.#hash.hex() !== this.sha256) {
        throw new DigestMismatchError(dataLoss(`the bytes are not those of the SHA-256 ${this.sha256}`));
      }
    } finally {
      link.release();
      opened?.close();
    }
  }
}

/** Where bytes come from. */
interface Source {
  readonly retained: Calls<typeof RetainedRunService>;
  readonly run: RunRef;
  readonly path: string;
  readonly options: ReadOptions;
  readonly link: LinkedSignal;
  readonly backoff: Backoff;
}

interface Opened {
  readonly header: ReadArtifactResponse;
  /** The header among them, which may bring bytes. */
  readonly messages: AsyncIterable<ReadArtifactResponse>;
  /** Ends the call, whether or not all messages came. */
  readonly close: () => void;
}

/** Opens an output. See {@link ArtifactReading} for what its bytes can throw; this throws the same. */
export async function openArtifact(
  retained: Calls<typeof RetainedRunService>,
  run: RunRef,
  path: string,
  options: ReadOptions,
  lifetime: AbortSignal,
  hash: Sha256,
): Promise<ArtifactReading> {
  const link = new LinkedSignal(options.signal, lifetime);
  const source = { retained, run, path, options, link, backoff: new Backoff(options.retryForMs ?? 60_000) };
  try {
    for (;;) {
      try {
        return new ArtifactReading(source, await open(source, 0, options.expectedGeneration ?? ""), hash);
      } catch (thrown) {
        link.signal.throwIfAborted();
        const error = GuideBoardError.from(thrown);
        await source.backoff.pause(named(error), link.signal);
        options.onBroken?.(error);
      }
    }
  } catch (thrown) {
    link.release();
    throw thrown;
  }
}

async function open(source: Source, position: number, generation: string): Promise<Opened> {
  const { retained, run, path, options, link } = source;
  const expectedSha256 = options.expectedSha256?.toLowerCase() ?? "";
  const request = {
    ...selectorOf(run),
    path,
    offset: BigInt(position),
    expectedGeneration: generation,
    expectedSha256,
    computeSha256: position === 0 && expectedSha256 === "",
  };
  const iterator = retained.readArtifact(request, { signal: link.signal })[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) {
    throw GuideBoardError.of(Code.Unavailable, "the reply ended at once");
  }
  const header = first.value;
  if (header.generation === "" || (generation !== "" && header.generation !== generation)) {
    throw new ArtifactChangedError(dataLoss("the server does not send the output that was asked for"));
  }
  async function* messages() {
    yield header;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { header, messages: messages(), close: () => void iterator.return?.() };
}

/** A failure by what it means for whoever reads. */
function named(error: GuideBoardError): GuideBoardError {
  if (error instanceof ArtifactChangedError || error instanceof DigestMismatchError) {
    return error;
  }
  switch (error.reason) {
    case "GENERATION_MISMATCH":
    case "CHANGED_WHILE_READING":
      return new ArtifactChangedError(error.cause);
    case "DIGEST_MISMATCH":
      return new DigestMismatchError(error.cause);
    default:
      return error.code === Code.DataLoss ? new DigestMismatchError(error.cause) : error;
  }
}

function dataLoss(message: string) {
  return GuideBoardError.of(Code.DataLoss, message).cause;
}

function dateOf(time: Timestamp | undefined): Date | undefined {
  return time === undefined ? undefined : timestampDate(time);
}
