package guideboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

// The documents of a run directory that its manifest does not name, and those that tell of digests.
const (
	recordDocument     = "run.json"
	planDocument       = "plan.json"
	sourceLockDocument = "sources.lock.json"
	summaryDocument    = "retention-summary.json"
	submissionPackage  = "reports/submission-package.json"
	// The largest submission package that is looked at.
	maxDocument = 16 << 20
)

// PullOptions are settings of [Client.Pull]. The zero value is fit for use.
type PullOptions struct {
	// Replace files that are not those of the run. Otherwise they are left alone, and are problems.
	Overwrite bool
	// Wait for each file until it is on the disk.
	Sync bool
	// Progress is told how many of how many bytes of a file have come, after each message.
	Progress func(path string, done, total int64)
}

// A PulledFile is a file of the run that is in the directory now, verified.
type PulledFile struct {
	// Its path relative to the run, with slashes.
	Path string
	// Whether it stood there already, the same.
	Kept bool
}

// A PullProblem is something of the run that is not in the directory, or something in the directory that is not the run's.
type PullProblem struct {
	// The path relative to the run, with slashes; empty: the run as a whole, or an entry whose path is refused.
	Path string
	// What the server found where the run records a file; PRESENT when the problem is another one.
	State guideboardv1.FileState
	// What is wrong.
	Err error
}

func (p PullProblem) Error() string {
	if p.Path == "" {
		return p.Err.Error()
	}
	return fmt.Sprintf("%q: %v", p.Path, p.Err)
}

// Unwrap is what is wrong.
func (p PullProblem) Unwrap() error { return p.Err }

// A PullReport tells what became of a pull.
type PullReport struct {
	// The run, with all its markers.
	Run *guideboardv1.RetainedRun
	// What is in the directory now.
	Files []PulledFile
	// What is wrong.
	Problems []PullProblem
}

// Err is all problems as one error; nil when the directory is the whole run.
func (r *PullReport) Err() error {
	problems := make([]error, len(r.Problems))
	for i, problem := range r.Problems {
		problems[i] = problem
	}
	return errors.Join(problems...)
}

// Pull copies a whole run into a directory, which is made if it is not there: its documents, reports, exports and artifacts, recorded or not. Each file is
// held to the digest that the run records for it, or else to one that the server computes. What stands there already and is the same is kept, so that
// another pull goes on where one broke off. The summary comes last, and only when all the rest is there: the directory is then a retained run.
//
// What is wrong with single files stands in the report, and the others still come: look at [PullReport.Err]. The error is for what ends the pull; the report
// then tells how far it came. It is [ErrInProgress] for a run that is being made, and [ErrOtherRun] for a directory of another run.
//
// Paths are checked, and no link within the directory is followed. Nobody else should write to the directory meanwhile.
func (c *Client) Pull(ctx context.Context, run RunRef, directory string, options PullOptions) (*PullReport, error) {
	manifest, err := c.Manifest(ctx, run)
	if err != nil {
		return nil, err
	}
	pull := puller{
		client: c, run: run, options: options, copy: runCopy{directory}, report: &PullReport{Run: manifest.Run}, met: map[string]bool{},
	}
	if err := pull.refuse(ctx); err != nil {
		return nil, err
	}
	return pull.report, pull.all(ctx, manifest)
}

type puller struct {
	client  *Client
	run     RunRef
	options PullOptions
	copy    runCopy
	report  *PullReport
	// The digests that the submission package records.
	recorded map[string]string
	met      map[string]bool
}

// refuse gives the reason not to begin.
func (p *puller) refuse(ctx context.Context) error {
	request := &guideboardv1.ListProblemsRequest{RunsDir: p.run.RunsDir, Reasons: []string{"in_progress"}, PageSize: 500}
	for problem, err := range p.client.AllProblems(ctx, request) {
		if err != nil {
			return err
		}
		if problem.GetDirectory() == p.report.Run.GetDirectory() {
			return ErrInProgress
		}
	}
	if p.options.Overwrite {
		return nil
	}
	for _, document := range []string{recordDocument, summaryDocument} {
		sha256, err := p.copy.standing(document)
		if err != nil || sha256 == "" {
			continue
		}
		first, err := p.header(ctx, document, true)
		if err != nil {
			return err
		}
		if first.GetSha256() != sha256 {
			return ErrOtherRun
		}
	}
	return nil
}

