package guideboard

import (
	"context"
	"fmt"
	"io"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

// A Manifest is all that StreamArtifactManifest gives.
type Manifest struct {
	// The run, with all its markers. Of a directory without a summary only its place and markers are set.
	Run *guideboardv1.RetainedRun
	// What the run records, in file order; then what else stands in its directories, by name, each marked as unlisted.
	Entries []*guideboardv1.Artifact
	// Whether there are more unlisted files than the server looks at.
	UnlistedTruncated bool
}

// Manifest gets the artifact manifest of a run as a whole, with the files that it does not list; unsafe paths are reported as entries. A manifest may have a
// million entries: the stub's StreamArtifactManifest gives them one batch at a time.
func (c *Client) Manifest(ctx context.Context, run RunRef) (*Manifest, error) {
	return repeated(ctx, c, func() (*Manifest, error) { return c.readManifest(ctx, run) })
}

func (c *Client) readManifest(ctx context.Context, run RunRef) (*Manifest, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.retained.StreamArtifactManifest(ctx, &guideboardv1.StreamArtifactManifestRequest{
		RunsDir: run.RunsDir, RunId: run.ID, Directory: run.Directory, IncludeUnlisted: true, ReportUnsafe: true,
	})
	if err != nil {
		return nil, err
	}
	var manifest Manifest
	listed, expected := uint64(0), uint64(0)
	for {
		message, err := stream.Recv()
		switch {
		case err == io.EOF && (manifest.Run == nil || listed < expected):
			// Something between cut the stream and called it an end.
			return nil, unavailable("the stream ended too early")
		case err == io.EOF:
			return &manifest, nil
		case ReasonOf(err) == ReasonChangedWhileReading:
			return nil, fmt.Errorf("%w: %w", ErrChanged, err)
		case err != nil:
			return nil, err
		}
		if manifest.Run == nil {
			manifest.Run, expected = message.GetRun(), message.GetEntryCount()
		}
		for _, entry := range message.GetArtifactManifest() {
			if !entry.GetUnlisted() {
				listed++
			}
		}
		manifest.Entries = append(manifest.Entries, message.GetArtifactManifest()...)
		manifest.UnlistedTruncated = manifest.UnlistedTruncated || message.GetUnlistedTruncated()
	}
}
