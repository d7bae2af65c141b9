// A download into a file that appears once it is whole.

import { randomBytes } from "node:crypto";
import { link, lstat, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ArtifactHeader, ArtifactReading, ReadOptions } from "../core/artifact.js";
import type { Client } from "../core/client.js";
import type { RunRef } from "../core/run.js";

/** How an output is downloaded. */
export interface DownloadOptions extends ReadOptions {
  /** Replace a file that is there. Default: leave it alone, and throw `EEXIST`. */
  readonly overwrite?: boolean;
  /** Wait until the bytes are on the disk before the file appears. Default true. */
  readonly sync?: boolean;
}

/** What was downloaded. */
export interface Downloaded extends ArtifactHeader {
  /** The file. */
  readonly file: string;
}

/** See `NodeClient.download`. */
export async function download(
  client: Client,
  run: RunRef,
  path: string,
  file: string,
  options: DownloadOptions,
): Promise<Downloaded> {
  if (options.overwrite !== true && (await isThere(file))) {
    throw alreadyThere(file);
  }
  const reading = await client.openArtifact(run, path, options);
  return save(reading, file, options);
}

/** Writes an output into a file. */
export async function save(reading: ArtifactReading, file: string, options: DownloadOptions): Promise<Downloaded> {
  // A name of its own, and one that the file system takes however long the file's is.
  const name = basename(file).slice(0, 60);
  const part = join(dirname(file), `${name}.part-${randomBytes(6).toString("hex")}`);
  const { sizeBytes, mediaType, modifiedAt, generation, sha256 } = reading;
  try {
    const handle = await open(part, "wx");
    try {
      for await (const bytes of reading) {
        await handle.appendFile(bytes);
      }
      if (options.sync !== false) {
        await handle.sync();
      }
    } finally {
      await handle.close();
    }
    if (options.overwrite === true) {
      await rename(part, file);
    } else {
      await placeNew(part, file);
    }
  } catch (error) {
    reading.cancel();
    await rm(part, { force: true });
    throw error;
  }
  return { file, sizeBytes, mediaType, modifiedAt, generation, sha256 };
}

/** Names that a file system without hard links answers with. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Gives a file its name, unless something has that name. */
async function placeNew(part: string, file: string): Promise<void> {
  try {
    await link(part, file);
    await rm(part);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") {
      throw alreadyThere(file);
    }
    if (code === undefined || !NO_LINKS.has(code)) {
      throw error;
    }
    if (await isThere(file)) {
      throw alreadyThere(file);
    }
    await rename(part, file);
  }
}

/** Whether something has this name, a link that leads nowhere included. */
async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      return false;
    }
    throw error;
  }
}

function alreadyThere(file: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`EEXIST: file already exists, '${file}'`), { code: "EEXIST", path: file });
}

/** The code of an error of Node. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
