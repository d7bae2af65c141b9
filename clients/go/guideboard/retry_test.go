package guideboard

import (
	"context"
	"errors"
	"net"
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

func TestThePausesGrowAndEndWhenNothingAnsweredForLongEnough(t *testing.T) {
	patience := newPatience(5 * time.Second)
	began := time.Unix(0, 0)
	now, pauses := began, []time.Duration{}
	for {
		pause, ok := patience.next(now, 0)
		if !ok {
			break
		}
		pauses = append(pauses, pause/time.Millisecond)
		now = now.Add(pause)
	}
	if expected := []time.Duration{100, 200, 400, 800, 1600, 1900}; !reflect.DeepEqual(pauses, expected) {
		t.Error(pauses)
	}
}

func TestAnAnswerBeginsTheTimeAnewAndOnlyWhatIsOfUseThePauses(t *testing.T) {
	patience := newPatience(time.Second)
	now := time.Unix(100, 0)
	later := now.Add(3 * time.Second)
	expect := func(at time.Time, asked, expected time.Duration) {
		t.Helper()
		if pause, ok := patience.next(at, asked); !ok || pause != expected {
			t.Errorf("%v %v", pause, ok)
		}
	}
	expect(now, 0, 100*time.Millisecond)
	patience.answered()
	expect(later, 0, 200*time.Millisecond)
	patience.wentOn()
	expect(later, 0, 100*time.Millisecond)
	expect(later, 700*time.Millisecond, 700*time.Millisecond)
	if _, ok := patience.next(later.Add(time.Second), 0); ok {
		t.Error("it goes on")
	}
}

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	for name, passing := range map[string]error{
		"a broken connection":             broken,
		"a reset":                         status.Error(codes.Internal, "stream terminated by RST_STREAM"),
		"the service asks to come again":  said(codes.Unavailable, "STOPPING", retryAfter(time.Second)),
		"a full queue that asks to":       said(codes.ResourceExhausted, "LIMIT_REACHED", retryAfter(0)),
		"a stream that took its time":     said(codes.DeadlineExceeded, "DEADLINE_EXCEEDED"),
		"an answer that does not come":    status.Error(codes.DeadlineExceeded, ""),
		"a stream that something cut off": status.Error(codes.Canceled, "RST_STREAM"),
	} {
		if !isPassing(asError(passing)) {
			t.Errorf("%s is final", name)
		}
	}
	for name, final := range map[string]error{
		"not there":        said(codes.NotFound, ReasonRunNotFound),
		"not this server":  status.Error(codes.Unimplemented, ""),
		"its own fault":    said(codes.Internal, "INTERNAL"),
		"wrong token":      said(codes.Unauthenticated, ReasonCredentialsInvalid),
		"changed":          said(codes.Aborted, ReasonChangedWhileReading),
		"a proxy says no":  status.Error(codes.PermissionDenied, ""),
		"a limit for good": status.Error(codes.ResourceExhausted, "message too large"),
	} {
		if isPassing(asError(final)) {
			t.Errorf("%s is tried again", name)
		}
	}
}

func TestWhatNeverWorkedIsNotTriedAgain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	place := listener.Addr().String()
	listener.Close()
	client, err := New(place)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	began := time.Now()
	for _, err := range client.AllProblems(context.Background(), &guideboardv1.ListProblemsRequest{}) {
		if status.Code(err) != codes.Unavailable {
			t.Errorf("%v", err)
		}
	}
	if _, err := client.Follow("job", FollowOptions{}).Wait(context.Background()); status.Code(err) != codes.Unavailable {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestAListGoesOnAfterABreakAndEndsWithItsContext(t *testing.T) {
	f := &fake{problems: func(call int, request *guideboardv1.ListProblemsRequest) (*guideboardv1.ListProblemsResponse, error) {
		if call%2 == 1 {
			return nil, broken
		}
		name := request.GetPageToken() + "x"
		return &guideboardv1.ListProblemsResponse{Problems: []*guideboardv1.Problem{{Directory: name}}, NextPageToken: name}, nil
	}}
	client := f.serve(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	request := &guideboardv1.ListProblemsRequest{PageSize: 1}
	var names []string
	var last error
	for problem, err := range client.AllProblems(ctx, request) {
		if last = err; err != nil {
			continue
		}
		if names = append(names, problem.GetDirectory()); len(names) == 3 {
			cancel()
		}
	}
	if expected := []string{"x", "xx", "xxx"}; !reflect.DeepEqual(names, expected) {
		t.Error(names)
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("%v", last)
	}
	if request.GetPageToken() != "" {
		t.Error("the request was changed")
	}
}

func TestAClosedClientIsNotTriedAgain(t *testing.T) {
	client := (&fake{}).serve(t)
	client.Close()
	began := time.Now()
	if _, err := client.Follow("job", FollowOptions{}).Wait(context.Background()); status.Code(err) != codes.Canceled {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
