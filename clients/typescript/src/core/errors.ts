// What goes wrong, as errors of JavaScript.

import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";

/** The domain of the reasons that the service gives. */
const DOMAIN = "guideboard.v1";

/** A field of a request that is not what it must be. */
export interface FieldViolation {
  /** The field, by its name in the proto files. */
  readonly field: string;
  /** What is wrong with it. */
  readonly description: string;
}

/** A call that failed: what the service said, or what became of the connection. */
export class GuideBoardError extends Error {
  override name = "GuideBoardError";
  /** The gRPC status code. */
  readonly code: Code;
  /** The stable reason, such as `RUN_NOT_FOUND`. Empty when the failure is not of the service: the connection's, or a proxy's. */
  readonly reason: string;
  /** What belongs to the reason, by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The fields of the request that are wrong. Empty for most errors. */
  readonly fieldViolations: readonly FieldViolation[];
  /** How long to wait before another try, in milliseconds. Unset when the service does not ask for one. */
  readonly retryDelayMs: number | undefined;
  /** The error of the transport. */
  override readonly cause: ConnectError;

  /** Takes over what a `ConnectError` carries. The message can be another one. */
  constructor(cause: ConnectError, message: string = cause.rawMessage) {
    super(message);
    const info = cause.findDetails(ErrorInfoSchema).find((info) => info.domain === DOMAIN);
    const delay = cause.findDetails(RetryInfoSchema)[0]?.retryDelay;
    this.cause = cause;
    this.code = cause.code;
    this.reason = info?.reason ?? "";
    this.metadata = { ...info?.metadata };
    this.fieldViolations = cause
      .findDetails(BadRequestSchema)
      .flatMap(({ fieldViolations }) => fieldViolations.map(({ field, description }) => ({ field, description })));
    this.retryDelayMs = delay === undefined ? undefined : Number(delay.seconds) * 1000 + delay.nanos / 1e6;
  }

  /** Makes one of whatever was thrown. */
  static from(thrown: unknown): GuideBoardError {
    return thrown instanceof GuideBoardError ? thrown : new GuideBoardError(ConnectError.from(thrown));
  }

  /** Makes one of a code and a sentence. */
  static of(code: Code, message: string, cause?: unknown): GuideBoardError {
    return new GuideBoardError(new ConnectError(message, code, undefined, undefined, cause));
  }

  /** Whether there is no such root, run, job or file. `reason` tells which. */
  get isNotFound(): boolean {
    return this.code === Code.NotFound;
  }

  /** Whether credentials are missing or wrong, or do not allow the call. */
  get isRefused(): boolean {
    return this.code === Code.Unauthenticated || this.code === Code.PermissionDenied;
  }

  /** Whether the server cannot be reached, or cannot answer just now. */
  get isUnavailable(): boolean {
    return this.code === Code.Unavailable || isBrokenConnection(this);
  }
}

/** The server knew the job and does not know it any more: it was restarted, or has forgotten it. Look under retained runs. */
export class JobForgottenError extends GuideBoardError {
  override name = "JobForgottenError";
}

/** Nothing of use came for as long as the settings say. `cause` has the last failure. */
export class GaveUpError extends GuideBoardError {
  override name = "GaveUpError";
}

/** The client was closed. */
export class ClosedError extends GuideBoardError {
  override name = "ClosedError";
}

/** The file on the server changed while it was read. Begin anew. */
export class ArtifactChangedError extends GuideBoardError {
  override name = "ArtifactChangedError";
}

/** The bytes are not those of the digest that was expected. */
export class DigestMismatchError extends GuideBoardError {
  override name = "DigestMismatchError";
}

/** What OpenSSL says of certificates: another try meets it again. */
const OF_CERTIFICATES =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|ERR_TLS_|ERR_SSL_|ERR_OSSL_|EACCES$)/;

function isFault(thrown: unknown): boolean {
  const met = new Set<unknown>();
  for (let at = thrown; at instanceof Error && !met.has(at); at = at.cause) {
    met.add(at);
    if ("code" in at && typeof at.code === "string" && OF_CERTIFICATES.test(at.code)) {
      return true;
    }
  }
  return false;
}

const OF_CONNECTIONS = [
  Code.Unavailable,
  Code.Unknown,
  Code.Internal,
  Code.Canceled,
  Code.Aborted,
  Code.DeadlineExceeded,
];

/** Whether nobody answers, or the connection broke. What the service itself says has a reason. */
export function isBrokenConnection(error: GuideBoardError): boolean {
  return (
    error.reason === "" &&
    !(error instanceof ClosedError) &&
    OF_CONNECTIONS.includes(error.code) &&
    !isFault(error.cause)
  );
}

/** Whether another try may do better: the connection broke, or the service asks to come again. */
export function isPassing(error: GuideBoardError): boolean {
  return error.retryDelayMs !== undefined || error.code === Code.DeadlineExceeded || isBrokenConnection(error);
}
