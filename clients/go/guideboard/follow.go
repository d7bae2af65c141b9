package guideboard

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

// A server sends something every 20 seconds, so it is longer than that.
const defaultSilence = time.Minute

// FollowOptions are settings of [Client.Follow]. The zero value is fit for use.
type FollowOptions struct {
	// Only events with a larger number, such as [Follower.Last] of an earlier follower. Zero: all that the server holds.
	After uint64
	// A silence of this length counts as a broken connection. Zero: a minute, which is three heartbeats.
	Silence time.Duration
	// OnConnection is told once why a connection broke, and nil once the server answers again.
	OnConnection func(err error)
}

// A Follower follows one job. It must not be used by two goroutines at once.
type Follower struct {
	client   *Client
	jobID    string
	options  FollowOptions
	patience patience
	last     uint64
	isKnown  bool
	isBroken bool
	ended    *guideboardv1.Job
}

// Follow makes a follower of a job. Nothing is sent before its events are asked for.
func (c *Client) Follow(jobID string, options FollowOptions) *Follower {
	if options.Silence <= 0 {
		options.Silence = defaultSilence
	}
	return &Follower{client: c, jobID: jobID, options: options, patience: newPatience(c.retryFor), last: options.After}
}

// Last is the number of the last event given.
func (f *Follower) Last() uint64 { return f.last }

// Job is the job as it ended; nil before its end was seen.
func (f *Follower) Job() *guideboardv1.Job { return f.ended }

// Events gives the events of the job as they happen, until its end, each once and in order. Heartbeats are left out; events that the server no longer
// held are told as one of kind DROPPED. What breaks is taken up again behind the last event. When the loop is left early, another call goes on where it
// was.
//
// After an error nothing more comes. It is [ErrForgotten] when the server was restarted meanwhile, and else what the last try failed with.
func (f *Follower) Events(ctx context.Context) iter.Seq2[*guideboardv1.JobEvent, error] {
	return func(yield func(*guideboardv1.JobEvent, error) bool) {
		for f.ended == nil {
			wantsMore, err := f.watch(ctx, func(event *guideboardv1.JobEvent) bool { return yield(event, nil) })
			if !wantsMore {
				return
			}
			if err == nil && f.ended == nil {
				// The stream ends without the job's end when `after` was the number of the last event.
				err = f.ask(ctx)
			}
			if err == nil || f.ended != nil {
				continue
			}
			if err := f.broke(ctx, err); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// Wait follows the job to its end and gives it as it ended.
func (f *Follower) Wait(ctx context.Context) (*guideboardv1.Job, error) {
	for _, err := range f.Events(ctx) {
		if err != nil {
			return nil, err
		}
	}
	return f.ended, nil
}

// watch reads one stream to its end; false when no more is wanted.
func (f *Follower) watch(ctx context.Context, give func(*guideboardv1.JobEvent) bool) (bool, error) {
	errSilent := unavailable("nothing was heard of the server")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(f.options.Silence, func() { cancel(errSilent) })
	defer silence.Stop()
	stream, err := f.client.runs.WatchRun(ctx, &guideboardv1.WatchRunRequest{JobId: f.jobID, After: f.last})
	for err == nil {
		var response *guideboardv1.WatchRunResponse
		if response, err = stream.Recv(); err != nil {
			break
		}
		// Whoever takes long over an event is not the server's silence.
		silence.Stop()
		f.heard()
		for _, event := range response.GetEvents() {
			for _, event := range admit(f.last, event) {
				f.last = event.GetNumber()
				if job := event.GetRun(); job.GetEndedAt() != nil {
					f.ended = job
				}
				if !give(event) {
					return false, nil
				}
			}
		}
		silence.Reset(f.options.Silence)
	}
	switch {
	case err == io.EOF:
		return true, nil
	case context.Cause(ctx) == error(errSilent):
		return true, errSilent
	}
	return true, err
}

// heard notes that the server told of the job.
func (f *Follower) heard() {
	f.isKnown = true
	f.patience.wentOn()
	if f.isBroken {
		f.isBroken = false
		f.tell(nil)
	}
}

// ask asks whether the job has ended.
func (f *Follower) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, f.options.Silence, unavailable("the server does not answer"))
	defer cancel()
	reply, err := f.client.runs.GetRun(ctx, &guideboardv1.GetRunRequest{JobId: f.jobID})
	if err != nil {
		return err
	}
	f.isKnown = true
	f.patience.answered()
	if job := reply.GetRun(); job.GetEndedAt() != nil {
		f.ended = job
		return nil
	}
	// Something between cut the stream and called it an end.
	return unavailable("the stream ended before the job")
}

// broke waits for another try, or gives up.
func (f *Follower) broke(ctx context.Context, err error) error {
	told := asError(err)
	if f.isKnown && told.Code == codes.NotFound {
		return fmt.Errorf("%w: %w", ErrForgotten, err)
	}
	if told.Reason != "" {
		// A server that says so is not silent.
		f.patience.answered()
	}
	if isPassing(told) && !f.isBroken && ctx.Err() == nil && f.client.mayAnswer() {
		f.isBroken = true
		f.tell(err)
	}
	return f.client.wait(ctx, &f.patience, err)
}

func (f *Follower) tell(err error) {
	if f.options.OnConnection != nil {
		f.options.OnConnection(err)
	}
}

// admit lets an event pass once, and no gap unsaid.
func admit(after uint64, event *guideboardv1.JobEvent) []*guideboardv1.JobEvent {
	number := event.GetNumber()
	if number <= after || event.GetKind() == guideboardv1.JobEventKind_JOB_EVENT_KIND_HEARTBEAT {
		return nil
	}
	missing := number - after - 1
	if event.GetKind() == guideboardv1.JobEventKind_JOB_EVENT_KIND_DROPPED {
		event = proto.CloneOf(event)
		event.Dropped = missing + 1
		return []*guideboardv1.JobEvent{event}
	}
	if missing == 0 {
		return []*guideboardv1.JobEvent{event}
	}
	gap := &guideboardv1.JobEvent{
		Number: number - 1, Time: event.GetTime(), Kind: guideboardv1.JobEventKind_JOB_EVENT_KIND_DROPPED, Dropped: missing,
	}
	return []*guideboardv1.JobEvent{gap, event}
}
