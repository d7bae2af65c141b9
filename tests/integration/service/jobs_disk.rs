//! A job that fills its disk: it says so, the server and its other roots go on, and once there is room again, so does this root.

use guide_board::wire::pb::{self, JobStatus};

use super::fixtures::eventually;
use super::mounted_roots::Namespace;
use super::served::{ended, start, start_request};
use crate::support::reports;

fn in_root(runs_dir: &str, output_dir: &str) -> pb::StartRunRequest {
    pb::StartRunRequest { runs_dir: runs_dir.to_owned(), output_dir: output_dir.to_owned(), ..start_request() }
}

async fn job(namespace: &Namespace, runs_dir: &str, output_dir: &str) -> pb::Job {
    let runs = namespace.server.client.runs();
    let job = start(runs.clone(), in_root(runs_dir, output_dir)).await;
    ended(runs, &job.job_id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fills_its_disk_says_so_and_others_work_on_and_after_it() {
    // What the test writes to `fill` is what the runner fills the disk with.
    let script = format!(
        "case $(cat ../../../../fill) in bytes) cat /dev/zero > filler;; \
         files) n=0; while (: > f$n); do n=$((n+1)); done;; esac\n{}",
        reports("pass")
    );
    let Some(namespace) = Namespace::start("a full disk", &script).await else { return };
    let fill = |with: &str| std::fs::write(namespace.world.path("fill"), with).expect("written");
    std::fs::create_dir(namespace.world.path("mounted")).expect("made");
    for (options, with, left) in
        [("size=4m", "bytes", "KiB are left)"), ("nr_inodes=60,size=64m", "files", "it can hold no more files)")]
    {
        namespace.mount_with(options);
        fill("nothing");
        eventually("a root that serves", async || {
            let runs = namespace.server.client.runs();
            let mut runs = runs;
            runs.start_run(in_root("mounted", "first")).await.ok()
        })
        .await;
        namespace.wait_until_listed("first").await;
        fill(with);
        let failed = job(&namespace, "mounted", "filled").await;
        assert_eq!((failed.status(), failed.runs_dir.as_str()), (JobStatus::Failed, "mounted"), "{failed:?}");
        let error = failed.error.expect("an error");
        assert!(error.message.contains("the filesystem of the runs root is full (") && error.message.ends_with(left));
        let said = error.log_lines.join("\n");
        assert!(said.contains("No space left on device"), "{said}");
        // The server goes on: it tells what is left, serves what is there, and runs jobs in another root.
        eventually("the incomplete directory", async || {
            let request = pb::ListProblemsRequest { runs_dir: "mounted".to_owned(), ..Default::default() };
            let problems = namespace.server.client.retained().list_problems(request).await.ok()?.into_inner().problems;
            let told: Vec<_> = problems.iter().map(|problem| (problem.directory.as_str(), problem.reason())).collect();
            (told == [("filled", pb::ProblemReason::Incomplete)]).then_some(())
        })
        .await;
        namespace.wait_until_listed("first").await;
        fill("nothing");
        let elsewhere = job(&namespace, "runs", &format!("beside-{with}")).await;
        assert_eq!(elsewhere.status(), JobStatus::Succeeded, "{elsewhere:?}");
        // A job in the full root fails in the same words, and leaves nothing or little.
        let again = job(&namespace, "mounted", "again").await;
        assert!(again.error.expect("an error").message.contains("the filesystem of the runs root is full"));
        // Room is made, and work goes on.
        std::fs::remove_dir_all(namespace.inside().join("filled")).expect("removed");
        let after = job(&namespace, "mounted", "after").await;
        assert_eq!(after.status(), JobStatus::Succeeded, "{after:?}");
        eventually("an unmount", async || namespace.run(&["umount", &namespace.root()]).then_some(())).await;
    }
}
