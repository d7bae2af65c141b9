package guideboard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"

	"google.golang.org/grpc/codes"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

// A RunRef names a run of a root. Exactly one of ID and Directory is set.
type RunRef struct {
	// The runs root; empty: the server's first.
	RunsDir string
	// The run id.
	ID string
	// The name of its directory. That of an incomplete run, too.
	Directory string
}

// ArtifactOptions say what an artifact is expected to be. The zero value expects nothing; the bytes are then held to the digest that the server
// computes before it sends them.
type ArtifactOptions struct {
	// The SHA-256 of the whole file, 64 hexadecimal digits; empty: any.
	SHA256 string
	// The generation that the file must still have; empty: any.
	Generation string
}

// ArtifactInfo is what the server tells of an artifact, ahead of its bytes.
type ArtifactInfo struct {
	// Its size in bytes.
	Size int64
	// The recorded media type, else one from the file name.
	MediaType string
	// Opaque, another one whenever the file is another or has changed.
	Generation string
	// The SHA-256 that its bytes are held to, 64 lower-case hexadecimal digits.
	SHA256 string
}

// An ArtifactReader reads the bytes of an artifact, over as many connections as that takes. It gives [io.EOF] only when all bytes are those of the
// digest. It must not be used by two goroutines at once.
type ArtifactReader struct {
	client     *Client
	ctx        context.Context
	cancel     context.CancelFunc
	request    *guideboardv1.ReadArtifactRequest
	stream     guideboardv1.RetainedRunService_ReadArtifactClient
	stop       context.CancelFunc
	patience   patience
	info       ArtifactInfo
	hash       hash.Hash
	position   int64
	waiting    []byte
	err        error
	resumption int
}

