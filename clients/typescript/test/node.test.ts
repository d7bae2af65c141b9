// The client for Node beside real servers.

import assert from "node:assert/strict";
import { appendFile, cp, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  ArtifactChangedError,
  Code,
  type ConnectOptions,
  DigestMismatchError,
  FileState,
  GuideBoardError,
  JobEventKind,
  JobStatus,
} from "guide-board-client/node";
import {
  ARTIFACT,
  ARTIFACT_BYTES,
  given,
  LARGE,
  listed,
  newRun,
  partsIn,
  withClient,
  withDirectory,
} from "./support.js";

const tls = (): ConnectOptions => ({ caFile: given("CA"), tokenFile: given("TOKEN_FILE") });
const WAYS: readonly (readonly [string, () => ConnectOptions])[] = [
  ["TCP", () => ({})],
  ["TLS", tls],
  ["UDS", () => ({})],
];

for (const [way, options] of WAYS) {
  test(`over ${way} a server is reached, and a job is followed to its end`, () =>
    withClient(
      given(way),
      async (client) => {
        assert.notEqual((await client.catalog.getServerInfo({})).version, "");
        const { run } = await client.runs.startRun({
          target: "profiles/targets/harness-target.json",
          assessment: "profiles/assessments/harness.json",
        });
        const followed = client.follow(run?.jobId ?? "");
        const events = await listed(followed);
        assert.ok(events.some(({ kind, logLine }) => kind === JobEventKind.LOG && logLine !== ""));
        assert.deepEqual(
          events.map(({ number }) => number),
          events.map((_, index) => BigInt(index + 1)),
        );
        assert.equal(followed.job?.status, JobStatus.SUCCEEDED);
      },
      options(),
    ));
}

test("a job is followed through resets of the connection, each event once", () =>
  withClient(given("PROXY"), async (client) => {
    // An extension whose check waits until it is told to go on.
    const root = given("DIRECTORY");
    // The servers may have seen this test before.
    const name = `waiting-${process.pid}`;
    const go = join(root, `${name}.go`);
    const extension = join(root, "extensions", name);
    await cp(join(root, "extensions/harness"), extension, { recursive: true });
    const manifest = join(extension, "extension.json");
    await writeFile(manifest, (await readFile(manifest, "utf8")).replaceAll('"harness"', `"${name}"`));
    const runner = join(extension, "run.sh");
    const waiting = `echo waiting >&2\nuntil test -e '${go}'; do sleep 0.1; done\n`;
    await writeFile(runner, (await readFile(runner, "utf8")).replace("set -eu\n", `set -eu\n${waiting}`));
    const assessment = `profiles/assessments/${name}.json`;
    const profile = await readFile(join(root, "profiles/assessments/harness.json"), "utf8");
    await writeFile(join(root, assessment), profile.replaceAll('"harness"', `"${name}"`));

    const { run } = await client.runs.startRun({ target: "profiles/targets/harness-target.json", assessment });
    const told: string[] = [];
    const followed = client.follow(run?.jobId ?? "", {
      onBroken: () => void (told.push("broken"), writeFile(go, "").catch(assert.fail)),
      onResumed: () => told.push("resumed"),
    });
    const numbers: bigint[] = [];
    let download: Promise<unknown> | undefined;
    for await (const { number, kind, run } of followed) {
      numbers.push(number);
      if (kind === JobEventKind.STATUS && run?.status === JobStatus.RUNNING) {
        // What is read over the same connection has it reset.
        download ??= client.openArtifact(LARGE, ARTIFACT).then(listed);
      }
    }
    await download;
    assert.deepEqual(told.slice(0, 2), ["broken", "resumed"]);
    assert.equal(followed.job?.status, JobStatus.SUCCEEDED);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => BigInt(index + 1)),
    );
  }));

