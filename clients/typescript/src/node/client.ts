// Connecting, in Node.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ClientSessionOptions, SecureClientSessionOptions } from "node:http2";
import { connect as connectSocket } from "node:net";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { type Address, isExposed, parseAddress } from "../core/address.js";
import type { Sha256 } from "../core/artifact.js";
import { bearer, Client, type TokenSource } from "../core/client.js";
import type { RunRef } from "../core/run.js";
import { download, type Downloaded, type DownloadOptions } from "./download.js";
import { pull, type PullOptions, type PullReport } from "./pull.js";

/** How a server is reached, and what to show of oneself. */
export interface ConnectOptions {
  /** A bearer token, or a function that gives one for each call. */
  readonly token?: TokenSource;
  /** A file that holds a token. It is read once, when connecting. */
  readonly tokenFile?: string;
  /** Send the token without TLS to another host than this one. */
  readonly allowPlainToken?: boolean;
  /** The authorities of the server's certificate, in PEM. Without them and `caFile`, those that Node trusts. */
  readonly ca?: string | Uint8Array;
  /** A file of authorities, in PEM. */
  readonly caFile?: string;
  /** The name that the server's certificate must have, in place of the address's host. */
  readonly serverName?: string;
  /** A file with the client's certificate, in PEM. Goes with `keyFile`. */
  readonly certFile?: string;
  /** A file with the client's private key, in PEM. */
  readonly keyFile?: string;
  /** Interceptors of Connect for all calls. */
  readonly interceptors?: readonly Interceptor[];
}

/** How often an open connection with calls is asked for a sign of life, in milliseconds. Well below the time after which a server closes idle ones. */
const PING_INTERVAL_MS = 20_000;
/** How long that may take. */
const PING_TIMEOUT_MS = 20_000;
/** A connection without calls is closed after this time, before the server does so (300 seconds). */
const IDLE_MS = 240_000;
/** The largest message taken; the service keeps below 3 MiB. */
const MESSAGE_BYTES = 4 << 20;

/**
 * Connects to a server, `http://HOST:PORT`, `https://HOST:PORT` or `unix:PATH`. The connection is made with the first call, and again when it broke.
 *
 * @throws TypeError when the address or the options cannot be used.
 * @throws Error when a file cannot be read.
 */
export function connect(server: string, options: ConnectOptions = {}): NodeClient {
  const address = parseAddress(server);
  const token = tokenOf(options);
  const isTls = address.kind === "port" && address.url.protocol === "https:";
  const tls = [options.ca, options.caFile, options.serverName, options.certFile, options.keyFile];
  if (!isTls && tls.some((option) => option !== undefined)) {
    throw new TypeError("authorities, names and certificates are for https://HOST:PORT");
  }
  if (token !== undefined && address.kind === "port" && isExposed(address.url) && options.allowPlainToken !== true) {
    throw new TypeError(`the token would be sent in the clear to ${address.host}; use https, or allowPlainToken`);
  }
  // Over a Unix socket the address names no host, and the server wants one that it knows.
  const baseUrl = address.kind === "port" ? address.url.origin : "http://localhost";
  const sessions = new Http2SessionManager(
    baseUrl,
    { pingIntervalMs: PING_INTERVAL_MS, pingTimeoutMs: PING_TIMEOUT_MS, idleConnectionTimeoutMs: IDLE_MS },
    sessionOptions(address, isTls, options),
  );
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager: sessions,
    interceptors: [...(token === undefined ? [] : [bearer(token)]), ...(options.interceptors ?? [])],
    readMaxBytes: MESSAGE_BYTES,
  });
  return new NodeClient(transport, sessions);
}

function tokenOf(options: ConnectOptions): TokenSource | undefined {
  if (options.tokenFile === undefined) {
    return options.token;
  }
  if (options.token !== undefined) {
    throw new TypeError("give either a token or a tokenFile");
  }
  const token = readFileSync(options.tokenFile, "utf8").trim();
  if (token === "") {
    throw new TypeError(`${options.tokenFile} holds no token`);
  }
  return token;
}

function sessionOptions(
  address: Address,
  isTls: boolean,
  options: ConnectOptions,
): ClientSessionOptions | SecureClientSessionOptions {
  const session: ClientSessionOptions = { settings: { enablePush: false } };
  if (address.kind === "socket") {
    return { ...session, createConnection: () => connectSocket(address.path) };
  }
  if (!isTls) {
    return session;
  }
  const { ca, caFile, serverName, certFile, keyFile } = options;
  if (ca !== undefined && caFile !== undefined) {
    throw new TypeError("give either a ca or a caFile");
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new TypeError("certFile and keyFile go together");
  }
  const secure: SecureClientSessionOptions = { ...session };
  const authorities = caFile === undefined ? ca : readFileSync(caFile);
  if (authorities !== undefined) {
    secure.ca = typeof authorities === "string" ? authorities : Buffer.from(authorities);
  }
  if (serverName !== undefined) {
    secure.servername = serverName;
  }
  if (certFile !== undefined && keyFile !== undefined) {
    secure.cert = readFileSync(certFile);
    secure.key = readFileSync(keyFile);
  }
  return secure;
}

/** A SHA-256 by Node. */
export function newSha256(): Sha256 {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
}

/** A client with what Node can do: files on disk. See {@link connect}. */
export class NodeClient extends Client {
  readonly #sessions: Http2SessionManager;

  /** @internal */
  constructor(transport: Transport, sessions: Http2SessionManager) {
    super(transport, newSha256);
    this.#sessions = sessions;
  }

  /** Ends all calls that are under way, and the connection. No further call can be made. */
  override close(): void {
    super.close();
    this.#sessions.abort();
  }

  /**
   * Downloads an output of a run into a file, verified, over however many connections that takes. The file appears once it is whole: until then the bytes
   * stand beside it, and go away when the download fails.
   *
   * @param path relative to the run directory, as a manifest or report gives it.
   * @param file the file to make. One that is there is left alone, and Node's error `EEXIST` thrown, unless `overwrite` is set.
   * @throws ArtifactChangedError when the output changed meanwhile.
   * @throws DigestMismatchError when its bytes are not those of the digest.
   * @throws GaveUpError when the server no longer answers.
   * @throws GuideBoardError when there is no such run or output, and for all else that the service says.
   */
  download(run: RunRef, path: string, file: string, options: DownloadOptions = {}): Promise<Downloaded> {
    return download(this, run, path, file, options);
  }

  /**
   * Copies a whole run into a directory, verified. What stands there already and is the same is kept, so that the same call goes on where it was broken off;
   * what is another is left alone and told. The summary comes last: the directory is a retained run once all is there that can be had.
   *
   * @param directory is made when it is not there.
   * @returns what came of it, problems with single files among it. Look at `isWhole`.
   * @throws GuideBoardError when there is no such run, it is being made just now, or the server no longer answers.
   * @throws Error when the directory holds another run and `overwrite` is not set, or cannot be written.
   */
  pull(run: RunRef, directory: string, options: PullOptions = {}): Promise<PullReport> {
    return pull(this, run, directory, options);
  }
}
