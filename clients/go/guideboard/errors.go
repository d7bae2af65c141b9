package guideboard

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The domain of the reasons that the service gives.
const errorDomain = "guideboard.v1"

// Reasons that programs ask for most often. The comments of the calls have all of them.
const (
	ReasonRootNotFound        = "ROOT_NOT_FOUND"
	ReasonRunNotFound         = "RUN_NOT_FOUND"
	ReasonJobNotFound         = "JOB_NOT_FOUND"
	ReasonArtifactNotFound    = "ARTIFACT_NOT_FOUND"
	ReasonOutputExists        = "OUTPUT_EXISTS"
	ReasonRequestIDReused     = "REQUEST_ID_REUSED"
	ReasonQueueFull           = "QUEUE_FULL"
	ReasonJobNotSucceeded     = "JOB_NOT_SUCCEEDED"
	ReasonRunIDAmbiguous      = "RUN_ID_AMBIGUOUS"
	ReasonUnsafePath          = "UNSAFE_PATH"
	ReasonGenerationMismatch  = "GENERATION_MISMATCH"
	ReasonDigestMismatch      = "DIGEST_MISMATCH"
	ReasonChangedWhileReading = "CHANGED_WHILE_READING"
	ReasonCredentialsMissing  = "CREDENTIALS_MISSING"
	ReasonCredentialsInvalid  = "CREDENTIALS_INVALID"
	ReasonScopeMissing        = "SCOPE_MISSING"
)

// Errors that this package finds, or that it gives a name to. Ask for them with [errors.Is]; what the server said of it is an [Error] beside.
var (
	// ErrForgotten: the server knew a job and does not know it any more, because it was restarted. Its run, if it made one, is a retained run.
	ErrForgotten = errors.New("guideboard: the server no longer knows the job")
	// ErrChanged: an artifact is another one than it was, or than was expected.
	ErrChanged = errors.New("guideboard: the artifact has changed")
	// ErrDigestMismatch: the bytes of an artifact are not those that were expected.
	ErrDigestMismatch = errors.New("guideboard: the bytes are not those of the digest")
	// ErrInProgress: a run is being made, and cannot be pulled yet.
	ErrInProgress = errors.New("guideboard: the run is being made; pull it once it is done")
	// ErrOtherRun: the directory that a run is pulled into holds another run, or another state of it.
	ErrOtherRun = errors.New("guideboard: the directory holds another run, or another state of this one")
)

// An Error is what a call failed with: the status, and what the service says about it. Every call of a [Client] and of its stubs fails with one,
// which [errors.As] finds. [status.FromError] and [status.Code] work with it.
//
// A call that its context ended is also [context.Canceled] or [context.DeadlineExceeded].
type Error struct {
	// The status code.
	Code codes.Code
	// A sentence for a person.
	Message string
	// The stable word for the reason, such as RUN_NOT_FOUND; empty when it was not the service that failed.
	Reason string
	// What the reason is about.
	Metadata map[string]string
	// What is wrong with which fields of the request.
	FieldViolations []FieldViolation
	// After how long the service asks to come again; zero when it does not.
	RetryDelay time.Duration

	hasRetryInfo bool
	status       *status.Status
}

// A FieldViolation is what is wrong with a field of a request.
type FieldViolation struct {
	// The field.
	Field string
	// What is wrong with it.
	Description string
}

// Error is the code, the reason and the sentence.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("guideboard: ")
	text.WriteString(e.Code.String())
	if e.Reason != "" {
		text.WriteString(" (" + e.Reason + ")")
	}
	text.WriteString(": " + e.Message)
	return text.String()
}

// GRPCStatus is the status as it came.
func (e *Error) GRPCStatus() *status.Status {
	if e.status != nil {
		return e.status
	}
	return status.New(e.Code, e.Message)
}

// Is tells whether it was the context that ended the call.
func (e *Error) Is(target error) bool {
	if e.Reason != "" {
		return false
	}
	return target == context.Canceled && e.Code == codes.Canceled ||
		target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded
}

// ReasonOf is the reason that the service gave for an error; empty when there is none.
func ReasonOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// IsNotFound tells whether what was asked for is not there.
func IsNotFound(err error) bool { return status.Code(err) == codes.NotFound }

// convert makes an [Error] of the failure of a call. The end of a stream stays as it is.
func convert(err error) error {
	var known *Error
	if err == nil || err == io.EOF || errors.As(err, &known) {
		return err
	}
	from, ok := status.FromError(err)
	if !ok {
		from = status.FromContextError(err)
	}
	made := &Error{Code: from.Code(), Message: from.Message(), status: from}
	for _, detail := range from.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == errorDomain {
				made.Reason, made.Metadata = detail.GetReason(), detail.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				made.FieldViolations = append(made.FieldViolations, FieldViolation{violation.GetField(), violation.GetDescription()})
			}
		case *errdetails.RetryInfo:
			made.hasRetryInfo, made.RetryDelay = true, detail.GetRetryDelay().AsDuration()
		}
	}
	return made
}

// unavailable is a broken connection that this package notices.
func unavailable(message string) *Error { return &Error{Code: codes.Unavailable, Message: message} }

// asError is the error of a call as an [Error].
func asError(err error) *Error {
	var e *Error
	if !errors.As(convert(err), &e) {
		e = &Error{Code: codes.Unknown, Message: err.Error()}
	}
	return e
}
