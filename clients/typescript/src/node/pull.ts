// A whole run, verified, in a directory.

import { createReadStream } from "node:fs";
import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import type { ReadOptions } from "../core/artifact.js";
import type { Client } from "../core/client.js";
import { ArtifactChangedError, DigestMismatchError, GaveUpError, GuideBoardError } from "../core/errors.js";
import { type Manifest, readManifest } from "../core/manifest.js";
import { type RunRef, selectorOf } from "../core/run.js";
import { type Artifact, FileState, type RetainedRun } from "../gen/guideboard/v1/types_pb.js";
import { newSha256 } from "./client.js";
import { codeOf, save } from "./download.js";

/** How a run is pulled. */
export interface PullOptions extends Pick<ReadOptions, "retryForMs" | "signal" | "onBroken"> {
  /** Replace files that are not those of the run. Default: leave them alone, and tell. */
  readonly overwrite?: boolean;
  /** Called with each file that is there now, and whether it stood there already. */
  readonly onFile?: (path: string, wasKept: boolean) => void;
}

/** A file that was not pulled, or something else that is wrong. */
export interface PullProblem {
  /** The path relative to the run directory; empty when it has none. */
  readonly path: string;
  /** The entry's state in the manifest; `PRESENT` when the pulling went wrong. */
  readonly state: FileState;
  /** What is wrong. */
  readonly message: string;
  /** Whether another pull may do better. What the run itself lacks, none can pull. */
  readonly isMendable: boolean;
}

/** What came of a pull. */
export interface PullReport {
  /** The run. */
  readonly run: RetainedRun;
  /** How many files were pulled. */
  readonly pulledFiles: number;
  /** How many bytes they have. */
  readonly pulledBytes: number;
  /** How many files stood there already. */
  readonly keptFiles: number;
  /** What is wrong. */
  readonly problems: readonly PullProblem[];
  /** Whether the copy has all that can be had of the run: no problem is mendable. */
  readonly isWhole: boolean;
  /** Whether the copy has a summary, which makes it a retained run. A run without one is copied as it is. */
  readonly hasSummary: boolean;
}

const RUN = "run.json";
const PLAN = "plan.json";
const SOURCE_LOCK = "sources.lock.json";
const SUMMARY = "retention-summary.json";

/** What a state means for whoever wants the file. */
const SENTENCES: Readonly<Record<FileState, string>> = {
  [FileState.UNSPECIFIED]: "it cannot be read where the run is",
  [FileState.PRESENT]: "",
  [FileState.MISSING]: "the run records it, but it is not there",
  [FileState.OTHER_SIZE]: "it has another size than the run records",
  [FileState.NOT_REGULAR_FILE]: "it is a link, a directory or a special file",
  [FileState.UNSAFE_PATH]: "the path that the run records is refused",
  [FileState.UNADDRESSABLE]: "no request can spell its name",
  [FileState.UNREADABLE]: "it cannot be read where the run is",
};

/** See `NodeClient.pull`. */
export async function pull(client: Client, run: RunRef, directory: string, options: PullOptions): Promise<PullReport> {
  const place = selectorOf(run);
  const calls = options.signal === undefined ? {} : { signal: options.signal };
  const manifest = await readManifest(client.retained, place, { ...options, newSha256 });
  try {
    const inProgress = client.listProblems({ runsDir: place.runsDir, reasons: ["in_progress"] }, calls);
    for await (const { directory } of inProgress) {
      if (directory === manifest.run.directory) {
        throw GuideBoardError.of(Code.FailedPrecondition, "the run is being made; pull it once it is done");
      }
    }
    await mkdir(directory, { recursive: true });
    return await new Pull(client, manifest.run, place, directory, options).all(manifest);
  } finally {
    manifest.cancel();
  }
}

/** What a file is expected to be. */
interface Expected {
  readonly sha256?: string | undefined;
  readonly generation?: string | undefined;
}

class Pull {
  #pulledFiles = 0;
  #pulledBytes = 0;
  #keptFiles = 0;
  readonly #problems: PullProblem[] = [];
  readonly #met = new Set<string>();
  readonly #recorded = new Map<string, string>();

  constructor(
    readonly client: Client,
    readonly run: RetainedRun,
    readonly place: Required<RunRef>,
    readonly directory: string,
    readonly options: PullOptions,
  ) {}