describe("connecting", () => {
  const code = (expected: Code, reason?: string) => (error: unknown) => {
    assert.ok(error instanceof GuideBoardError, String(error));
    assert.equal(error.code, expected);
    assert.equal(error.reason, reason ?? error.reason);
    return true;
  };

  test("a wrong token and none are refused, each with its reason", async () => {
    const ca = { caFile: given("CA") };
    const ask = (token?: string) =>
      withClient(given("TLS"), (client) => client.retained.listRetainedRuns({}), { ...ca, ...(token && { token }) });
    await assert.rejects(ask("wrong"), code(Code.Unauthenticated, "CREDENTIALS_INVALID"));
    await assert.rejects(ask(), code(Code.Unauthenticated, "CREDENTIALS_MISSING"));
  });

  test("a token can come from a function, which is asked for each call", async () => {
    const tokens = ["wrong", (await readFile(given("TOKEN_FILE"), "utf8")).trim()];
    const options = { caFile: given("CA"), token: async () => tokens.shift() ?? "" };
    await withClient(
      given("TLS"),
      async (client) => {
        await assert.rejects(client.retained.listRetainedRuns({}), code(Code.Unauthenticated));
        await client.retained.listRetainedRuns({});
      },
      options,
    );
  });

  test("an authority that is not trusted is refused, and not tried again", async () => {
    await withClient(given("TLS"), async (client) => {
      const began = performance.now();
      await assert.rejects(client.openArtifact(LARGE, ARTIFACT), (error) => {
        assert.ok(error instanceof GuideBoardError && error.reason === "", String(error));
        assert.match(error.message, /certificate/);
        return true;
      });
      assert.ok(performance.now() - began < 5000);
    });
  });

  test("the name in the certificate counts, and can be given", async () => {
    const address = given("TLS").replace("localhost", "127.0.0.1");
    await withClient(address, (client) => client.catalog.getServerInfo({}), { ...tls(), serverName: "localhost" });
    const other = withClient(address, (client) => client.catalog.getServerInfo({}), { ...tls(), serverName: "other" });
    await assert.rejects(other, /altnames|does not match/);
  });

  test("nobody who listens is an error of this package", async () => {
    await withClient("http://127.0.0.1:1", async (client) => {
      await assert.rejects(client.catalog.getServerInfo({}), (error) => {
        return error instanceof GuideBoardError && error.isUnavailable && error.reason === "";
      });
    });
  });

  test("what the service says comes as an error with reason and fields", () =>
    withClient(given("TCP"), async (client) => {
      const missing = client.retained.getRetainedRun({ directory: "no-such-run" });
      await assert.rejects(missing, code(Code.NotFound, "RUN_NOT_FOUND"));
      await assert.rejects(client.retained.listRetainedRuns({ pageSize: -1 }), (error) => {
        assert.ok(error instanceof GuideBoardError && error.code === Code.InvalidArgument);
        assert.deepEqual(
          error.fieldViolations.map(({ field }) => field),
          ["page_size"],
        );
        return true;
      });
    }));

  test("a call ends with its signal, and every call with the client", () =>
    withClient(given("TCP"), async (client) => {
      const reason = new Error("enough");
      await assert.rejects(client.catalog.getServerInfo({}, { signal: AbortSignal.abort(reason) }), reason);
      const controller = new AbortController();
      const reading = await client.openArtifact(LARGE, ARTIFACT, { signal: controller.signal });
      await assert.rejects(async () => {
        for await (const _ of reading) {
          controller.abort(reason);
        }
      }, reason);
      const timeout = client.openArtifact(LARGE, ARTIFACT, { signal: AbortSignal.timeout(0) });
      await assert.rejects(async () => listed(await timeout), { name: "TimeoutError" });
      client.close();
      await assert.rejects(client.catalog.getServerInfo({}), { name: "ClosedError" });
    }));
});

