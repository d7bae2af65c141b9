package guideboard_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"guideboard.example/client/guideboard"
	guideboardv1 "guideboard.example/client/guideboard/v1"
)

// The tests of this file are for real servers, which scripts/with-servers starts.

const (
	target     = "profiles/targets/harness-target.json"
	assessment = "profiles/assessments/harness.json"
	large      = "artifacts/harness/large.bin"
	largeSize  = 8 << 20
)

// setting is one of scripts/with-servers.
func setting(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv("GUIDE_BOARD_TEST_" + name)
	if value == "" {
		t.Skip("run by scripts/with-servers")
	}
	return value
}

func connect(t testing.TB, name string, options ...guideboard.Option) *guideboard.Client {
	t.Helper()
	client, err := guideboard.New(setting(t, name), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func during(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// largeRun is a run with the large artifact.
var largeRun = guideboard.RunRef{Directory: "large"}

func version(t testing.TB, client *guideboard.Client) error {
	reply, err := client.Catalog().GetServerInfo(during(t), &guideboardv1.GetServerInfoRequest{})
	if err == nil && reply.GetVersion() == "" {
		t.Error("the server has no version")
	}
	return err
}

func TestAServerIsReachedInEveryWay(t *testing.T) {
	encrypted := []guideboard.Option{
		guideboard.WithCA(setting(t, "CA")), guideboard.WithTokenFile(setting(t, "TOKEN_FILE")),
	}
	for name, options := range map[string][]guideboard.Option{"TCP": nil, "TLS": encrypted, "UDS": nil, "PROXY": nil} {
		if err := version(t, connect(t, name, options...)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	socket := strings.TrimPrefix(setting(t, "UDS"), "unix:")
	client, err := guideboard.New("unix://" + socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := version(t, client); err != nil {
		t.Errorf("%v", err)
	}
}

func TestAServerIsAskedForUnderTheNameThatItIsExpectedToHave(t *testing.T) {
	server := strings.Replace(setting(t, "TLS"), "localhost", "127.0.0.1", 1)
	ca, token := guideboard.WithCA(setting(t, "CA")), guideboard.WithTokenFile(setting(t, "TOKEN_FILE"))
	for name, isExpected := range map[string]bool{"localhost": true, "board.example": false} {
		client, err := guideboard.New(server, ca, token, guideboard.WithServerName(name))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := version(t, client); (err == nil) != isExpected {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWrongTokenIsRefused(t *testing.T) {
	ca := guideboard.WithCA(setting(t, "CA"))
	err := version(t, connect(t, "TLS", ca, guideboard.WithToken("wrong")))
	if status.Code(err) != codes.Unauthenticated || guideboard.ReasonOf(err) != guideboard.ReasonCredentialsInvalid {
		t.Errorf("%v", err)
	}
	err = version(t, connect(t, "TLS", ca))
	if status.Code(err) != codes.Unauthenticated || guideboard.ReasonOf(err) != guideboard.ReasonCredentialsMissing {
		t.Errorf("%v", err)
	}
}

func TestAnAuthorityThatIsNotTrustedIsToldAtOnce(t *testing.T) {
	began := time.Now()
	client := connect(t, "TLS", guideboard.WithTokenFile(setting(t, "TOKEN_FILE")))
	for _, err := range client.AllRetainedRuns(during(t), &guideboardv1.ListRetainedRunsRequest{}) {
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%v", err)
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestAllPagesAreGivenAndAPageIsAskedForWhenItIsNeeded(t *testing.T) {
	calls := 0
	client := connect(t, "TCP", guideboard.WithDialOptions(grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, request, reply any, c *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
			calls++
			return invoke(ctx, method, request, reply, c, options...)
		},
	)))
	ctx := during(t)
	// Other tests make runs meanwhile; these have been there from the beginning.
	request := &guideboardv1.ListRetainedRunsRequest{PageSize: 1}
	seen := map[string]int{}
	for run, err := range client.AllRetainedRuns(ctx, request) {
		if err != nil {
			t.Fatal(err)
		}
		seen[run.GetDirectory()]++
	}
	if seen["first"] != 1 || seen["second"] != 1 || seen["large"] != 1 || calls < 3 {
		t.Errorf("%v in %d calls", seen, calls)
	}
	calls = 0
	for range client.AllRetainedRuns(ctx, request) {
		break
	}
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var last error
	for _, err := range client.AllRetainedRuns(ctx, request) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("%v", last)
	}
}

func TestEveryListIsGiven(t *testing.T) {
	client, ctx := connect(t, "TCP"), during(t)
	for name, first := range map[string]func() (string, error){
		"problems": func() (string, error) {
			for problem, err := range client.AllProblems(ctx, &guideboardv1.ListProblemsRequest{Reasons: []string{"incomplete"}}) {
				return problem.GetDirectory(), err
			}
			return "", nil
		},
		"findings": func() (string, error) {
			for finding, err := range client.AllFindings(ctx, &guideboardv1.ListFindingsRequest{Directory: "large"}) {
				return finding.GetCheckId(), err
			}
			return "", nil
		},
		"evidence": func() (string, error) {
			for evidence, err := range client.AllEvidence(ctx, &guideboardv1.ListEvidenceRequest{Directory: "large", PageSize: 1}) {
				return evidence.GetCheckId(), err
			}
			return "", nil
		},
		"extensions": func() (string, error) {
			for extension, err := range client.AllExtensions(ctx, &guideboardv1.ListExtensionsRequest{PageSize: 1}) {
				return extension.GetId(), err
			}
			return "", nil
		},
		"jobs": func() (string, error) {
			job := begin(t, client)
			for listed, err := range client.AllJobs(ctx, &guideboardv1.ListRunsRequest{}) {
				if err != nil || listed.GetJobId() == job {
					return job, err
				}
			}
			return "", nil
		},
	} {
		if first, err := first(); err != nil || first == "" {
			t.Errorf("%s: %q, %v", name, first, err)
		}
	}
	for _, err := range client.AllFindings(ctx, &guideboardv1.ListFindingsRequest{Directory: "large", PageSize: -1}) {
		var refused *guideboard.Error
		if !errors.As(err, &refused) || len(refused.FieldViolations) != 1 || refused.FieldViolations[0].Field != "page_size" {
			t.Errorf("%v", err)
		}
	}
}

// begin starts an assessment.
func begin(t testing.TB, client *guideboard.Client) string {
	t.Helper()
	reply, err := client.Runs().StartRun(during(t), &guideboardv1.StartRunRequest{Target: target, Assessment: assessment})
	if err != nil {
		t.Fatal(err)
	}
	return reply.GetRun().GetJobId()
}

func TestAJobIsFollowedToItsEnd(t *testing.T) {
	client := connect(t, "TCP")
	follower := client.Follow(begin(t, client), guideboard.FollowOptions{})
	var numbers []uint64
	for event, err := range follower.Events(during(t)) {
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, event.GetNumber())
	}
	for i, number := range numbers {
		if number != uint64(i+1) {
			t.Fatal(numbers)
		}
	}
	if job := follower.Job(); job.GetStatus() != guideboardv1.JobStatus_JOB_STATUS_SUCCEEDED || job.GetRunId() == "" {
		t.Errorf("%v", job)
	}
	// One who has seen all is told of the end all the same.
	job, err := client.Follow(follower.Job().GetJobId(), guideboard.FollowOptions{After: follower.Last()}).Wait(during(t))
	if err != nil || job.GetRunId() != follower.Job().GetRunId() {
		t.Errorf("%v %v", job, err)
	}
	if _, err := client.Follow("job-of-nobody", guideboard.FollowOptions{}).Wait(during(t)); guideboard.ReasonOf(err) != guideboard.ReasonJobNotFound {
		t.Errorf("%v", err)
	}
}

func TestAJobIsFollowedThroughConnectionsThatAreCut(t *testing.T) {
	client := connect(t, "PROXY")
	ctx := during(t)
	direct := connect(t, "TCP")
	job := begin(t, client)
	follower := client.Follow(job, guideboard.FollowOptions{})
	// Every event is followed by a download that takes the proxy's patience, on the connection of the watch.
	var numbers []uint64
	for event, err := range follower.Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, event.GetNumber())
		if event.GetNumber()%3 == 1 {
			cutConnection(t, client)
		}
	}
	held, err := direct.Follow(job, guideboard.FollowOptions{}).Wait(ctx)
	if err != nil || held.GetRunId() != follower.Job().GetRunId() {
		t.Errorf("%v %v", held, err)
	}
	for i, number := range numbers {
		if number != uint64(i+1) {
			t.Fatal(numbers)
		}
	}
}

// cutConnection reads without resume until the proxy resets the connection.
func cutConnection(t *testing.T, client *guideboard.Client) {
	t.Helper()
	stream, err := client.RetainedRuns().ReadArtifact(during(t), &guideboardv1.ReadArtifactRequest{Directory: "large", Path: large})
	for err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Unavailable && status.Code(err) != codes.Internal {
		t.Errorf("%v", err)
	}
}

func TestADownloadGoesOnThroughConnectionsThatAreCut(t *testing.T) {
	client := connect(t, "PROXY")
	file := filepath.Join(t.TempDir(), "large.bin")
	saved, err := client.Download(during(t), largeRun, large, file, guideboard.DownloadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := os.Stat(file)
	if err != nil || found.Size() != largeSize || saved.Size != largeSize || saved.Resumptions == 0 {
		t.Errorf("%+v %v", saved, err)
	}
	original, err := os.ReadFile(filepath.Join(setting(t, "DIRECTORY"), "runs/large", large))
	if err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != string(original) {
		t.Errorf("the bytes are others, %v", err)
	}
	if _, err := client.Download(during(t), largeRun, large, file, guideboard.DownloadOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
}

func TestAnOutputThatChangesWhileItIsDownloadedIsRefused(t *testing.T) {
	directory := filepath.Join(setting(t, "DIRECTORY"), "runs", "changing", "artifacts")
	if err := os.MkdirAll(directory, 0o777); err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(directory, "a")
	if err := os.WriteFile(place, make([]byte, largeSize), 0o666); err != nil {
		t.Fatal(err)
	}
	client, into := connect(t, "PROXY"), t.TempDir()
	hasChanged := false
	_, err := client.Download(during(t), guideboard.RunRef{Directory: "changing"}, "artifacts/a", filepath.Join(into, "a"), guideboard.DownloadOptions{
		Progress: func(done, total int64) {
			if !hasChanged && done > total/4 {
				hasChanged = true
				if err := os.WriteFile(place, make([]byte, largeSize-1), 0o666); err != nil {
					t.Error(err)
				}
			}
		},
	})
	if !errors.Is(err, guideboard.ErrChanged) {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(into); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestADigestThatIsAnotherIsRefused(t *testing.T) {
	client, file := connect(t, "TCP"), filepath.Join(t.TempDir(), "a")
	other := guideboard.ArtifactOptions{SHA256: strings.Repeat("0", 64)}
	_, err := client.Download(during(t), largeRun, large, file, guideboard.DownloadOptions{ArtifactOptions: other})
	if !errors.Is(err, guideboard.ErrDigestMismatch) {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	_, err = client.OpenArtifact(during(t), largeRun, "artifacts/none", guideboard.ArtifactOptions{})
	if guideboard.ReasonOf(err) != guideboard.ReasonArtifactNotFound || !guideboard.IsNotFound(err) {
		t.Errorf("%v", err)
	}
}

func TestADownloadEndsWithItsContext(t *testing.T) {
	client, into := connect(t, "TCP"), t.TempDir()
	ctx, cancel := context.WithCancel(during(t))
	_, err := client.Download(ctx, largeRun, large, filepath.Join(into, "a"), guideboard.DownloadOptions{Progress: func(int64, int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(into); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestAClientIsSharedByManyAtOnce(t *testing.T) {
	client, ctx, into := connect(t, "PROXY"), during(t), t.TempDir()
	var group sync.WaitGroup
	for i := range 2 {
		group.Add(1)
		go func() {
			defer group.Done()
			saved, err := client.Download(ctx, largeRun, large, filepath.Join(into, fmt.Sprint(i)), guideboard.DownloadOptions{})
			if err != nil || saved.Size != largeSize {
				t.Errorf("%v %v", saved, err)
			}
		}()
	}
	group.Wait()
}

func TestAnArtifactIsReadAsAReader(t *testing.T) {
	reader, err := connect(t, "TCP").OpenArtifact(during(t), largeRun, "reports/report.md", guideboard.ArtifactOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	content, err := io.ReadAll(reader)
	if err != nil || int64(len(content)) != reader.Info().Size || len(content) == 0 {
		t.Errorf("%d bytes, %v", len(content), err)
	}
}
