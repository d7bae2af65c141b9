// A page of the allowed origin in a real browser. Chromium is named by GUIDE_BOARD_TEST_CHROMIUM, without which there is no such test.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { ARTIFACT, ARTIFACT_BYTES, given, withDirectory } from "./support.js";

const chromium = process.env["GUIDE_BOARD_TEST_CHROMIUM"];

/** What the page does. What came of it goes to the page's own server. */
const script = (server: string) => `
  import { connect } from "guide-board-client/web";
  const client = connect(${JSON.stringify(server)});
  const told = {};
  try {
    told.directories = [];
    for await (const run of client.listRetainedRuns({ pageSize: 1 })) told.directories.push(run.directory);
    const blob = await client.downloadBlob({ directory: "large" }, ${JSON.stringify(ARTIFACT)});
    told.size = blob.size;
    try {
      await client.retained.getRetainedRun({ directory: "no-such-run" });
    } catch (error) {
      told.reason = error.reason;
    }
  } catch (error) {
    told.error = String(error) + " " + error.stack;
  }
  await fetch("/told", { method: "POST", body: JSON.stringify(told) });
`;

test("a page lists runs and downloads an artifact", { skip: chromium === undefined, timeout: 60_000 }, () =>
  withDirectory(async (directory) => {
    const bundle = await build({
      stdin: { contents: script(given("TCP")), resolveDir: process.cwd() },
      bundle: true,
      format: "esm",
      platform: "browser",
      write: false,
    });
    const code = bundle.outputFiles[0]?.text ?? "";
    const origin = new URL(given("WEB"));
    let tell: (told: string) => void;
    const told = new Promise<string>((resolve) => (tell = resolve));
    const server = createServer((request, answer) => {
      if (request.url === "/told") {
        let body = "";
        request.on("data", (text) => (body += text));
        request.on("end", () => {
          answer.end();
          tell(body);
        });
      } else if (request.url === "/page.js") {
        answer.setHeader("content-type", "text/javascript").end(code);
      } else {
        answer
          .setHeader("content-type", "text/html")
          .end('<!doctype html><script type="module" src="/page.js"></script>');
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.on("error", reject);
      server.listen(Number(origin.port), "localhost", resolve);
    });
    const options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
    const profile = `--user-data-dir=${join(directory, "profile")}`;
    const browser = spawn(chromium ?? "", [...options, profile, origin.href], { stdio: "ignore", detached: true });
    const ended = new Promise<string>((resolve) => {
      browser.on("error", (error) => resolve(JSON.stringify({ error: error.message })));
      browser.on("exit", (status) => resolve(JSON.stringify({ error: `the browser ended with ${status}` })));
    });
    try {
      const { directories, ...rest } = JSON.parse(await Promise.race([told, ended]));
      assert.deepEqual(rest, { size: ARTIFACT_BYTES, reason: "RUN_NOT_FOUND" });
      assert.ok(
        ["first", "second", "large"].every((name) => directories.includes(name)),
        String(directories),
      );
    } finally {
      // Its processes are a group of their own.
      if (browser.pid !== undefined && browser.exitCode === null) {
        process.kill(-browser.pid, "SIGKILL");
      }
      await ended;
      server.closeAllConnections();
      server.close();
    }
  }),
);
