// Connecting, in the browser.

import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import { isExposed, parseUrl } from "../core/address.js";
import type { ReadOptions, Sha256 } from "../core/artifact.js";
import { bearer, Client, type TokenSource } from "../core/client.js";
import type { RunRef } from "../core/run.js";

/** How a server is reached, and what to show of oneself. */
export interface ConnectOptions {
  /** A bearer token, or a function that gives one for each call. Cookies are never used. */
  readonly token?: TokenSource;
  /** Send the token without TLS to another host than this one. */
  readonly allowPlainToken?: boolean;
  /** In place of the page's own `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Interceptors of Connect for all calls. */
  readonly interceptors?: readonly Interceptor[];
}

/**
 * Connects to a server, `http://HOST:PORT` or `https://HOST:PORT`, with a path if a proxy serves it beneath one.
 *
 * @throws TypeError when the address or the options cannot be used.
 */
export function connect(server: string, options: ConnectOptions = {}): WebClient {
  const url = parseUrl(server);
  const { token, fetch, interceptors = [] } = options;
  if (token !== undefined && isExposed(url) && options.allowPlainToken !== true) {
    throw new TypeError(`the token would be sent in the clear to ${url.hostname}; use https, or allowPlainToken`);
  }
  const transport = createGrpcWebTransport({
    baseUrl: url.href.replace(/\/+$/, ""),
    interceptors: [...(token === undefined ? [] : [bearer(token)]), ...interceptors],
    ...(fetch === undefined ? {} : { fetch }),
  });
  return new WebClient(transport);
}

/** The browser's own SHA-256 takes all bytes at once only. */
function newSha256(): Sha256 {
  const hash = sha256.create();
  return { update: (bytes) => void hash.update(bytes), hex: () => bytesToHex(hash.digest()) };
}

/** A client with what a browser can do: blobs and streams. See {@link connect}. */
export class WebClient extends Client {
  /** @internal */
  constructor(transport: Transport) {
    super(transport, newSha256);
  }

  /**
   * Downloads an output of a run into a blob, verified, over however many connections that takes.
   *
   * @param path relative to the run directory, as a manifest or report gives it.
   * @throws ArtifactChangedError when the output changed meanwhile.
   * @throws DigestMismatchError when its bytes are not those of the digest.
   * @throws GaveUpError when the server no longer answers.
   * @throws GuideBoardError when there is no such run or output, and for all else that the service says.
   */
  async downloadBlob(run: RunRef, path: string, options: ReadOptions = {}): Promise<Blob> {
    const reading = await this.openArtifact(run, path, options);
    const parts: BlobPart[] = [];
    for await (const bytes of reading) {
      parts.push(bytes as BlobPart);
    }
    return new Blob(parts, { type: reading.mediaType });
  }

  /**
   * An output of a run as a stream, over however many connections that takes. The stream errors at its end when the bytes are not those of the digest: do not
   * use what came before it is closed. Errors as {@link downloadBlob}.
   */
  downloadStream(run: RunRef, path: string, options: ReadOptions = {}): ReadableStream<Uint8Array> {
    const client = this;
    const bytes = (async function* () {
      yield* await client.openArtifact(run, path, options);
    })();
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const next = await bytes.next();
        if (next.done === true) {
          controller.close();
        } else {
          controller.enqueue(next.value);
        }
      },
      async cancel() {
        await bytes.return();
      },
    });
  }
}
