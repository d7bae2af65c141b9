// What needs no server: addresses, pauses, and a service in the same process that misbehaves as it is told.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http2";
import { join } from "node:path";
import { describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import {
  ArtifactChangedError,
  ClosedError,
  Code,
  connect,
  DigestMismatchError,
  GaveUpError,
  GuideBoardError,
  JobEventKind,
  JobEventSchema,
  JobForgottenError,
  JobSchema,
  JobStatus,
  RetainedRunService,
  RunService,
} from "guide-board-client/node";
import { connect as connectWeb } from "guide-board-client/web";
import { isExposed, parseAddress } from "../dist/core/address.js";
import { Client } from "../dist/core/client.js";
import { admit } from "../dist/core/follow.js";
import { allPages } from "../dist/core/pages.js";
import { Backoff } from "../dist/core/retry.js";
import { newSha256 } from "../dist/node/client.js";
import { isPlainPath } from "../dist/node/pull.js";
import { listed, withDirectory } from "./support.js";

describe("addresses", () => {
  test("a port of a host and a socket are taken in all their forms", () => {
    for (const [text, shown] of [
      ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
      ["HTTP://localhost:1/", "http://localhost:1"],
      ["https://[::1]:8443", "https://[::1]:8443"],
    ] as const) {
      const address = parseAddress(text);
      assert.equal(address.kind === "port" && address.url.origin, shown);
    }
    for (const [text, path] of [
      ["unix:run/board.sock", "run/board.sock"],
      ["unix:/run/board.sock", "/run/board.sock"],
      ["unix:///run/board.sock", "/run/board.sock"],
    ] as const) {
      assert.deepEqual(parseAddress(text), { kind: "socket", path });
    }
  });

  test("what is no address is refused with a word", () => {
    for (const text of [
      "",
      "localhost",
      "ftp://host:1",
      "http://host:1/path",
      "http://host:1?query",
      "http://user:word@host:1",
      "http://host:99999",
      "unix:",
      "unix://relative",
      `unix:/${"a".repeat(200)}`,
    ]) {
      assert.throws(() => parseAddress(text), TypeError, text);
    }
  });

  test("only http to another host is exposed", () => {
    for (const text of [
      "http://127.0.0.1:1",
      "http://127.1:1",
      "http://LOCALHOST:1",
      "http://[::1]:1",
      "https://a.b:1",
    ]) {
      assert.equal(isExposed(new URL(text)), false, text);
    }
    assert.equal(isExposed(new URL("http://[::ffff:127.0.0.1]:1")), false);
    for (const text of [
      "http://10.0.0.1:1",
      "http://localhost.example:1",
      "http://[2001:db8::1]:1",
      "http://127.evil.example:1",
    ]) {
      assert.equal(isExposed(new URL(text)), true, text);
    }
  });

  test("a token is not sent in the clear to another host unless that is allowed", () => {
    for (const connectBy of [connect, connectWeb]) {
      assert.throws(() => connectBy("http://board.example:80", { token: "t" }), /in the clear to board\.example/);
      connectBy("http://board.example:80", { token: "t", allowPlainToken: true }).close();
      connectBy("http://board.example:80").close();
      connectBy("https://board.example:443", { token: "t" }).close();
    }
  });

  test("over a Unix socket a server is called localhost", () =>
    withDirectory(async (directory) => {
      const called: unknown[] = [];
      const server = createServer((request, answer) => {
        called.push(request.headers[":authority"], request.headers["authorization"]);
        answer.writeHead(200, { "content-type": "application/grpc", "grpc-status": "12" }).end();
      });
      const path = join(directory, "board.sock");
      await new Promise<void>((resolve) => server.listen(path, resolve));
      const client = connect(`unix:${path}`, { token: "t\n" });
      await assert.rejects(client.catalog.getServerInfo({}), { code: Code.Unimplemented });
      client.close();
      server.close();
      assert.match(String(called[0]), /^localhost(:80)?$/);
      assert.equal(called[1], "Bearer t");
    }));

  test("options that do not go together are refused", () => {
    assert.throws(() => connect("http://localhost:1", { ca: "" }), TypeError);
    assert.throws(() => connect("unix:/a", { serverName: "a" }), TypeError);
    assert.throws(() => connect("https://localhost:1", { certFile: "a" }), TypeError);
    assert.throws(() => connect("https://localhost:1", { token: "a", tokenFile: "b" }), TypeError);
  });
});

describe("pauses", () => {
  test("they grow, and end when nothing answered for long enough", () => {
    let now = 0;
    const backoff = new Backoff(5000, () => now);
    const pauses = [];
    for (let pause = backoff.broke(); pause !== undefined; pause = backoff.broke()) {
      pauses.push(pause);
      now += pause;
    }
    assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 1900]);
  });

  test("an answer begins the time anew, only what is of use the pauses, and a server may ask for longer ones", () => {
    let now = 0;
    const backoff = new Backoff(1000, () => now);
    assert.equal(backoff.broke(), 100);
    now = 3000;
    backoff.answered();
    assert.equal(backoff.broke(), 200);
    backoff.wentOn();
    assert.equal(backoff.broke(700), 700);
    assert.equal(new Backoff(0).broke(), undefined);
  });
});

