package guideboard

import (
	"context"
	"errors"
	"math/rand"
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

const (
	logged    = guideboardv1.JobEventKind_JOB_EVENT_KIND_LOG
	dropped   = guideboardv1.JobEventKind_JOB_EVENT_KIND_DROPPED
	heartbeat = guideboardv1.JobEventKind_JOB_EVENT_KIND_HEARTBEAT
)

type plain struct {
	number  uint64
	kind    guideboardv1.JobEventKind
	dropped uint64
}

func (p plain) event() *guideboardv1.JobEvent {
	return &guideboardv1.JobEvent{Number: p.number, Kind: p.kind, Dropped: p.dropped}
}

func admitted(after uint64, events ...plain) (all []plain) {
	for _, event := range events {
		for _, event := range admit(after, event.event()) {
			after = event.GetNumber()
			all = append(all, plain{event.GetNumber(), event.GetKind(), event.GetDropped()})
		}
	}
	return all
}

func TestWhatComesTwiceIsGivenOnceAndHeartbeatsNever(t *testing.T) {
	events := []plain{{1, logged, 0}, {2, logged, 0}, {2, heartbeat, 0}, {2, logged, 0}, {1, logged, 0}, {3, logged, 0}}
	if all := admitted(0, events...); !reflect.DeepEqual(all, []plain{{1, logged, 0}, {2, logged, 0}, {3, logged, 0}}) {
		t.Error(all)
	}
	if all := admitted(2, events...); !reflect.DeepEqual(all, []plain{{3, logged, 0}}) {
		t.Error(all)
	}
}

func TestAGapIsToldAndADropCountsFromWhatWasSeen(t *testing.T) {
	if all := admitted(4, plain{7, logged, 0}); !reflect.DeepEqual(all, []plain{{6, dropped, 2}, {7, logged, 0}}) {
		t.Error(all)
	}
	if all := admitted(4, plain{6, dropped, 6}, plain{7, logged, 0}); !reflect.DeepEqual(all, []plain{{6, dropped, 2}, {7, logged, 0}}) {
		t.Error(all)
	}
}

func TestWhateverComesEveryNumberIsGivenOrToldOnce(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	kinds := []guideboardv1.JobEventKind{logged, dropped, heartbeat}
	for range 500 {
		after := uint64(random.Intn(5))
		events := make([]plain, random.Intn(40))
		for i := range events {
			events[i] = plain{uint64(1 + random.Intn(30)), kinds[random.Intn(3)], uint64(random.Intn(9))}
		}
		next := after + 1
		for _, one := range admitted(after, events...) {
			count := uint64(1)
			if one.kind == dropped {
				count = one.dropped
			}
			if one.number != next+count-1 {
				t.Fatalf("%v after %d: %v", events, after, one)
			}
			next = one.number + 1
		}
	}
}

func logLines(from, to uint64) *guideboardv1.WatchRunResponse {
	response := &guideboardv1.WatchRunResponse{}
	for number := from; number <= to; number++ {
		response.Events = append(response.Events, plain{number, logged, 0}.event())
	}
	return response
}

func ending(number uint64) *guideboardv1.WatchRunResponse {
	job := &guideboardv1.Job{JobId: "job", Status: guideboardv1.JobStatus_JOB_STATUS_SUCCEEDED, EndedAt: timestamppb.Now()}
	return &guideboardv1.WatchRunResponse{Events: []*guideboardv1.JobEvent{
		{Number: number, Kind: guideboardv1.JobEventKind_JOB_EVENT_KIND_STATUS, Run: job},
	}}
}

func follow(t *testing.T, follower *Follower) (numbers []uint64, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for event, failure := range follower.Events(ctx) {
		if failure != nil {
			return numbers, failure
		}
		numbers = append(numbers, event.GetNumber())
	}
	return numbers, nil
}

func TestABrokenWatchGoesOnBehindTheLastEvent(t *testing.T) {
	f := &fake{watch: func(call int, request *guideboardv1.WatchRunRequest, stream watchStream) error {
		switch call {
		case 1:
			stream.Send(logLines(1, 3))
			return broken
		case 2:
			return said(codes.Unavailable, "STOPPING", retryAfter(time.Millisecond))
		case 3:
			if request.GetAfter() != 3 {
				t.Errorf("after %d", request.GetAfter())
			}
			stream.Send(logLines(3, 5))
			return status.Error(codes.Internal, "reset")
		}
		stream.Send(logLines(6, 6))
		return stream.Send(ending(7))
	}}
	var connection []bool
	follower := f.serve(t).Follow("job", FollowOptions{OnConnection: func(err error) { connection = append(connection, err == nil) }})
	numbers, err := follow(t, follower)
	if err != nil || !reflect.DeepEqual(numbers, []uint64{1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("%v %v", numbers, err)
	}
	if follower.Job().GetJobId() != "job" || follower.Last() != 7 {
		t.Errorf("%v %d", follower.Job(), follower.Last())
	}
	if expected := []bool{false, true, false, true}; !reflect.DeepEqual(connection, expected) {
		t.Error(connection)
	}
	if more, err := follow(t, follower); len(more) != 0 || err != nil {
		t.Errorf("%v %v", more, err)
	}
}

func TestAWatchThatEndsWithoutTheJobsEndIsAskedFor(t *testing.T) {
	f := &fake{
		watch: func(_ int, request *guideboardv1.WatchRunRequest, stream watchStream) error {
			if request.GetAfter() == 0 {
				stream.Send(logLines(1, 2))
			}
			return nil
		},
		get: func(call int) (*guideboardv1.Job, error) {
			job := ending(1).GetEvents()[0].GetRun()
			if call == 1 {
				job.EndedAt = nil
			}
			return job, nil
		},
	}
	follower := f.serve(t).Follow("job", FollowOptions{})
	if numbers, err := follow(t, follower); err != nil || len(numbers) != 2 || follower.Job() == nil {
		t.Errorf("%v %v", numbers, err)
	}
}

func TestAJobThatWasKnownAndIsNotAnyMoreIsForgotten(t *testing.T) {
	f := &fake{watch: func(call int, _ *guideboardv1.WatchRunRequest, stream watchStream) error {
		if call == 1 {
			stream.Send(logLines(1, 1))
			return broken
		}
		return said(codes.NotFound, ReasonJobNotFound)
	}}
	client := f.serve(t)
	_, err := follow(t, client.Follow("job", FollowOptions{}))
	if !errors.Is(err, ErrForgotten) || ReasonOf(err) != ReasonJobNotFound {
		t.Errorf("%v", err)
	}
	if _, err := follow(t, client.Follow("job", FollowOptions{})); errors.Is(err, ErrForgotten) || !IsNotFound(err) {
		t.Errorf("%v", err)
	}
}

func TestSilenceCountsAsABrokenConnection(t *testing.T) {
	f := &fake{watch: func(call int, _ *guideboardv1.WatchRunRequest, stream watchStream) error {
		if call == 1 {
			stream.Send(logLines(1, 1))
			<-stream.Context().Done()
			return stream.Context().Err()
		}
		return stream.Send(ending(2))
	}}
	var told error
	options := FollowOptions{Silence: 100 * time.Millisecond, OnConnection: func(err error) { told = errors.Join(told, err) }}
	numbers, err := follow(t, f.serve(t).Follow("job", options))
	if err != nil || len(numbers) != 2 {
		t.Errorf("%v %v", numbers, err)
	}
	if asError(told).Message != "nothing was heard of the server" {
		t.Errorf("%v", told)
	}
}

func TestAFollowerGivesUpWhenNothingAnsweredForLongEnough(t *testing.T) {
	f := &fake{watch: func(int, *guideboardv1.WatchRunRequest, watchStream) error { return broken }}
	client := f.serve(t, WithRetryFor(250*time.Millisecond))
	if _, err := follow(t, client.Follow("job", FollowOptions{})); status.Code(err) != codes.Unavailable {
		t.Errorf("%v", err)
	}
	if calls := f.count("watch") - 1; calls < 2 || calls > 5 {
		t.Errorf("%d calls", calls)
	}
}

func TestAFollowerThatIsLeftGoesOnWhereItWas(t *testing.T) {
	f := &fake{watch: func(_ int, request *guideboardv1.WatchRunRequest, stream watchStream) error {
		if request.GetAfter() < 4 {
			stream.Send(logLines(request.GetAfter()+1, 4))
		}
		return stream.Send(ending(5))
	}}
	follower := f.serve(t).Follow("job", FollowOptions{})
	for event, err := range follower.Events(context.Background()) {
		if err != nil || event.GetNumber() == 2 {
			break
		}
	}
	if numbers, err := follow(t, follower); err != nil || !reflect.DeepEqual(numbers, []uint64{3, 4, 5}) {
		t.Errorf("%v %v", numbers, err)
	}
}

func TestAFollowerEndsWithItsContext(t *testing.T) {
	f := &fake{watch: func(_ int, _ *guideboardv1.WatchRunRequest, stream watchStream) error {
		stream.Send(logLines(1, 1))
		<-stream.Context().Done()
		return stream.Context().Err()
	}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last error
	for _, err := range f.serve(t).Follow("job", FollowOptions{}).Events(ctx) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("%v", last)
	}
}