// all pulls all that there is, the summary last.
func (p *puller) all(ctx context.Context, manifest *Manifest) error {
	before, err := p.state(ctx)
	if err != nil {
		return err
	}
	if p.recorded, err = p.recordedDigests(ctx); err != nil {
		return err
	}
	if err := p.document(ctx, recordDocument); err != nil {
		return err
	}
	for _, entry := range manifest.Entries {
		if err := p.entry(ctx, entry); err != nil {
			return err
		}
	}
	if manifest.UnlistedTruncated {
		p.wrong("", errors.New("there are more files than the server looks at"))
	}
	for _, document := range []string{planDocument, sourceLockDocument} {
		if err := p.document(ctx, document); err != nil {
			return err
		}
	}
	foreign, err := p.copy.others(p.met)
	if err != nil {
		return err
	}
	for _, path := range foreign {
		p.wrong(path, errors.New("it stands in the directory, and the run has no such file; take it away"))
	}
	after, err := p.state(ctx)
	if err != nil {
		return err
	}
	if after != before {
		p.wrong("", ErrChanged)
	}
	if len(p.report.Problems) > 0 || before.summary == "" {
		return nil
	}
	_, err = p.file(ctx, summaryDocument, ArtifactOptions{Generation: before.summary})
	return err
}

// runState is that of the two documents that make a directory a run.
type runState struct{ record, summary string }

func (p *puller) state(ctx context.Context) (state runState, err error) {
	if state.record, err = p.generation(ctx, recordDocument); err != nil {
		return state, err
	}
	state.summary, err = p.generation(ctx, summaryDocument)
	return state, err
}

// generation is that of a document; empty when it cannot be had.
func (p *puller) generation(ctx context.Context, document string) (string, error) {
	first, err := p.header(ctx, document, false)
	if err != nil {
		return "", err
	}
	return first.GetGeneration(), nil
}

// header is the first message of a document; nil when it cannot be had.
func (p *puller) header(ctx context.Context, path string, computeDigest bool) (*guideboardv1.ReadArtifactResponse, error) {
	first, err := repeated(ctx, p.client, func() (*guideboardv1.ReadArtifactResponse, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := p.client.retained.ReadArtifact(ctx, &guideboardv1.ReadArtifactRequest{
			RunsDir: p.run.RunsDir, RunId: p.run.ID, Directory: p.run.Directory, Path: path, Limit: 1, ComputeSha256: computeDigest,
		})
		if err != nil {
			return nil, err
		}
		first, err := stream.Recv()
		if err == io.EOF {
			return nil, unavailable("the stream ended at once")
		}
		return first, err
	})
	if err != nil && cannotBeHad(err) {
		return nil, nil
	}
	return first, err
}

func isNoFile(err error) bool { return ReasonOf(err) == ReasonArtifactNotFound }

// cannotBeHad tells whether it is about the file, and will stay so.
func cannotBeHad(err error) bool {
	return isNoFile(err) || status.Code(err) == codes.FailedPrecondition
}

// recordedDigests are those of the submission package, by path. What is wrong with it is told when it is pulled itself.
func (p *puller) recordedDigests(ctx context.Context) (map[string]string, error) {
	reader, err := p.client.OpenArtifact(ctx, p.run, submissionPackage, ArtifactOptions{})
	if err != nil {
		if cannotBeHad(err) {
			return nil, nil
		}
		return nil, err
	}
	defer reader.Close()
	if reader.Info().Size > maxDocument {
		return nil, nil
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
	}
	var document struct {
		Documents []struct {
			Path   string `json:"path"`
			SHA256 string `json:"sha256"`
		} `json:"documents"`
	}
	if json.Unmarshal(content, &document) != nil {
		return nil, nil
	}
	recorded := map[string]string{}
	for _, one := range document.Documents {
		if isDigest(one.SHA256) {
			recorded[one.Path] = one.SHA256
		}
	}
	return recorded, nil
}

// What is wrong with what a run records, by what the server found there.
var wrongStates = map[guideboardv1.FileState]string{
	guideboardv1.FileState_FILE_STATE_UNSPECIFIED:      "the server did not look at it",
	guideboardv1.FileState_FILE_STATE_MISSING:          "the run records it, but it is not there",
	guideboardv1.FileState_FILE_STATE_OTHER_SIZE:       "it has another size than the run records",
	guideboardv1.FileState_FILE_STATE_NOT_REGULAR_FILE: "it is a link, a directory or a special file",
	guideboardv1.FileState_FILE_STATE_UNSAFE_PATH:      "the path that the run records is refused",
	guideboardv1.FileState_FILE_STATE_UNADDRESSABLE:    "no request can spell its name",
	guideboardv1.FileState_FILE_STATE_UNREADABLE:       "the server cannot read it",
}