test("paths that leave the directory are refused", () => {
  for (const path of ["a", "a/b.c", "a/..b", "%2e%2e/a"]) {
    assert.equal(isPlainPath(path), true, path);
  }
  for (const path of ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\\b", "a\0"]) {
    assert.equal(isPlainPath(path), false, path);
  }
});

test("a page is asked for only once it is needed", async () => {
  const asked: string[] = [];
  const pages = [
    { items: [1, 2], nextPageToken: "b" },
    { items: [], nextPageToken: "c" },
    { items: [3], nextPageToken: "" },
  ];
  const ask = async (token: string) => {
    asked.push(token);
    return pages[asked.length - 1] ?? assert.fail("there are three pages");
  };
  const items = allPages(ask, (page) => page.items);
  assert.equal((await items.next()).value, 1);
  assert.deepEqual(asked, [""]);
  assert.deepEqual(await listed(items), [2, 3]);
  assert.deepEqual(asked, ["", "b", "c"]);
});

const event = (number: bigint, kind: JobEventKind, dropped = 0n) => create(JobEventSchema, { number, kind, dropped });

test("every number is given once, heartbeats never, and a gap is told", () => {
  const { LOG, DROPPED, HEARTBEAT } = JobEventKind;
  const admitted = (after: bigint, ...events: ReturnType<typeof event>[]) => {
    const all = [];
    for (const one of events) {
      for (const { number, kind, dropped } of admit(after, one)) {
        after = number;
        all.push([number, kind, dropped]);
      }
    }
    return all;
  };
  assert.deepEqual(admitted(0n, event(1n, LOG), event(1n, HEARTBEAT), event(1n, LOG), event(2n, LOG)), [
    [1n, LOG, 0n],
    [2n, LOG, 0n],
  ]);
  assert.deepEqual(admitted(4n, event(7n, LOG)), [
    [6n, DROPPED, 2n],
    [7n, LOG, 0n],
  ]);
  assert.deepEqual(admitted(4n, event(6n, DROPPED, 6n)), [[6n, DROPPED, 2n]]);
});

const status = (number: bigint, isEnd: boolean) => {
  const one = event(number, JobEventKind.STATUS);
  one.run = create(JobSchema, isEnd ? { status: JobStatus.SUCCEEDED, endedAt: timestampNow() } : {});
  return one;
};

function clientOf(
  runs: Partial<ServiceImpl<typeof RunService>>,
  retained: Partial<ServiceImpl<typeof RetainedRunService>> = {},
) {
  const transport = createRouterTransport(({ service }) => {
    service(RunService, runs);
    service(RetainedRunService, retained);
  });
  return new Client(transport, newSha256);
}

const unavailable = () => new ConnectError("the connection broke", Code.Unavailable);

