// The program example starts an assessment, watches it, finds the latest run, prints its findings, and downloads and verifies an artifact of it.
//
//	go run ./example --server http://127.0.0.1:8080 profiles/targets/sample.json profiles/assessments/sample.json
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path"

	"guideboard.example/client/guideboard"
	guideboardv1 "guideboard.example/client/guideboard/v1"
)

func main() {
	server := flag.String("server", "http://127.0.0.1:8080", "where the server is: http://HOST:PORT, https://HOST:PORT or unix:`PATH`")
	ca := flag.String("ca", "", "the `FILE` of the authority that signed the server's certificate")
	tokenFile := flag.String("token-file", "", "a `FILE` that holds the token")
	artifact := flag.String("artifact", "", "the `PATH` of the artifact to download; the first of the run's manifest unless set")
	output := flag.String("output", "", "the `FILE` to save it to; one of its name, here, unless set")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Usage: example [OPTION]... TARGET ASSESSMENT")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	var options []guideboard.Option
	if *ca != "" {
		options = append(options, guideboard.WithCA(*ca))
	}
	if *tokenFile != "" {
		options = append(options, guideboard.WithTokenFile(*tokenFile))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := assess(ctx, *server, options, flag.Arg(0), flag.Arg(1), *artifact, *output); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func assess(ctx context.Context, server string, options []guideboard.Option, target, assessment, artifact, output string) error {
	client, err := guideboard.New(server, options...)
	if err != nil {
		return err
	}
	defer client.Close()

	job, err := start(ctx, client, target, assessment)
	if err != nil {
		return err
	}
	// The label tells this run from those that others make at the same time.
	latest, err := client.RetainedRuns().GetLatestRetainedRun(ctx, &guideboardv1.GetLatestRetainedRunRequest{
		RunsDir: job.GetRunsDir(), Labels: job.GetLabels(),
	})
	if err != nil {
		return err
	}
	run := guideboard.RunRef{RunsDir: job.GetRunsDir(), ID: latest.GetRun().GetRunId()}
	fmt.Printf("run %s: %s\n", run.ID, latest.GetRun().GetResultStatus())

	findings := &guideboardv1.ListFindingsRequest{RunsDir: run.RunsDir, RunId: run.ID}
	for finding, err := range client.AllFindings(ctx, findings) {
		if err != nil {
			return err
		}
		fmt.Printf("finding %s: %q\n", finding.GetId(), finding.GetTitle())
	}
	return download(ctx, client, run, artifact, output)
}

// start starts an assessment and watches it to its end.
func start(ctx context.Context, client *guideboard.Client, target, assessment string) (*guideboardv1.Job, error) {
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	id := "example-" + hex.EncodeToString(random)
	started, err := client.Runs().StartRun(ctx, &guideboardv1.StartRunRequest{
		Target: target, Assessment: assessment, RequestId: id, Labels: map[string]string{"request": id},
	})
	var refused *guideboard.Error
	if errors.As(err, &refused) {
		for _, violation := range refused.FieldViolations {
			fmt.Fprintf(os.Stderr, "%s: %s\n", violation.Field, violation.Description)
		}
	}
	if err != nil {
		return nil, err
	}
	follower := client.Follow(started.GetRun().GetJobId(), guideboard.FollowOptions{})
	for event, err := range follower.Events(ctx) {
		if err != nil {
			return nil, err
		}
		switch event.GetKind() {
		case guideboardv1.JobEventKind_JOB_EVENT_KIND_STATUS:
			fmt.Println("job", event.GetRun().GetStatus())
		case guideboardv1.JobEventKind_JOB_EVENT_KIND_PROGRESS:
			fmt.Printf("checks %d of %d\n", event.GetProgress().GetDone(), event.GetProgress().GetTotal())
		case guideboardv1.JobEventKind_JOB_EVENT_KIND_LOG:
			fmt.Printf("log %q\n", event.GetLogLine())
		}
	}
	job := follower.Job()
	if job.GetStatus() != guideboardv1.JobStatus_JOB_STATUS_SUCCEEDED {
		return nil, fmt.Errorf("the job ended as %s: %s", job.GetStatus(), job.GetError().GetMessage())
	}
	return job, nil
}

// download saves an artifact, whose bytes are verified on the way.
func download(ctx context.Context, client *guideboard.Client, run guideboard.RunRef, artifact, output string) error {
	manifest, err := client.Manifest(ctx, run)
	if err != nil {
		return err
	}
	var expected guideboard.ArtifactOptions
	for _, entry := range manifest.Entries {
		if artifact == "" {
			artifact = entry.GetPath()
		}
		if entry.GetPath() == artifact {
			expected.SHA256 = entry.GetSha256()
		}
	}
	if artifact == "" {
		return errors.New("the run has no artifacts")
	}
	if output == "" {
		output = path.Base(artifact)
	}
	saved, err := client.Download(ctx, run, artifact, output, guideboard.DownloadOptions{ArtifactOptions: expected})
	if err != nil {
		return err
	}
	fmt.Printf("saved %s: %d bytes, sha256 %s, %d resumptions\n", output, saved.Size, saved.SHA256, saved.Resumptions)
	return nil
}
