package guideboard_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"guideboard.example/client/guideboard"
)

// tree is all files below a directory with their contents.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(place string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(place)
		path, _ := filepath.Rel(root, place)
		files[filepath.ToSlash(path)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestAPulledRunIsTheRun(t *testing.T) {
	client := connect(t, "PROXY")
	into := filepath.Join(t.TempDir(), "deep", "copy")
	report, err := client.Pull(during(t), largeRun, into, guideboard.PullOptions{Sync: true})
	if err != nil || report.Err() != nil {
		t.Fatalf("%v %v", err, report.Err())
	}
	original := tree(t, filepath.Join(setting(t, "DIRECTORY"), "runs", "large"))
	if copied := tree(t, into); !reflect.DeepEqual(copied, original) {
		t.Errorf("%d files are not those %d", len(copied), len(original))
	}
	if len(report.Files) != len(original) || report.Files[len(report.Files)-1].Path != "retention-summary.json" {
		t.Errorf("%+v", report.Files)
	}
	for _, path := range []string{"reports/report.md", "retention-summary.json"} {
		if err := os.Remove(filepath.Join(into, path)); err != nil {
			t.Fatal(err)
		}
	}
	again, err := client.Pull(during(t), largeRun, into, guideboard.PullOptions{})
	if err != nil || again.Err() != nil {
		t.Fatalf("%v %v", err, again.Err())
	}
	pulled := 0
	for _, file := range again.Files {
		if !file.Kept {
			pulled++
		}
	}
	if pulled != 2 || len(again.Files) != len(original) || !reflect.DeepEqual(tree(t, into), original) {
		t.Errorf("%+v", again.Files)
	}
}

func TestWhatIsNotTheRunsIsLeftAloneAndKeepsTheSummaryAway(t *testing.T) {
	client, into := connect(t, "TCP"), t.TempDir()
	for path, content := range map[string]string{"reports/report.md": "mine", "artifacts/mine": "mine too"} {
		place := filepath.Join(into, path)
		if err := os.MkdirAll(filepath.Dir(place), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	report, err := client.Pull(during(t), largeRun, into, guideboard.PullOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, problem := range report.Problems {
		paths = append(paths, problem.Path)
	}
	if !reflect.DeepEqual(paths, []string{"reports/report.md", "artifacts/mine"}) || report.Err() == nil {
		t.Errorf("%v", report.Err())
	}
	files := tree(t, into)
	if _, ok := files["retention-summary.json"]; ok || files["reports/report.md"] != "mine" || files["artifacts/mine"] != "mine too" {
		t.Error("something was replaced, or the summary is there")
	}
	if err := os.Remove(filepath.Join(into, "artifacts/mine")); err != nil {
		t.Fatal(err)
	}
	if report, err = client.Pull(during(t), largeRun, into, guideboard.PullOptions{Overwrite: true}); err != nil || report.Err() != nil {
		t.Errorf("%v %v", err, report.Err())
	}
	if _, err := client.Pull(during(t), guideboard.RunRef{Directory: "first"}, into, guideboard.PullOptions{}); !errors.Is(err, guideboard.ErrOtherRun) {
		t.Errorf("%v", err)
	}
}

func TestWhatARunRecordsAndDoesNotHaveIsToldOf(t *testing.T) {
	client, ctx := connect(t, "TCP"), during(t)
	job, err := client.Follow(begin(t, client), guideboard.FollowOptions{}).Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(setting(t, "DIRECTORY"), "runs", job.GetDirectory())
	if err := os.Remove(filepath.Join(root, large)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "normalized/findings.json"), []byte("[]"), 0o666); err != nil {
		t.Fatal(err)
	}
	into := t.TempDir()
	report, err := client.Pull(ctx, guideboard.RunRef{ID: job.GetRunId()}, into, guideboard.PullOptions{})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, problem := range report.Problems {
		told[problem.Path] = fmt.Sprint(problem.State, " ", errors.Is(problem, guideboard.ErrDigestMismatch))
	}
	expected := map[string]string{large: "FILE_STATE_MISSING false", "normalized/findings.json": "FILE_STATE_PRESENT true"}
	if !reflect.DeepEqual(told, expected) {
		t.Errorf("%v", report.Err())
	}
	if _, err := os.Lstat(filepath.Join(into, "retention-summary.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestAnIncompleteDirectoryIsPulledAsItIs(t *testing.T) {
	into := t.TempDir()
	report, err := connect(t, "TCP").Pull(during(t), guideboard.RunRef{Directory: "broken-off"}, into, guideboard.PullOptions{})
	if err != nil || report.Err() != nil || len(tree(t, into)) != 0 {
		t.Errorf("%v %v", err, report)
	}
}
