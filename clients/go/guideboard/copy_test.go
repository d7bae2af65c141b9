package guideboard

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestPathsThatLeaveTheCopyAreRefused(t *testing.T) {
	c := runCopy{t.TempDir()}
	for _, path := range []string{
		"", ".", "..", "/etc/passwd", "../a", "a/../b", "a/..", "./a", "a//b", "a/", "a/./b", `a\b`, `..\a`, "a\x00b",
	} {
		var inTheWay *inTheWayError
		if place, err := c.prepare(path); !errors.As(err, &inTheWay) {
			t.Errorf("%q is %q, %v", path, place, err)
		}
	}
	if entries, err := os.ReadDir(c.root); err != nil || len(entries) > 0 {
		t.Errorf("%v %v", entries, err)
	}
	if place, err := c.prepare("artifacts/..a/b c%2e"); err != nil || place != filepath.Join(c.root, "artifacts", "..a", "b c%2e") {
		t.Errorf("%q, %v", place, err)
	}
}

func TestNoLinkInTheCopyIsFollowed(t *testing.T) {
	c, outside := runCopy{t.TempDir()}, t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "a"), []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(c.root, "artifacts")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "a"), filepath.Join(c.root, "plan.json")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"artifacts/a", "artifacts/b/c", "plan.json"} {
		if digest, err := c.standing(path); err == nil {
			t.Errorf("%s is %q", path, digest)
		}
	}
	if place, err := c.prepare("artifacts/b/c"); err == nil {
		t.Error(place)
	}
	if others, err := c.others(map[string]bool{}); err != nil || !reflect.DeepEqual(others, []string{"artifacts"}) {
		t.Errorf("%v %v", others, err)
	}
}

func TestWhatStandsInTheCopyIsToldByItsDigest(t *testing.T) {
	c := runCopy{t.TempDir()}
	place, err := c.prepare("reports/report.md")
	if err != nil {
		t.Fatal(err)
	}
	if sha256, err := c.standing("reports/report.md"); sha256 != "" || err != nil {
		t.Errorf("%q %v", sha256, err)
	}
	if err := os.WriteFile(place, []byte("a report"), 0o600); err != nil {
		t.Fatal(err)
	}
	if sha256, err := c.standing("reports/report.md"); sha256 != digest([]byte("a report")) || err != nil {
		t.Errorf("%q %v", sha256, err)
	}
	if _, err := c.standing("reports"); err == nil {
		t.Error("a directory is a file")
	}
	if others, err := c.others(map[string]bool{"reports/report.md": true}); err != nil || len(others) != 0 {
		t.Errorf("%v %v", others, err)
	}
}