describe("lists", () => {
  test("have no pages", () =>
    withClient(given("TCP"), async (client) => {
      const { run } = await client.retained.getRetainedRun({ directory: "first" });
      const assessment = run?.assessmentProfileRef ?? "";
      const directories = async (pageSize: number) =>
        (await listed(client.listRetainedRuns({ pageSize, assessment }))).map(({ directory }) => directory);
      const one = await directories(1);
      assert.deepEqual([...one].sort(), ["first", "second"]);
      assert.deepEqual(one, await directories(500));
      assert.ok((await listed(client.listProblems())).some(({ directory }) => directory === "broken-off"));
      assert.ok((await listed(client.listExtensions({ pageSize: 1 }))).length > 1);
      const findings = await listed(client.listFindings(LARGE, { severities: ["high"] }));
      assert.deepEqual(
        findings.map(({ checkId }) => checkId),
        ["to-be-written"],
      );
      assert.equal((await listed(client.listEvidence(LARGE, { pageSize: 1 }))).length, 2);
      const [newest] = await listed(client.listRetainedRuns({ pageSize: 1 }));
      assert.ok(newest && (await listed(client.listArtifacts(newest))).length > 0, "a run can be passed as it is");
    }));

  test("stop with their signal", () =>
    withClient(given("TCP"), async (client) => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const runs = client.listRetainedRuns({ pageSize: 1 }, { signal: controller.signal });
      await runs.next();
      controller.abort(reason);
      await assert.rejects(runs.next(), reason);
    }));
});

describe("a download", () => {
  for (const way of ["TCP", "UDS", "PROXY"]) {
    test(`over ${way} gives the file, whole`, () =>
      withClient(given(way), (client) =>
        withDirectory(async (directory) => {
          const file = join(directory, "large.bin");
          let breaks = 0;
          let progress = [0, 0];
          const onProgress = (...now: number[]) => (progress = now);
          const done = await client.download(LARGE, ARTIFACT, file, { onProgress, onBroken: () => (breaks += 1) });
          assert.equal(breaks > 0, way === "PROXY");
          assert.deepEqual(progress, [ARTIFACT_BYTES, ARTIFACT_BYTES]);
          const bytes = await readFile(file);
          assert.equal(bytes.length, ARTIFACT_BYTES);
          assert.equal(createHash("sha256").update(bytes).digest("hex"), done.sha256);
          assert.deepEqual(await readdir(directory), ["large.bin"]);
        }),
      ));
  }

  test("leaves a file alone that is there, unless it is told otherwise", () =>
    withClient(given("TCP"), (client) =>
      withDirectory(async (directory) => {
        const file = join(directory, "run.json");
        await writeFile(file, "mine");
        await assert.rejects(client.download(LARGE, "run.json", file), { code: "EEXIST" });
        assert.equal(await readFile(file, "utf8"), "mine");
        // One that appears meanwhile, too.
        const late = join(directory, "late");
        const onProgress = () => void writeFile(late, "mine").catch(assert.fail);
        const racing = client.download(LARGE, ARTIFACT, late, { onProgress });
        await assert.rejects(racing, { code: "EEXIST" });
        assert.equal(await readFile(late, "utf8"), "mine");
        await client.download(LARGE, "run.json", file, { overwrite: true });
        assert.match(await readFile(file, "utf8"), /run_id/);
        assert.deepEqual(await partsIn(directory), []);
      }),
    ));

  test("of other bytes than expected leaves nothing", () =>
    withClient(given("TCP"), (client) =>
      withDirectory(async (directory) => {
        const file = join(directory, "large.bin");
        const expectedSha256 = "0".repeat(64);
        await assert.rejects(client.download(LARGE, ARTIFACT, file, { expectedSha256 }), DigestMismatchError);
        assert.deepEqual(await readdir(directory), []);
      }),
    ));

  test("of a digest in capitals is fine, and so is an empty file", () =>
    withClient(given("TCP"), (client) =>
      withDirectory(async (directory) => {
        const job = await newRun(client);
        const run = { directory: job.directory };
        const place = join(given("DIRECTORY"), "runs", job.directory);
        await writeFile(join(place, "artifacts/empty"), "");
        const empty = await client.download(run, "artifacts/empty", join(directory, "empty"));
        assert.equal(empty.sizeBytes, 0);
        assert.equal((await stat(join(directory, "empty"))).size, 0);
        const expectedSha256 = empty.sha256.toUpperCase();
        await client.download(run, "artifacts/empty", join(directory, "again"), { expectedSha256 });
      }),
    ));

  test("of a file that changes between two connections is an error of its own, and leaves nothing", () =>
    withClient(given("PROXY"), (client) =>
      withDirectory(async (directory) => {
        const job = await newRun(client);
        const source = join(given("DIRECTORY"), "runs", job.directory, ARTIFACT);
        let change: Promise<void> | undefined;
        const onBroken = () => void (change ??= appendFile(source, "more"));
        const download = client.download({ directory: job.directory }, ARTIFACT, join(directory, "a"), { onBroken });
        await assert.rejects(download, ArtifactChangedError);
        await change;
        assert.deepEqual(await readdir(directory), []);
      }),
    ));

  test("that is aborted leaves nothing", () =>
    withClient(given("TCP"), (client) =>
      withDirectory(async (directory) => {
        const controller = new AbortController();
        const reason = new Error("enough");
        const options = { signal: controller.signal, onProgress: () => controller.abort(reason) };
        await assert.rejects(client.download(LARGE, ARTIFACT, join(directory, "a"), options), reason);
        assert.deepEqual(await readdir(directory), []);
      }),
    ));
});

