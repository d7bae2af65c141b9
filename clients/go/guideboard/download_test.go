package guideboard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// file is an artifact whose stream breaks behind each so many bytes.
type file struct {
	content    []byte
	generation string
	sha256     string
	breakAfter int
}

func (f *file) send(request *guideboardv1.ReadArtifactRequest, stream readStream) error {
	if request.GetExpectedGeneration() != "" && request.GetExpectedGeneration() != f.generation {
		return said(codes.FailedPrecondition, ReasonGenerationMismatch)
	}
	rest := f.content[request.GetOffset():]
	first := &guideboardv1.ReadArtifactResponse{SizeBytes: uint64(len(f.content)), Generation: f.generation, Offset: request.GetOffset()}
	if request.GetComputeSha256() {
		if first.Sha256 = f.sha256; f.sha256 == "" {
			first.Sha256 = digest(f.content)
		}
	}
	if err := stream.Send(first); err != nil {
		return err
	}
	isBroken := f.breakAfter > 0 && len(rest) > f.breakAfter
	if isBroken {
		rest = rest[:f.breakAfter]
	}
	for offset := 0; offset < len(rest); offset += 10 {
		piece := rest[offset:min(offset+10, len(rest))]
		if err := stream.Send(&guideboardv1.ReadArtifactResponse{Offset: request.GetOffset() + int64(offset), Data: piece}); err != nil {
			return err
		}
	}
	if isBroken {
		return broken
	}
	return nil
}

func (f *file) serve(t *testing.T) *Client {
	return (&fake{read: func(_ int, request *guideboardv1.ReadArtifactRequest, stream readStream) error {
		return f.send(request, stream)
	}}).serve(t)
}

var run = RunRef{ID: "run"}

// names are those in a directory.
func names(t *testing.T, directory string) string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return strings.Join(all, " ")
}

