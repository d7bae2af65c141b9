package guideboard

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
)

// DefaultRetryFor is how long a connection that broke is tried again without an answer, unless set.
const DefaultRetryFor = time.Minute

const (
	// The pause before the first new try; each further one is twice as long.
	firstPause = 100 * time.Millisecond
	// The longest pause.
	longestPause = 2 * time.Second
)

// isBroken tells whether a failure is the connection's and not the service's, which gives a reason.
func isBroken(err *Error) bool {
	switch err.Code {
	case codes.Unavailable, codes.Unknown, codes.Internal, codes.Canceled, codes.DeadlineExceeded:
		return err.Reason == ""
	}
	return false
}

// isPassing tells whether it makes sense to come again: the connection broke, the service asks to, or it ended a stream that took long.
func isPassing(err *Error) bool {
	return err.hasRetryInfo || err.Code == codes.DeadlineExceeded || isBroken(err)
}

// patience is how long what broke is tried again, and when next.
type patience struct {
	retryFor time.Duration
	// Since when there is no answer; zero: there is one.
	since time.Time
	pause time.Duration
}

func newPatience(retryFor time.Duration) patience {
	return patience{retryFor: retryFor, pause: firstPause}
}

// next is the pause until the next try, at least what the service asks for; false when it was tried for long enough.
func (p *patience) next(now time.Time, asked time.Duration) (time.Duration, bool) {
	if p.since.IsZero() {
		p.since = now
	}
	left := p.retryFor - now.Sub(p.since)
	if left <= 0 {
		return 0, false
	}
	pause := min(max(p.pause, asked), left)
	p.pause = min(2*p.pause, longestPause)
	return pause, true
}

// answered notes that the server is there. The pauses stay as they are: a server that answers and breaks off at once is not asked in a loop.
func (p *patience) answered() { p.since = time.Time{} }

// wentOn notes that something of use came.
func (p *patience) wentOn() { p.since, p.pause = time.Time{}, firstPause }

// wait waits until the next try is due; otherwise it gives the error to fail with.
func (p *patience) wait(ctx context.Context, err error) error {
	told := asError(err)
	switch {
	case !isPassing(told):
		return err
	case ctx.Err() != nil:
		return ended(ctx, err)
	}
	pause, ok := p.next(time.Now(), told.RetryDelay)
	if !ok {
		return err
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ended(ctx, err)
	}
}

// ended is the error of a call whose context has ended, whatever the transport made of it.
func ended(ctx context.Context, err error) error {
	if code := asError(err).Code; code == codes.Canceled || code == codes.DeadlineExceeded {
		return err
	}
	return convert(ctx.Err())
}

// wait is the same for a client: what has never worked is not tried again, nor what was closed.
func (c *Client) wait(ctx context.Context, p *patience, err error) error {
	if !c.mayAnswer() && ctx.Err() == nil {
		return err
	}
	return p.wait(ctx, err)
}

// repeated makes a call that may be made twice, until it is answered.
func repeated[T any](ctx context.Context, c *Client, call func() (T, error)) (T, error) {
	patience := newPatience(c.retryFor)
	for {
		reply, err := call()
		if err == nil {
			return reply, nil
		}
		if err := c.wait(ctx, &patience, err); err != nil {
			return reply, err
		}
	}
}
