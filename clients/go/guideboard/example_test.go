package guideboard_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"google.golang.org/grpc/codes"

	"guideboard.example/client/guideboard"
	guideboardv1 "guideboard.example/client/guideboard/v1"
)

func ExampleNew() {
	client, err := guideboard.New("https://board.example:8443",
		guideboard.WithCA("ca.pem"), guideboard.WithTokenFile("token"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
}

// A token is not sent in the clear to another machine.
func ExampleNew_plain() {
	_, err := guideboard.New("http://board.example:8080", guideboard.WithToken("secret"))
	fmt.Println(err)
	// Output: guideboard: the token would be sent in the clear to another machine; use https, or WithPlainToken
}

func ExampleClient_AllRetainedRuns() {
	ctx, client := context.Background(), connected()
	defer client.Close()
	request := &guideboardv1.ListRetainedRunsRequest{Statuses: []string{"failed"}}
	for run, err := range client.AllRetainedRuns(ctx, request) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(run.GetRunId(), run.GetCompletedAt().AsTime())
	}
}

func ExampleClient_Follow() {
	ctx, client := context.Background(), connected()
	defer client.Close()
	follower := client.Follow("job-1", guideboard.FollowOptions{})
	for event, err := range follower.Events(ctx) {
		if errors.Is(err, guideboard.ErrForgotten) {
			log.Fatal("the server was restarted; look under the retained runs")
		} else if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.GetNumber(), event.GetKind())
	}
	fmt.Println(follower.Job().GetStatus())
}

func ExampleClient_Pull() {
	ctx, client := context.Background(), connected()
	defer client.Close()
	report, err := client.Pull(ctx, guideboard.RunRef{Directory: "nightly-17"}, "copy", guideboard.PullOptions{})
	if err != nil {
		log.Fatal(err)
	}
	if err := report.Err(); err != nil {
		log.Fatal("not all of the run is there: ", err)
	}
}

func ExampleError() {
	var err error = &guideboard.Error{Code: codes.NotFound, Reason: guideboard.ReasonRunNotFound, Message: "no such run"}
	err = fmt.Errorf("looking for the latest run: %w", err)

	var told *guideboard.Error
	if errors.As(err, &told) && told.Reason == guideboard.ReasonRunNotFound {
		fmt.Println("there is no run yet:", told.Message)
	}
	fmt.Println(guideboard.IsNotFound(err))
	// Output:
	// there is no run yet: no such run
	// true
}

func connected() *guideboard.Client {
	client, err := guideboard.New("http://127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	return client
}