// entry pulls what a manifest entry names, if it is what the entry says.
func (p *puller) entry(ctx context.Context, entry *guideboardv1.Artifact) error {
	path := entry.GetPath()
	// Of a manifest that names a path again and again the first counts. The summary has its time, whatever a manifest says.
	if path == summaryDocument || path != "" && p.met[path] {
		return nil
	}
	if state := entry.GetState(); state != guideboardv1.FileState_FILE_STATE_PRESENT {
		if path != "" {
			p.met[path] = true
		}
		sentence, ok := wrongStates[state]
		if !ok {
			sentence = "the server found something that this client does not know"
		}
		p.report.Problems = append(p.report.Problems, PullProblem{Path: path, State: state, Err: errors.New(sentence)})
		return nil
	}
	isThere, err := p.file(ctx, path, ArtifactOptions{SHA256: entry.GetSha256()})
	if err == nil && !isThere && !entry.GetUnlisted() {
		const gone = guideboardv1.FileState_FILE_STATE_MISSING
		p.report.Problems = append(p.report.Problems, PullProblem{Path: path, State: gone, Err: errors.New("the run records it, but it is gone")})
	}
	return err
}

// document pulls what stands directly in the run, if it is there.
func (p *puller) document(ctx context.Context, path string) error {
	_, err := p.file(ctx, path, ArtifactOptions{})
	return err
}

// file pulls one file; false when the run does not have it. An error is for what ends the pull.
func (p *puller) file(ctx context.Context, path string, expected ArtifactOptions) (bool, error) {
	p.met[path] = true
	if expected.SHA256 == "" {
		expected.SHA256 = p.recorded[path]
	}
	if expected.SHA256 != "" && !isDigest(expected.SHA256) {
		p.wrong(path, errors.New("the digest that the run records is none"))
		return true, nil
	}
	isKept, err := p.fetch(ctx, path, expected)
	var local *fs.PathError
	switch {
	case err == nil:
		p.report.Files = append(p.report.Files, PulledFile{Path: path, Kept: isKept})
	case isNoFile(err):
		return false, nil
	case isOfTheFile(err):
		p.wrong(path, err)
	case errors.As(err, &local) && errors.Is(err, fs.ErrExist):
		p.wrong(path, errors.New("another file of that name stands in the directory"))
	default:
		return true, err
	}
	return true, nil
}

// fetch pulls one file; true when it stood there already.
func (p *puller) fetch(ctx context.Context, path string, expected ArtifactOptions) (bool, error) {
	standing, err := p.copy.standing(path)
	if err != nil {
		return false, err
	}
	if standing != "" {
		sha256 := expected.SHA256
		if sha256 == "" {
			first, err := p.header(ctx, path, true)
			if err != nil {
				return false, err
			}
			sha256 = first.GetSha256()
		}
		if standing == sha256 {
			return true, nil
		}
	}
	file, err := p.copy.prepare(path)
	if err != nil {
		return false, err
	}
	options := DownloadOptions{ArtifactOptions: expected, Overwrite: p.options.Overwrite, Sync: p.options.Sync}
	if p.options.Progress != nil {
		options.Progress = func(done, total int64) { p.options.Progress(path, done, total) }
	}
	_, err = p.client.Download(ctx, p.run, path, file, options)
	return false, err
}

// isOfTheFile tells whether an error is about one file alone, so that the others still come.
func isOfTheFile(err error) bool {
	var inTheWay *inTheWayError
	if errors.As(err, &inTheWay) || errors.Is(err, ErrDigestMismatch) || errors.Is(err, ErrChanged) {
		return true
	}
	ofFiles := []codes.Code{codes.FailedPrecondition, codes.DataLoss, codes.InvalidArgument, codes.Aborted}
	return slices.Contains(ofFiles, status.Code(err))
}

func (p *puller) wrong(path string, err error) {
	const present = guideboardv1.FileState_FILE_STATE_PRESENT
	p.report.Problems = append(p.report.Problems, PullProblem{Path: path, State: present, Err: err})
}
