// The client for the browser: its protocol from Node, with the header that a browser sends.

import assert from "node:assert/strict";
import { request } from "node:http";
import { describe, test } from "node:test";
import { build } from "esbuild";
import { Code, connect, DigestMismatchError, GuideBoardError, JobStatus } from "guide-board-client/web";
import { ARTIFACT, ARTIFACT_BYTES, given, LARGE, listed } from "./support.js";

/** As a page of this origin would. Node lets a program set what a browser sets itself. */
const from =
  (origin: string): typeof fetch =>
  (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("origin", origin);
    return fetch(input, { ...init, headers });
  };

const clientOf = (origin = given("WEB"), server = given("TCP")) => connect(server, { fetch: from(origin) });

describe("gRPC-Web", () => {
  test("lists, follows, and downloads a blob and a stream", async () => {
    const client = clientOf();
    assert.ok((await listed(client.listRetainedRuns({ pageSize: 1 }))).length >= 3);
    const { run } = await client.runs.startRun({
      target: "profiles/targets/harness-target.json",
      assessment: "profiles/assessments/harness.json",
    });
    assert.equal((await client.follow(run?.jobId ?? "").end()).status, JobStatus.SUCCEEDED);
    const blob = await client.downloadBlob(LARGE, ARTIFACT);
    assert.equal(blob.size, ARTIFACT_BYTES);
    let read = 0;
    await client
      .downloadStream(LARGE, ARTIFACT)
      .pipeTo(new WritableStream({ write: (bytes) => void (read += bytes.length) }));
    assert.equal(read, ARTIFACT_BYTES);
    client.close();
  });

  test("a download goes on where its connection was reset", async () => {
    const client = clientOf(given("WEB"), given("PROXY"));
    let breaks = 0;
    const blob = await client.downloadBlob(LARGE, ARTIFACT, { onBroken: () => (breaks += 1) });
    assert.equal(blob.size, ARTIFACT_BYTES);
    assert.ok(breaks > 0);
    client.close();
  });

  test("other bytes than expected are an error, in a blob and in a stream", async () => {
    const client = clientOf();
    const options = { expectedSha256: "0".repeat(64) };
    await assert.rejects(client.downloadBlob(LARGE, ARTIFACT, options), DigestMismatchError);
    await assert.rejects(
      client.downloadStream(LARGE, ARTIFACT, options).pipeTo(new WritableStream()),
      DigestMismatchError,
    );
    client.close();
  });

  test("a stream that nobody reads on ends its call, and an aborted blob throws the signal's reason", async () => {
    const client = clientOf();
    const reader = client.downloadStream(LARGE, ARTIFACT).getReader();
    await reader.read();
    await reader.cancel();
    const controller = new AbortController();
    const reason = new Error("enough");
    const options = { signal: controller.signal, onProgress: () => controller.abort(reason) };
    await assert.rejects(client.downloadBlob(LARGE, ARTIFACT, options), reason);
    client.close();
  });

  test("errors have their reason, and another origin is refused", async () => {
    const failing = async (origin: string, code: Code, reason: string) => {
      const client = clientOf(origin);
      await assert.rejects(client.retained.getRetainedRun({ directory: "no-such-run" }), (error) => {
        assert.ok(error instanceof GuideBoardError, String(error));
        assert.deepEqual([error.code, error.reason], [code, reason]);
        return true;
      });
      client.close();
    };
    await failing(given("WEB"), Code.NotFound, "RUN_NOT_FOUND");
    await failing("http://evil.example", Code.PermissionDenied, "ORIGIN_NOT_ALLOWED");
  });
});

/** What a browser asks before a call of another origin. */
function preflight(origin: string): Promise<Record<string, unknown>> {
  const url = new URL("/guideboard.v1.RetainedRunService/ReadArtifact", given("TCP"));
  const headers = {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,grpc-timeout,x-grpc-web,x-user-agent",
  };
  return new Promise((resolve, reject) => {
    const asking = request(url, { method: "OPTIONS", headers }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode, ...answer.headers });
    });
    asking.on("error", reject);
    asking.end();
  });
}

test("before a call a page of the allowed origin is told what it may send, and another one nothing", async () => {
  const answer = await preflight(given("WEB"));
  assert.ok(answer["status"] === 200 || answer["status"] === 204, String(answer["status"]));
  assert.equal(answer["access-control-allow-origin"], given("WEB"));
  const allowed = String(answer["access-control-allow-headers"]).toLowerCase();
  for (const header of ["authorization", "content-type", "x-grpc-web", "grpc-timeout"]) {
    assert.ok(allowed.includes(header) || allowed === "*", `${header} in ${allowed}`);
  }
  assert.match(String(answer["access-control-allow-methods"]), /POST|\*/);
  assert.equal((await preflight("http://evil.example"))["access-control-allow-origin"], undefined);
});

test("the entry for the browser imports nothing of Node", async () => {
  const bundle = await build({
    stdin: { contents: 'export * from "guide-board-client/web";', resolveDir: process.cwd() },
    bundle: true,
    format: "esm",
    platform: "browser",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const inputs = Object.keys(bundle.metafile.inputs);
  assert.ok(inputs.some((path) => path.includes("connect-web")));
  assert.deepEqual(
    inputs.filter((path) => /connect-node|^node:|dist\/node\//.test(path)),
    [],
  );
});
