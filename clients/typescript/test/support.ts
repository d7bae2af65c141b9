// What several tests need.

import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type ConnectOptions, type Job, JobStatus, type NodeClient } from "guide-board-client/node";

/** A variable that scripts/with-servers sets. */
export function given(name: string): string {
  const value = process.env[`GUIDE_BOARD_TEST_${name}`];
  assert.ok(value, `GUIDE_BOARD_TEST_${name} is not set: run the tests by scripts/with-servers`);
  return value;
}

export const ARTIFACT = "artifacts/harness/large.bin";
export const ARTIFACT_BYTES = 8 * 1024 * 1024;
export const LARGE = { directory: "large" };

/** Does something with a client, and closes it. */
export async function withClient<T>(
  server: string,
  use: (client: NodeClient) => Promise<T>,
  options?: ConnectOptions,
): Promise<T> {
  const client = connect(server, options);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** Does something with a new directory, and removes it. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "guide-board-client-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Lets the server make a run that no other test looks at. */
export async function newRun(client: NodeClient): Promise<Job> {
  const { run } = await client.runs.startRun({
    target: "profiles/targets/harness-target.json",
    assessment: "profiles/assessments/harness.json",
  });
  assert.ok(run);
  const job = await client.follow(run.jobId).end();
  assert.equal(job.status, JobStatus.SUCCEEDED);
  return job;
}

export async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list = [];
  for await (const item of items) {
    list.push(item);
  }
  return list;
}

/** The names in a directory that are left of downloads. */
export async function partsIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.includes(".part-"));
}
