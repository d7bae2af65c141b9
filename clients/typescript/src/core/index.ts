// What both entries export.

export { Code, type ConnectError, type Interceptor } from "@connectrpc/connect";
export type { ArtifactHeader, ArtifactReading, ReadOptions } from "./artifact.js";
export type { Options, TokenSource } from "./client.js";
export {
  ArtifactChangedError,
  ClosedError,
  DigestMismatchError,
  type FieldViolation,
  GaveUpError,
  GuideBoardError,
  JobForgottenError,
} from "./errors.js";
export type { FollowedJob, FollowOptions } from "./follow.js";
export type { RunRef } from "./run.js";
export * from "../gen/guideboard/v1/catalog_service_pb.js";
export * from "../gen/guideboard/v1/retained_run_service_pb.js";
export * from "../gen/guideboard/v1/run_service_pb.js";
export * from "../gen/guideboard/v1/types_pb.js";
