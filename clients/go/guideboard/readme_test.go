package guideboard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheExampleOfTheReadmeRuns executes the first program in README.md against a real server.
func TestTheExampleOfTheReadmeRuns(t *testing.T) {
	server := setting(t, "TCP")
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, behind, isThere := strings.Cut(string(readme), "```go\n")
	program, _, hasEnd := strings.Cut(behind, "```")
	const address = `"http://127.0.0.1:8080"`
	if !isThere || !hasEnd || strings.Count(program, address) != 1 {
		t.Fatalf("README.md has no program that connects to %s", address)
	}
	directory := t.TempDir()
	file := filepath.Join(directory, "main.go")
	if err := os.WriteFile(file, []byte(strings.Replace(program, address, `"`+server+`"`, 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(directory, "program")
	build := exec.Command("go", "build", "-o", binary, file)
	build.Dir = ".."
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	said, err := exec.Command(binary).CombinedOutput()
	if err != nil || strings.Count(string(said), " RESULT_STATUS_COMPLETED\n") < 2 {
		t.Errorf("%v\n%s", err, said)
	}
}
