// Naming a run in a request.

/**
 * Which run: by `directory`, which is unique in its root, or by `runId`. A run that a list gave can be passed as it is: its directory counts then.
 */
export interface RunRef {
  /** The runs root, by name. Unset or empty: the first. */
  readonly runsDir?: string;
  readonly directory?: string;
  readonly runId?: string;
}

/**
 * The fields of a request that name a run.
 *
 * @throws TypeError when it is not named.
 */
export function selectorOf(run: RunRef): { runsDir: string; runId: string; directory: string } {
  const runsDir = run.runsDir ?? "";
  if (run.directory !== undefined && run.directory !== "") {
    return { runsDir, runId: "", directory: run.directory };
  }
  if (run.runId !== undefined && run.runId !== "") {
    return { runsDir, runId: run.runId, directory: "" };
  }
  throw new TypeError("a run is named by its directory or its run id");
}