func TestADownloadGoesOnWhereItBroke(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 20)
	client := (&file{content: content, generation: "g", breakAfter: 70}).serve(t)
	directory := t.TempDir()
	var told []int64
	saved, err := client.Download(context.Background(), run, "a", filepath.Join(directory, "a"), DownloadOptions{
		Sync: true, Progress: func(done, total int64) { told = append(told, done, total) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if saved.Size != 320 || saved.SHA256 != digest(content) || saved.Generation != "g" || saved.Resumptions != 4 {
		t.Errorf("%+v", saved)
	}
	if written, err := os.ReadFile(filepath.Join(directory, "a")); err != nil || !bytes.Equal(written, content) {
		t.Errorf("%v", err)
	}
	if len(told) < 10 || told[0] != 10 || told[len(told)-2] != 320 || told[len(told)-1] != 320 {
		t.Error(told)
	}
	if all := names(t, directory); all != "a" {
		t.Error(all)
	}
}

func TestAnEmptyFileIsOne(t *testing.T) {
	client := (&file{generation: "g"}).serve(t)
	place := filepath.Join(t.TempDir(), strings.Repeat("a", 255))
	if saved, err := client.Download(context.Background(), run, "a", place, DownloadOptions{}); err != nil || saved.Size != 0 {
		t.Fatalf("%v %v", saved, err)
	}
	if content, err := os.ReadFile(place); err != nil || len(content) != 0 {
		t.Errorf("%v", err)
	}
}

func TestAFileThatStandsThereIsLeftAloneUnlessItMayBeReplaced(t *testing.T) {
	client := (&file{content: []byte("new"), generation: "g"}).serve(t)
	directory := t.TempDir()
	place := filepath.Join(directory, "a")
	if err := os.WriteFile(place, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Download(context.Background(), run, "a", place, DownloadOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	if content, _ := os.ReadFile(place); string(content) != "old" {
		t.Errorf("%s", content)
	}
	if _, err := client.Download(context.Background(), run, "a", place, DownloadOptions{Overwrite: true}); err != nil {
		t.Errorf("%v", err)
	}
	if content, _ := os.ReadFile(place); string(content) != "new" || names(t, directory) != "a" {
		t.Errorf("%s %s", content, names(t, directory))
	}
}

func TestAFileThatAppearsMeanwhileIsLeftAlone(t *testing.T) {
	client := (&file{content: []byte("new"), generation: "g"}).serve(t)
	directory := t.TempDir()
	place := filepath.Join(directory, "a")
	_, err := client.Download(context.Background(), run, "a", place, DownloadOptions{Progress: func(int64, int64) {
		if err := os.WriteFile(place, []byte("old"), 0o600); err != nil {
			t.Error(err)
		}
	}})
	if content, _ := os.ReadFile(place); !errors.Is(err, fs.ErrExist) || string(content) != "old" || names(t, directory) != "a" {
		t.Errorf("%v %s %s", err, content, names(t, directory))
	}
}

func TestOtherBytesThanThoseOfTheDigestLeaveNothing(t *testing.T) {
	content := []byte("what the server sends")
	for name, one := range map[string]struct {
		file    file
		options ArtifactOptions
	}{
		"the server's digest is another": {file{content: content, generation: "g", sha256: digest(nil)}, ArtifactOptions{}},
		"the expected digest is another": {file{content: content, generation: "g"}, ArtifactOptions{SHA256: strings.ToUpper(digest(nil))}},
	} {
		directory := t.TempDir()
		place := filepath.Join(directory, "a")
		_, err := one.file.serve(t).Download(context.Background(), run, "a", place, DownloadOptions{ArtifactOptions: one.options})
		if !errors.Is(err, ErrDigestMismatch) || names(t, directory) != "" {
			t.Errorf("%s: %v, %s", name, err, names(t, directory))
		}
	}
	good := ArtifactOptions{SHA256: strings.ToUpper(digest(content)), Generation: "g"}
	client := (&file{content: content, generation: "g"}).serve(t)
	if _, err := client.Download(context.Background(), run, "a", filepath.Join(t.TempDir(), "a"), DownloadOptions{ArtifactOptions: good}); err != nil {
		t.Errorf("%v", err)
	}
	if _, err := client.OpenArtifact(context.Background(), run, "a", ArtifactOptions{SHA256: "abc"}); err == nil {
		t.Error("a digest that is none is taken")
	}
}

func TestWhatTheServiceSaysOfAnArtifactHasItsName(t *testing.T) {
	for _, one := range []struct {
		says error
		is   error
	}{
		{said(codes.Aborted, ReasonChangedWhileReading), ErrChanged},
		{said(codes.FailedPrecondition, ReasonGenerationMismatch), ErrChanged},
		{said(codes.FailedPrecondition, ReasonDigestMismatch), ErrDigestMismatch},
		{said(codes.DataLoss, ReasonDigestMismatch), ErrDigestMismatch},
	} {
		client := (&fake{read: func(int, *guideboardv1.ReadArtifactRequest, readStream) error { return one.says }}).serve(t)
		if _, err := client.OpenArtifact(context.Background(), run, "a", ArtifactOptions{}); !errors.Is(err, one.is) || ReasonOf(err) == "" {
			t.Errorf("%v", err)
		}
	}
}

func TestAFileThatChangesBetweenTwoConnectionsIsNotMixed(t *testing.T) {
	one := &file{content: bytes.Repeat([]byte("x"), 100), generation: "g", breakAfter: 50}
	client := (&fake{read: func(call int, request *guideboardv1.ReadArtifactRequest, stream readStream) error {
		if call == 2 {
			one.generation = "h"
		}
		return one.send(request, stream)
	}}).serve(t)
	directory := t.TempDir()
	_, err := client.Download(context.Background(), run, "a", filepath.Join(directory, "a"), DownloadOptions{})
	if !errors.Is(err, ErrChanged) || names(t, directory) != "" {
		t.Errorf("%v %s", err, names(t, directory))
	}
}

func TestBytesThatAreNotDueAreRefused(t *testing.T) {
	for name, message := range map[string]*guideboardv1.ReadArtifactResponse{
		"a gap":     {Offset: 1, Data: []byte("x")},
		"too many":  {Offset: 0, Data: []byte("xxxxxx")},
		"backwards": {Offset: -1, Data: []byte("x")},
	} {
		client := (&fake{read: func(_ int, _ *guideboardv1.ReadArtifactRequest, stream readStream) error {
			stream.Send(&guideboardv1.ReadArtifactResponse{SizeBytes: 5, Sha256: digest(nil), Generation: "g"})
			return stream.Send(message)
		}}).serve(t)
		reader, err := client.OpenArtifact(context.Background(), run, "a", ArtifactOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(reader); asError(err).Code != codes.DataLoss || len(content) > 0 {
			t.Errorf("%s: %q, %v", name, content, err)
		}
	}
}

func TestAStreamThatEndsTooEarlyIsTakenUpAgain(t *testing.T) {
	client := (&fake{read: func(call int, _ *guideboardv1.ReadArtifactRequest, stream readStream) error {
		switch call {
		case 1:
			return nil
		case 2:
			return stream.Send(&guideboardv1.ReadArtifactResponse{SizeBytes: 2, Sha256: digest([]byte("ab")), Generation: "g", Data: []byte("a")})
		}
		return stream.Send(&guideboardv1.ReadArtifactResponse{SizeBytes: 2, Generation: "g", Offset: 1, Data: []byte("b")})
	}}).serve(t)
	reader, err := client.OpenArtifact(context.Background(), run, "a", ArtifactOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	one := make([]byte, 1)
	if _, err := io.ReadFull(reader, one); err != nil || string(one) != "a" {
		t.Errorf("%v", err)
	}
	if rest, err := io.ReadAll(reader); err != nil || string(rest) != "b" {
		t.Errorf("%s %v", rest, err)
	}
}

func TestADownloadThatIsCancelledLeavesNothing(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100)
	client := (&file{content: content, generation: "g", breakAfter: 100}).serve(t)
	directory := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := client.Download(ctx, run, "a", filepath.Join(directory, "a"), DownloadOptions{Progress: func(int64, int64) { cancel() }})
	if !errors.Is(err, context.Canceled) || names(t, directory) != "" {
		t.Errorf("%v %s", err, names(t, directory))
	}
}

func TestAClosedReaderGivesNoBytes(t *testing.T) {
	client := (&file{content: bytes.Repeat([]byte("0"), 100), generation: "g"}).serve(t)
	reader, err := client.OpenArtifact(context.Background(), run, "a", ArtifactOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if count, err := reader.Read(make([]byte, 1)); count != 1 || err != nil {
		t.Errorf("%d %v", count, err)
	}
	reader.Close()
	if count, err := reader.Read(make([]byte, 1)); count != 0 || err == nil || err == io.EOF {
		t.Errorf("%v", err)
	}
}
