package guideboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

func TestAnErrorHasAllThatTheServiceSays(t *testing.T) {
	told, err := status.New(codes.InvalidArgument, "two fields are wrong").WithDetails(
		&errdetails.ErrorInfo{Reason: "FIELD_INVALID", Domain: errorDomain, Metadata: map[string]string{"field": "page_size"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "page_size", Description: "negative"}, {Field: "path", Description: "empty"},
		}},
		retryAfter(1500*time.Millisecond).(*errdetails.RetryInfo),
	)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := fmt.Errorf("listing: %w", convert(told.Err()))
	var made *Error
	if !errors.As(wrapped, &made) {
		t.Fatal("errors.As does not find it")
	}
	if made.Code != codes.InvalidArgument || made.Message != "two fields are wrong" || made.Reason != "FIELD_INVALID" ||
		made.Metadata["field"] != "page_size" || made.RetryDelay != 1500*time.Millisecond {
		t.Errorf("%+v", made)
	}
	if expected := []FieldViolation{{"page_size", "negative"}, {"path", "empty"}}; !reflect.DeepEqual(made.FieldViolations, expected) {
		t.Errorf("%+v", made.FieldViolations)
	}
	if status.Code(wrapped) != codes.InvalidArgument || ReasonOf(wrapped) != "FIELD_INVALID" {
		t.Error("what is wrapped is not found")
	}
	if from, ok := status.FromError(made); !ok || len(from.Details()) != 3 {
		t.Errorf("%v", from)
	}
	if text := made.Error(); !strings.Contains(text, "InvalidArgument (FIELD_INVALID): two fields are wrong") {
		t.Error(text)
	}
}

func TestReasonsOfOthersAreNotThoseOfTheService(t *testing.T) {
	told, err := status.New(codes.Unavailable, "busy").WithDetails(&errdetails.ErrorInfo{Reason: "RUN_NOT_FOUND", Domain: "proxy.example"})
	if err != nil {
		t.Fatal(err)
	}
	if reason := ReasonOf(convert(told.Err())); reason != "" {
		t.Error(reason)
	}
}

func TestWhatIsNoStatusStaysFindable(t *testing.T) {
	for _, err := range []error{context.Canceled, context.DeadlineExceeded} {
		if made := convert(err); !errors.Is(made, err) {
			t.Errorf("%v", made)
		}
	}
	if errors.Is(convert(status.Error(codes.Canceled, "")), context.DeadlineExceeded) {
		t.Error("a call that was cancelled is one whose time was up")
	}
	if errors.Is(convert(said(codes.DeadlineExceeded, "DEADLINE_EXCEEDED")), context.DeadlineExceeded) {
		t.Error("the server's bound is the context's")
	}
	if convert(io.EOF) != io.EOF || convert(nil) != nil {
		t.Error("the end of a stream is an error")
	}
	if !IsNotFound(convert(said(codes.NotFound, ReasonRunNotFound))) || IsNotFound(nil) {
		t.Error("what is not there is not told from what is")
	}
}

func TestCallsOfTheStubsFailWithErrorsOfThePackage(t *testing.T) {
	client := (&fake{read: func(int, *guideboardv1.ReadArtifactRequest, readStream) error {
		return said(codes.NotFound, ReasonArtifactNotFound)
	}}).serve(t)
	stream, err := client.RetainedRuns().ReadArtifact(context.Background(), &guideboardv1.ReadArtifactRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	if ReasonOf(err) != ReasonArtifactNotFound {
		t.Errorf("%v", err)
	}
	_, err = client.RetainedRuns().GetRetainedRun(context.Background(), &guideboardv1.GetRetainedRunRequest{})
	var made *Error
	if !errors.As(err, &made) || made.Code != codes.Unimplemented {
		t.Errorf("%v", err)
	}
}
