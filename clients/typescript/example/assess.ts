// Starts an assessment, watches it, finds the latest retained run, prints its findings, downloads and verifies an artifact.
//
//   assess --server URL [--ca FILE] [--token-file FILE] [--artifact PATH] TARGET ASSESSMENT
//
// Progress goes to standard error, what was found to standard output. Ctrl-C ends the watching; the job goes on.

import { basename } from "node:path";
import { parseArgs } from "node:util";
import {
  connect,
  FileState,
  GuideBoardError,
  JobEventKind,
  JobStatus,
  type NodeClient,
  ResultStatus,
  Severity,
} from "guide-board-client/node";

const USAGE = "assess --server URL [--ca FILE] [--token-file FILE] [--artifact PATH] TARGET ASSESSMENT";

async function assess(client: NodeClient, target: string, assessment: string, artifact?: string): Promise<void> {
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort(new Error("interrupted; the job goes on")));
  const { signal } = interrupt;

  const { run: started } = await client.runs.startRun({ target, assessment }, { signal });
  const followed = client.follow(started?.jobId ?? "", {
    signal,
    onBroken: (error) => console.error(`the connection broke: ${error.message}`),
    onResumed: () => console.error("the server answers again"),
  });
  for await (const event of followed) {
    if (event.kind === JobEventKind.PROGRESS && event.progress) {
      console.error(`${event.progress.done} of ${event.progress.total} checks`);
    } else if (event.kind === JobEventKind.LOG) {
      console.error(`| ${event.logLine}`);
    } else if (event.kind === JobEventKind.DROPPED) {
      console.error(`| ... ${event.dropped} events are no longer held`);
    }
  }
  const job = await followed.end();
  if (job.status !== JobStatus.SUCCEEDED) {
    throw new Error(`the job ended as ${JobStatus[job.status]}: ${job.error?.message ?? ""}`);
  }

  const { run: made } = await client.retained.getRetainedRun(
    { runsDir: job.runsDir, directory: job.directory },
    { signal },
  );
  const { run } = await client.retained.getLatestRetainedRun(
    {
      runsDir: job.runsDir,
      target: made?.targetProfileRef ?? "",
      assessment: made?.assessmentProfileRef ?? "",
    },
    { signal },
  );
  if (run === undefined) {
    throw new Error("the server does not say which run is the latest");
  }
  console.log(`run: ${run.directory}, ${ResultStatus[run.resultStatus]}`);
  for await (const finding of client.listFindings(run, {}, { signal })) {
    console.log(`finding: ${Severity[finding.severity]}, ${finding.checkId}: ${finding.title}`);
  }

  for await (const { path, sha256, state } of client.listArtifacts(run, {}, { signal })) {
    if (state === FileState.PRESENT && (artifact === undefined || path === artifact)) {
      const expected = sha256 === "" ? {} : { expectedSha256: sha256 };
      const onBroken = (error: GuideBoardError) => console.error(`the connection broke: ${error.message}`);
      const done = await client.download(run, path, basename(path), { ...expected, overwrite: true, onBroken, signal });
      console.log(`artifact: ${done.file}, ${done.sizeBytes} bytes, sha256 ${done.sha256}`);
      return;
    }
  }
  throw new Error(artifact === undefined ? "the run has no artifacts" : `the run has no artifact ${artifact}`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: "string" },
    ca: { type: "string" },
    "token-file": { type: "string" },
    artifact: { type: "string" },
  },
});
const [target, assessment] = positionals;
if (values.server === undefined || target === undefined || assessment === undefined || positionals.length > 2) {
  console.error(`usage: ${USAGE}`);
  process.exit(2);
}
const client = connect(values.server, {
  ...(values.ca === undefined ? {} : { caFile: values.ca }),
  ...(values["token-file"] === undefined ? {} : { tokenFile: values["token-file"] }),
});
try {
  await assess(client, target, assessment, values.artifact);
} catch (error) {
  const reason = error instanceof GuideBoardError && error.reason !== "" ? ` (${error.reason})` : "";
  console.error(`error: ${error instanceof Error ? error.message : String(error)}${reason}`);
  process.exitCode = 1;
} finally {
  client.close();
}