  async all(manifest: Manifest): Promise<PullReport> {
    const before = await this.#state();
    await this.#readRecorded();
    await this.#refuseAnother(RUN);
    await this.#refuseAnother(SUMMARY);
    await this.#document(RUN);
    for await (const entry of manifest.entries) {
      await this.#entry(entry);
    }
    if (manifest.isTruncated) {
      this.#problem("", FileState.UNSPECIFIED, "there are more files than are looked at", true);
    }
    await this.#document(PLAN);
    await this.#document(SOURCE_LOCK);
    const after = await this.#state();
    if (after.run !== before.run || after.summary !== before.summary) {
      this.#problem("", FileState.PRESENT, "the run changed while it was pulled", true);
    }
    // The summary comes last: it says that all the rest is there.
    const hasSummary =
      before.summary !== undefined && this.#isWhole() && (await this.#file(SUMMARY, { generation: before.summary }));
    return this.#report(hasSummary);
  }

  /** Where the documents of another run stand, nothing is mixed among them. */
  async #refuseAnother(path: string): Promise<void> {
    const file = join(this.directory, path);
    if (this.options.overwrite === true || (await statOf(file))?.isFile() !== true) {
      return;
    }
    let expected = "";
    try {
      const reading = await this.client.openArtifact(this.place, path, this.#reading({}));
      reading.cancel();
      expected = reading.sha256;
    } catch (error) {
      if (!isNoFile(error)) {
        throw error;
      }
    }
    if ((await sha256Of(file)) !== expected) {
      const message = "holds another run, or another state of this one; overwrite replaces its files";
      throw new Error(`${this.directory} ${message}`);
    }
  }