describe("a job that is followed", () => {
  test("goes on after a break where it was, and tells of the break once", async () => {
    const asked: bigint[] = [];
    const client = clientOf({
      async *watchRun({ after }) {
        asked.push(after);
        if (asked.length === 1) {
          yield { events: [event(1n, JobEventKind.LOG), event(2n, JobEventKind.LOG)] };
        }
        if (asked.length < 4) {
          throw unavailable();
        }
        yield { events: [event(2n, JobEventKind.LOG), event(3n, JobEventKind.LOG), status(4n, true)] };
      },
    });
    const told: string[] = [];
    const followed = client.follow("a", { onBroken: () => told.push("broken"), onResumed: () => told.push("resumed") });
    assert.deepEqual(
      (await listed(followed)).map(({ number }) => number),
      [1n, 2n, 3n, 4n],
    );
    assert.deepEqual(asked, [0n, 2n, 2n, 2n]);
    assert.deepEqual(told, ["broken", "resumed"]);
    assert.equal(followed.after, 4n);
    assert.equal((await followed.end()).status, JobStatus.SUCCEEDED);
  });

  test("is asked for when the stream ends without its end", async () => {
    let asks = 0;
    const client = clientOf({
      async *watchRun() {
        yield { events: [status(1n, false)] };
      },
      async getRun() {
        asks += 1;
        const { run } = status(1n, asks > 1);
        return run === undefined ? {} : { run };
      },
    });
    assert.equal((await client.follow("a").end()).status, JobStatus.SUCCEEDED);
    assert.equal(asks, 2);
  });

  test("is forgotten when the server knew it, and not found when it never did", async () => {
    let watches = 0;
    const client = clientOf({
      async *watchRun({ jobId }) {
        watches += 1;
        if (jobId === "known" && watches === 1) {
          yield { events: [event(1n, JobEventKind.LOG)] };
          throw unavailable();
        }
        throw new ConnectError("no such job", Code.NotFound);
      },
    });
    await assert.rejects(client.follow("known").end(), JobForgottenError);
    await assert.rejects(client.follow("unknown").end(), (error) => {
      return error instanceof GuideBoardError && error.isNotFound && !(error instanceof JobForgottenError);
    });
  });

  test("is given up when nothing answers, and silence is no answer", async () => {
    let watches = 0;
    const client = clientOf({
      // Says nothing until the caller goes.
      async *watchRun(_, { signal }) {
        watches += 1;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        yield { events: [] };
      },
    });
    await assert.rejects(client.follow("a", { silenceMs: 20, retryForMs: 150 }).end(), GaveUpError);
    assert.ok(watches >= 2, `${watches} watches`);
  });

  test("is left alone once its signal is aborted or its client closed", async () => {
    const client = clientOf({
      async *watchRun(_, { signal }) {
        yield { events: [event(1n, JobEventKind.LOG)] };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    });
    const controller = new AbortController();
    const reason = new Error("enough");
    const followed = client.follow("a", { signal: controller.signal });
    await followed[Symbol.asyncIterator]().next();
    controller.abort(reason);
    await assert.rejects(followed.end(), reason);
    const other = client.follow("a");
    await other[Symbol.asyncIterator]().next();
    client.close();
    await assert.rejects(other.end(), ClosedError);
    await assert.rejects(client.runs.getRun({ jobId: "a" }), ClosedError);
  });
});

describe("the bytes of an output", () => {
  const BYTES = new TextEncoder().encode("0123456789");
  const sha256 = createHash("sha256").update(BYTES).digest("hex");
  const header = { sizeBytes: 10n, generation: "g", sha256 };
  const read = async (client: Client, options = {}) =>
    Buffer.concat(await listed(await client.openArtifact({ directory: "a" }, "p", options))).toString();

  test("go on after a break where it was, pinned to the generation", async () => {
    const asked: unknown[] = [];
    const client = clientOf(
      {},
      {
        async *readArtifact({ offset, expectedGeneration, computeSha256 }) {
          asked.push([offset, expectedGeneration, computeSha256]);
          if (asked.length === 1) {
            throw unavailable();
          }
          yield { ...header, offset, data: BYTES.subarray(Number(offset), Number(offset) + 4) };
          if (Number(offset) + 4 < 10) {
            throw unavailable();
          }
        },
      },
    );
    assert.equal(await read(client), "0123456789");
    assert.deepEqual(asked, [
      [0n, "", true],
      [0n, "", true],
      [4n, "g", false],
      [8n, "g", false],
    ]);
  });

  test("are refused when they are others, more, or of another generation", async () => {
    const wrong = [
      { ...header, data: new TextEncoder().encode("012345678X") },
      { ...header, data: new TextEncoder().encode("0123456789X") },
      { ...header, offset: 1n, data: BYTES },
    ];
    for (const message of wrong) {
      const client = clientOf(
        {},
        {
          async *readArtifact() {
            yield message;
          },
        },
      );
      await assert.rejects(read(client), DigestMismatchError);
    }
    let reads = 0;
    const client = clientOf(
      {},
      {
        async *readArtifact({ offset }) {
          reads += 1;
          yield {
            ...header,
            generation: `g${reads}`,
            offset,
            data: BYTES.subarray(Number(offset), Number(offset) + 4),
          };
          throw unavailable();
        },
      },
    );
    await assert.rejects(read(client), ArtifactChangedError);
  });

  test("are given up when they do not come, and not asked for again when they are refused", async () => {
    let reads = 0;
    const broken = clientOf(
      {},
      {
        async *readArtifact() {
          yield header;
          throw unavailable();
        },
      },
    );
    await assert.rejects(read(broken, { retryForMs: 150 }), GaveUpError);
    const refusing = clientOf(
      {},
      {
        async *readArtifact() {
          reads += 1;
          throw new ConnectError("no", Code.NotFound);
        },
      },
    );
    await assert.rejects(read(refusing), (error) => error instanceof GuideBoardError && error.isNotFound);
    assert.equal(reads, 1);
  });

  test("of an empty file are none", async () => {
    const empty = createHash("sha256").digest("hex");
    const client = clientOf(
      {},
      {
        async *readArtifact() {
          yield { generation: "g", sha256: empty };
        },
      },
    );
    assert.equal(await read(client), "");
  });
});

test("a run is named by what is unique", async () => {
  const asked: unknown[] = [];
  const client = clientOf(
    {},
    {
      async listFindings({ runsDir, directory, runId }) {
        asked.push([runsDir, directory, runId]);
        return {};
      },
    },
  );
  await listed(client.listFindings({ runsDir: "r", directory: "d", runId: "i" }));
  await listed(client.listFindings({ runId: "i" }));
  assert.deepEqual(asked, [
    ["r", "d", ""],
    ["", "", "i"],
  ]);
  assert.throws(() => client.listFindings({}), TypeError);
});