describe("a pull", () => {
  for (const way of ["TCP", "PROXY"]) {
    test(`over ${way} gives the whole run, and once more keeps it`, () =>
      withClient(given(way), (client) =>
        withDirectory(async (directory) => {
          const copy = join(directory, "copy");
          const first = await client.pull(LARGE, copy);
          assert.deepEqual(first.problems, []);
          assert.ok(first.isWhole && first.hasSummary && first.keptFiles === 0, String(first.pulledFiles));
          const source = join(given("DIRECTORY"), "runs/large");
          const all = async (place: string) => {
            const entries = await readdir(place, { withFileTypes: true });
            const names: string[] = [];
            for (const entry of entries) {
              const path = join(place, entry.name);
              names.push(...(entry.isDirectory() ? await all(path) : [path]));
            }
            return names;
          };
          const files = (await all(source)).map((path) => path.slice(source.length));
          assert.deepEqual((await all(copy)).map((path) => path.slice(copy.length)).sort(), files.sort());
          for (const file of files) {
            assert.ok((await readFile(copy + file)).equals(await readFile(source + file)), file);
          }
          const second = await client.pull(LARGE, copy);
          assert.deepEqual([second.pulledFiles, second.keptFiles], [0, first.pulledFiles]);
        }),
      ));
  }

  test("goes through no link, leaves other files alone, and tells of both", () =>
    withClient(given("TCP"), (client) =>
      withDirectory(async (directory) => {
        const copy = join(directory, "copy");
        await mkdir(join(copy, "artifacts"), { recursive: true });
        await mkdir(join(directory, "elsewhere"));
        await symlink(join(directory, "elsewhere"), join(copy, "artifacts/harness"));
        await writeFile(join(copy, "plan.json"), "mine");
        const report = await client.pull(LARGE, copy);
        assert.equal(report.isWhole, false);
        assert.equal(report.hasSummary, false);
        assert.ok(report.problems.some(({ path }) => path === ARTIFACT));
        assert.ok(report.problems.some(({ path }) => path === "plan.json"));
        assert.equal(await readFile(join(copy, "plan.json"), "utf8"), "mine");
        assert.deepEqual(await readdir(join(directory, "elsewhere")), []);
        const first = { directory: "first" };
        await assert.rejects(client.pull(first, copy), /holds another run/);
      }),
    ));

  test("of a run that lacks a file tells so, and takes the rest", () =>
    withClient(given("TCP"), (client) =>
      withDirectory(async (directory) => {
        const job = await newRun(client);
        const source = join(given("DIRECTORY"), "runs", job.directory);
        await writeFile(join(source, ARTIFACT), "shorter");
        await symlink("large.bin", join(source, "artifacts/harness/link"));
        const report = await client.pull({ directory: job.directory }, join(directory, "copy"));
        const told = report.problems.map(({ path, state }) => [path, FileState[state]]);
        assert.ok(
          told.some(([path, state]) => path === ARTIFACT && state === "OTHER_SIZE"),
          String(told),
        );
        assert.ok(report.isWhole && report.hasSummary);
      }),
    ));
});
