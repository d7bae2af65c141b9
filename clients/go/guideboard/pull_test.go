package guideboard

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/codes"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

const present = guideboardv1.FileState_FILE_STATE_PRESENT

// runOf is a server with one run, which has these artifacts and nothing else.
func runOf(content map[string]string, entries ...*guideboardv1.Artifact) *fake {
	return &fake{
		manifest: []*guideboardv1.StreamArtifactManifestResponse{
			{Run: &guideboardv1.RetainedRun{Directory: "run"}, EntryCount: uint64(len(entries))}, {ArtifactManifest: entries},
		},
		problems: func(int, *guideboardv1.ListProblemsRequest) (*guideboardv1.ListProblemsResponse, error) {
			return &guideboardv1.ListProblemsResponse{}, nil
		},
		read: func(_ int, request *guideboardv1.ReadArtifactRequest, stream readStream) error {
			bytes, ok := content[request.GetPath()]
			if !ok {
				return said(codes.NotFound, ReasonArtifactNotFound)
			}
			return (&file{content: []byte(bytes), generation: "g"}).send(request, stream)
		},
	}
}

func TestAServerThatNamesPathsOutsideWritesNothingThere(t *testing.T) {
	parent := t.TempDir()
	hostile := []string{"../evil", "/" + filepath.Join(parent, "evil"), "artifacts/../../evil", "artifacts/./a", "artifacts\\a"}
	content := map[string]string{"artifacts/good": "good"}
	entries := []*guideboardv1.Artifact{{Path: "artifacts/good", State: present, Sha256: digest([]byte("good"))}}
	for _, path := range hostile {
		content[path] = "evil"
		entries = append(entries, &guideboardv1.Artifact{Path: path, State: present, Sha256: digest([]byte("evil"))})
	}
	entries = append(entries,
		&guideboardv1.Artifact{State: guideboardv1.FileState_FILE_STATE_UNSAFE_PATH},
		&guideboardv1.Artifact{Path: "artifacts/digest", State: present, Sha256: "none"},
		&guideboardv1.Artifact{Path: "artifacts/good/deeper", State: present},
	)
	content["artifacts/good/deeper"] = "x"
	report, err := runOf(content, entries...).serve(t).Pull(context.Background(), run, filepath.Join(parent, "copy"), PullOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Files) != 1 || report.Files[0] != (PulledFile{Path: "artifacts/good"}) || len(report.Problems) != len(hostile)+3 {
		t.Errorf("%v, %v", report.Files, report.Err())
	}
	if all := names(t, parent) + " " + names(t, filepath.Join(parent, "copy")) + " " + names(t, filepath.Join(parent, "copy", "artifacts")); all != "copy artifacts good" {
		t.Error(all)
	}
}

func TestARunThatIsBeingMadeIsNotPulled(t *testing.T) {
	f := runOf(nil)
	f.problems = func(int, *guideboardv1.ListProblemsRequest) (*guideboardv1.ListProblemsResponse, error) {
		return &guideboardv1.ListProblemsResponse{Problems: []*guideboardv1.Problem{{Directory: "run"}}}, nil
	}
	into := filepath.Join(t.TempDir(), "copy")
	if _, err := f.serve(t).Pull(context.Background(), run, into, PullOptions{}); !errors.Is(err, ErrInProgress) {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(into); err == nil {
		t.Error("the directory was made")
	}
}

func TestARunThatChangesWhileItIsPulledGetsNoSummary(t *testing.T) {
	f := runOf(map[string]string{recordDocument: "{}", summaryDocument: "{}"})
	send, summaries := f.read, 0
	f.read = func(call int, request *guideboardv1.ReadArtifactRequest, stream readStream) error {
		if request.GetPath() == summaryDocument {
			if summaries++; summaries > 1 {
				return (&file{content: []byte("{ }"), generation: "h"}).send(request, stream)
			}
		}
		return send(call, request, stream)
	}
	into := t.TempDir()
	report, err := f.serve(t).Pull(context.Background(), run, into, PullOptions{})
	if err != nil || !errors.Is(report.Err(), ErrChanged) || names(t, into) != recordDocument {
		t.Errorf("%v %v %s", err, report, names(t, into))
	}
}

func TestAManifestThatEndsTooEarlyIsAskedForAgain(t *testing.T) {
	f := runOf(nil, &guideboardv1.Artifact{Path: "a"}, &guideboardv1.Artifact{Path: "b"})
	f.manifest[0].EntryCount = 3
	client := f.serve(t, WithRetryFor(0))
	if _, err := client.Manifest(context.Background(), run); asError(err).Code != codes.Unavailable {
		t.Errorf("%v", err)
	}
	f.manifest[0].EntryCount = 2
	if manifest, err := client.Manifest(context.Background(), run); err != nil || len(manifest.Entries) != 2 {
		t.Errorf("%v %v", manifest, err)
	}
}

func TestProgressOfAPullNamesTheFile(t *testing.T) {
	var told bytes.Buffer
	client := runOf(map[string]string{planDocument: "{}"}).serve(t)
	_, err := client.Pull(context.Background(), run, t.TempDir(), PullOptions{Progress: func(path string, done, total int64) {
		told.WriteString(path)
		if done != 2 || total != 2 {
			t.Errorf("%d of %d", done, total)
		}
	}})
	if err != nil || told.String() != planDocument {
		t.Errorf("%v %s", err, told.String())
	}
}