// OpenArtifact opens one output of a run for reading, by its path relative to the run. The context is for all of the reading. Close the reader when it is
// no longer needed.
//
// The error is [ErrChanged] or [ErrDigestMismatch] when the artifact is known not to be what the options expect.
func (c *Client) OpenArtifact(ctx context.Context, run RunRef, path string, options ArtifactOptions) (*ArtifactReader, error) {
	expected := strings.ToLower(options.SHA256)
	if expected != "" && !isDigest(expected) {
		return nil, fmt.Errorf("guideboard: the expected digest is no SHA-256 of 64 hexadecimal digits")
	}
	ctx, cancel := context.WithCancel(ctx)
	reader := &ArtifactReader{
		client: c, ctx: ctx, cancel: cancel, patience: newPatience(c.retryFor), hash: sha256.New(),
		request: &guideboardv1.ReadArtifactRequest{
			RunsDir: run.RunsDir, RunId: run.ID, Directory: run.Directory, Path: path, ExpectedGeneration: options.Generation,
			ExpectedSha256: expected, ComputeSha256: expected == "",
		},
	}
	first, err := reader.begin()
	if err != nil {
		cancel()
		return nil, err
	}
	reader.info = ArtifactInfo{
		Size: int64(first.GetSizeBytes()), MediaType: first.GetMediaType(), Generation: first.GetGeneration(), SHA256: expected,
	}
	if reader.info.SHA256 == "" {
		reader.info.SHA256 = first.GetSha256()
	}
	switch told := first.GetSha256(); {
	case !isDigest(reader.info.SHA256):
		err = fmt.Errorf("guideboard: the server told no digest of %s", path)
	case told != "" && told != reader.info.SHA256:
		err = ErrDigestMismatch
	default:
		err = reader.take(first)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return reader, nil
}

func isDigest(text string) bool {
	bytes, err := hex.DecodeString(text)
	return err == nil && len(bytes) == sha256.Size
}

// Info is what the server told of the artifact.
func (r *ArtifactReader) Info() ArtifactInfo { return r.info }

// Resumptions is how often the reading was taken up again after a broken connection.
func (r *ArtifactReader) Resumptions() int { return r.resumption }

// Read reads bytes as an [io.Reader] does. The error is [ErrChanged] when the artifact changes while it is read, [ErrDigestMismatch] when its bytes are
// not those of the digest, and else what the last try failed with.
func (r *ArtifactReader) Read(buffer []byte) (int, error) {
	if len(buffer) == 0 {
		return 0, nil
	}
	if err := r.fill(); err != nil {
		return 0, err
	}
	count := copy(buffer, r.waiting)
	r.waiting = r.waiting[count:]
	return count, nil
}

// WriteTo writes all that is left, as an [io.WriterTo] does.
func (r *ArtifactReader) WriteTo(writer io.Writer) (int64, error) {
	var written int64
	for {
		if err := r.fill(); err == io.EOF {
			return written, nil
		} else if err != nil {
			return written, err
		}
		count, err := writer.Write(r.waiting)
		written += int64(count)
		r.waiting = r.waiting[count:]
		if err != nil {
			return written, err
		}
	}
}

// Close ends the reading. It never fails.
func (r *ArtifactReader) Close() error {
	r.cancel()
	r.waiting = nil
	if r.err == nil {
		r.err = fmt.Errorf("guideboard: the reader is closed")
	}
	return nil
}

// fill sees to it that there are bytes waiting, or that it is told why there are none.
func (r *ArtifactReader) fill() error {
	for len(r.waiting) == 0 && r.err == nil {
		r.err = r.advance()
	}
	if len(r.waiting) > 0 {
		return nil
	}
	return r.err
}

// advance takes the next message, over another connection if need be.
func (r *ArtifactReader) advance() error {
	var message *guideboardv1.ReadArtifactResponse
	var err error
	switch {
	case r.stream != nil:
		message, err = r.stream.Recv()
	case r.position == r.info.Size:
		// Only the end was lost: the digest tells whether these are the bytes.
		err = io.EOF
	default:
		r.resumption++
		r.request.Offset, r.request.ExpectedGeneration = r.position, r.info.Generation
		r.request.ExpectedSha256, r.request.ComputeSha256 = "", false
		if message, err = r.begin(); err != nil {
			return err
		}
		if message.GetGeneration() != r.info.Generation {
			return ErrChanged
		}
	}
	switch {
	case err == nil:
		return r.take(message)
	case err != io.EOF:
		return r.broke(err)
	case r.position < r.info.Size:
		return r.broke(unavailable("the stream ended too early"))
	case hex.EncodeToString(r.hash.Sum(nil)) != r.info.SHA256:
		return ErrDigestMismatch
	}
	return io.EOF
}

// begin opens a stream and reads its first message.
func (r *ArtifactReader) begin() (*guideboardv1.ReadArtifactResponse, error) {
	for {
		var ctx context.Context
		ctx, r.stop = context.WithCancel(r.ctx)
		stream, err := r.client.retained.ReadArtifact(ctx, r.request)
		if err == nil {
			var first *guideboardv1.ReadArtifactResponse
			if first, err = stream.Recv(); err == nil {
				r.stream = stream
				return first, nil
			}
		}
		if err == io.EOF {
			err = unavailable("the stream ended at once")
		}
		if err := r.broke(err); err != nil {
			return nil, err
		}
	}
}

// take checks what came, and notes it.
func (r *ArtifactReader) take(message *guideboardv1.ReadArtifactResponse) error {
	data := message.GetData()
	if len(data) == 0 {
		return nil
	}
	if message.GetOffset() != r.position || int64(len(data)) > r.info.Size-r.position {
		return &Error{Code: codes.DataLoss, Message: "the server sent other bytes than those that are due"}
	}
	r.patience.wentOn()
	r.hash.Write(data)
	r.position += int64(len(data))
	r.waiting = data
	return nil
}

// broke waits for another try, or gives the error to fail with.
func (r *ArtifactReader) broke(err error) error {
	if r.stop != nil {
		r.stop()
	}
	r.stream = nil
	if err := r.client.wait(r.ctx, &r.patience, err); err != nil {
		return named(err)
	}
	return nil
}

// named gives the names of this package to what the service says of an artifact.
func named(err error) error {
	switch told := asError(err); {
	case told.Reason == ReasonDigestMismatch, told.Code == codes.DataLoss:
		return fmt.Errorf("%w: %w", ErrDigestMismatch, err)
	case told.Reason == ReasonGenerationMismatch, told.Reason == ReasonChangedWhileReading:
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return err
}
