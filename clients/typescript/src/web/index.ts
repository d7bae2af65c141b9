/**
 * The client for the browser: gRPC-Web by `fetch`. The server must allow the page's origin.
 *
 * @module
 */

export * from "../core/index.js";
export { connect, type ConnectOptions, WebClient } from "./client.js";
