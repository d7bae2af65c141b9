/**
 * The client for Node: gRPC over HTTP/2, by TCP, TLS or a Unix socket, and files on disk.
 *
 * @module
 */

export * from "../core/index.js";
export { connect, type ConnectOptions, NodeClient } from "./client.js";
export type { Downloaded, DownloadOptions } from "./download.js";
export type { PullOptions, PullProblem, PullReport } from "./pull.js";