  #isWhole(): boolean {
    return !this.#problems.some((problem) => problem.isMendable);
  }

  #report(hasSummary: boolean): PullReport {
    return {
      run: this.run,
      pulledFiles: this.#pulledFiles,
      pulledBytes: this.#pulledBytes,
      keptFiles: this.#keptFiles,
      problems: this.#problems,
      isWhole: this.#isWhole(),
      hasSummary,
    };
  }

  #problem(path: string, state: FileState, message: string, isMendable: boolean): false {
    this.#problems.push({ path, state, message, isMendable });
    return false;
  }

  /** The generations of the two documents that make a directory a run. */
  async #state(): Promise<{ run: string | undefined; summary: string | undefined }> {
    return { run: await this.#generation(RUN), summary: await this.#generation(SUMMARY) };
  }

  async #generation(path: string): Promise<string | undefined> {
    try {
      const reading = await this.client.openArtifact(this.place, path, this.#reading({}));
      reading.cancel();
      return reading.generation;
    } catch (error) {
      if (isNoFile(error) || (error instanceof GuideBoardError && error.code === Code.FailedPrecondition)) {
        return undefined;
      }
      throw error;
    }
  }

  /** The digests of documents that the run records beside its manifest. */
  async #readRecorded(): Promise<void> {
    try {
      const calls = this.options.signal === undefined ? {} : { signal: this.options.signal };
      const { reports } = await this.client.retained.getRetainedRunReports(
        { ...this.place, reportUnsafe: true },
        calls,
      );
      for (const { path, sha256 } of reports) {
        if (path !== "" && sha256 !== "") {
          this.#recorded.set(path, sha256);
        }
      }
    } catch (error) {
      // A run without a summary, or with one that cannot be read, has no reports to tell of.
      if (!(error instanceof GuideBoardError) || error.reason === "" || error.isRefused) {
        throw error;
      }
    }
  }

  /** A document that stands directly in the run, if it is there. */
  async #document(path: string): Promise<boolean> {
    this.#met.add(path);
    return this.#file(path, {});
  }

  async #entry({ path, state, sha256, unlisted }: Artifact): Promise<void> {
    // The summary has its time, whatever a manifest says; of a path that is named again and again the first entry counts.
    if (path === SUMMARY || (path !== "" && this.#met.has(path))) {
      return;
    }
    if (path !== "") {
      this.#met.add(path);
    }
    if (state !== FileState.PRESENT) {
      const isMendable = state === FileState.UNREADABLE || state === FileState.UNSPECIFIED;
      this.#problem(path, state, SENTENCES[state] ?? "it cannot be had", isMendable);
      return;
    }
    const problems = this.#problems.length;
    const isThere = await this.#file(path, { sha256: sha256 || undefined });
    if (!isThere && !unlisted && problems === this.#problems.length) {
      this.#problem(path, FileState.MISSING, "the run records it, but it is gone", false);
    }
  }

  /** Pulls one file. `false` when there is none, or a problem. */
  async #file(path: string, expected: Expected): Promise<boolean> {
    if (!isPlainPath(path)) {
      return this.#problem(path, FileState.UNSAFE_PATH, "its path is refused", false);
    }
    const sha256 = expected.sha256 ?? this.#recorded.get(path);
    try {
      const reading = await this.client.openArtifact(this.place, path, this.#reading({ ...expected, sha256 }));
      try {
        return await this.#take(path, reading);
      } finally {
        reading.cancel();
      }
    } catch (error) {
      if (isNoFile(error)) {
        return false;
      }
      return this.#told(path, error, sha256 !== undefined);
    }
  }

  async #take(path: string, reading: Awaited<ReturnType<Client["openArtifact"]>>): Promise<boolean> {
    const inTheWay = await this.#makeParents(path);
    if (inTheWay !== undefined) {
      return this.#problem(path, FileState.PRESENT, `${inTheWay} in the directory is not a directory itself`, true);
    }
    const file = join(this.directory, ...path.split("/"));
    const standing = await statOf(file);
    if (standing !== undefined) {
      if (!standing.isFile()) {
        return this.#problem(path, FileState.PRESENT, "something else than a file stands there in the directory", true);
      }
      if (standing.size === reading.sizeBytes && (await sha256Of(file)) === reading.sha256) {
        this.#keptFiles += 1;
        this.options.onFile?.(path, true);
        return true;
      }
      if (this.options.overwrite !== true) {
        return this.#problem(path, FileState.PRESENT, "another file of that name stands in the directory", true);
      }
    }
    const { sizeBytes } = await save(reading, file, { overwrite: this.options.overwrite === true });
    this.#pulledFiles += 1;
    this.#pulledBytes += sizeBytes;
    this.options.onFile?.(path, false);
    return true;
  }

  /** What became of one file, when the others may still come; throws when they may not. */
  #told(path: string, error: unknown, isRecorded: boolean): false {
    if (codeOf(error) === "EEXIST") {
      return this.#problem(path, FileState.PRESENT, "a file of that name appeared in the directory meanwhile", true);
    }
    if (!(error instanceof GuideBoardError) || error instanceof GaveUpError) {
      throw error;
    }
    if (error instanceof DigestMismatchError) {
      const whose = isRecorded ? "whose digest the run records" : "whose digest the server computed";
      return this.#problem(path, FileState.PRESENT, `its bytes are not those ${whose}`, !isRecorded);
    }
    const OF_ONE_FILE = [Code.FailedPrecondition, Code.DataLoss, Code.InvalidArgument, Code.Aborted];
    if (error instanceof ArtifactChangedError || OF_ONE_FILE.includes(error.code)) {
      return this.#problem(path, FileState.PRESENT, error.message, true);
    }
    throw error;
  }

  #reading({ sha256, generation }: Expected): ReadOptions {
    const { retryForMs, signal, onBroken } = this.options;
    return {
      ...(retryForMs === undefined ? {} : { retryForMs }),
      ...(signal === undefined ? {} : { signal }),
      ...(onBroken === undefined ? {} : { onBroken }),
      ...(sha256 === undefined ? {} : { expectedSha256: sha256 }),
      ...(generation === undefined ? {} : { expectedGeneration: generation }),
    };
  }

  /** Makes the directories of a path. Gives the one that is something else, a link to one included. */
  async #makeParents(path: string): Promise<string | undefined> {
    const parents = path.split("/").slice(0, -1);
    for (let depth = 1; depth <= parents.length; depth += 1) {
      const parent = join(this.directory, ...parents.slice(0, depth));
      try {
        await mkdir(parent);
      } catch (error) {
        if (codeOf(error) !== "EEXIST") {
          throw error;
        }
        if (!(await lstat(parent)).isDirectory()) {
          return parents.slice(0, depth).join("/");
        }
      }
    }
    return undefined;
  }
}

/** Whether a path stays below its directory, and is spelled as a server spells it. */
export function isPlainPath(path: string): boolean {
  const isPlain = (part: string) => part !== "" && part !== "." && part !== "..";
  const isForWindows = process.platform === "win32" && /[:*?"<>|]/.test(path);
  return !path.includes("\\") && !path.includes("\0") && !isForWindows && path.split("/").every(isPlain);
}

/** Whether there is no such file; that its run is not there is another thing. */
function isNoFile(error: unknown): boolean {
  return error instanceof GuideBoardError && error.reason === "ARTIFACT_NOT_FOUND";
}

async function statOf(file: string) {
  try {
    return await lstat(file);
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = newSha256();
  for await (const bytes of createReadStream(file)) {
    hash.update(bytes as Uint8Array);
  }
  return hash.hex();
}
