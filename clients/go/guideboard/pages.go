package guideboard

import (
	"context"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

// Page is a message of a list: it names the next page.
type Page interface {
	proto.Message
	GetNextPageToken() string
}

// Query is a request of a list: it names a page.
type Query interface {
	proto.Message
	GetPageToken() string
}

// Pages gives the pages of a list one after the other, each asked for when it is needed:
//
//	for page, err := range guideboard.Pages(ctx, client, client.RetainedRuns().ListFindings, request) { … }
//
// It begins with the page that the request names and leaves the request as it is. After an error nothing more comes.
func Pages[Q Query, P Page](ctx context.Context, client *Client, call func(context.Context, Q, ...grpc.CallOption) (P, error), request Q) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		token := request.GetPageToken()
		for {
			page, err := repeated(ctx, client, func() (P, error) { return call(ctx, withToken(request, token)) })
			if err != nil {
				var none P
				yield(none, err)
				return
			}
			if !yield(page, nil) {
				return
			}
			if token = page.GetNextPageToken(); token == "" {
				return
			}
		}
	}
}

// withToken is a copy of a request that asks for another page.
func withToken[Q Query](request Q, token string) Q {
	copied := proto.CloneOf(request)
	message := copied.ProtoReflect()
	if field := message.Descriptor().Fields().ByName("page_token"); field != nil {
		message.Set(field, protoreflect.ValueOfString(token))
	}
	return copied
}

// each gives the items of pages.
func each[P, T any](pages iter.Seq2[P, error], items func(P) []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range pages {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items(page) {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// AllRetainedRuns gives the runs that match, newest first, page after page.
func (c *Client) AllRetainedRuns(ctx context.Context, request *guideboardv1.ListRetainedRunsRequest) iter.Seq2[*guideboardv1.RetainedRun, error] {
	return each(Pages(ctx, c, c.retained.ListRetainedRuns, request), (*guideboardv1.ListRetainedRunsResponse).GetRuns)
}

// AllProblems gives the directories that are no plain readable runs, by name, page after page.
func (c *Client) AllProblems(ctx context.Context, request *guideboardv1.ListProblemsRequest) iter.Seq2[*guideboardv1.Problem, error] {
	return each(Pages(ctx, c, c.retained.ListProblems, request), (*guideboardv1.ListProblemsResponse).GetProblems)
}

// AllFindings gives the findings of a run that match, in file order, page after page. When the file changes in between, the error has the reason
// [ReasonChangedWhileReading].
func (c *Client) AllFindings(ctx context.Context, request *guideboardv1.ListFindingsRequest) iter.Seq2[*guideboardv1.Finding, error] {
	return each(Pages(ctx, c, c.retained.ListFindings, request), (*guideboardv1.ListFindingsResponse).GetFindings)
}

// AllEvidence gives the evidence items of a run that match, in file order, page after page. As for [Client.AllFindings], the file must stay as it is.
func (c *Client) AllEvidence(ctx context.Context, request *guideboardv1.ListEvidenceRequest) iter.Seq2[*guideboardv1.Evidence, error] {
	return each(Pages(ctx, c, c.retained.ListEvidence, request), (*guideboardv1.ListEvidenceResponse).GetEvidence)
}

// AllJobs gives the jobs of the server's process that match, newest first, page after page.
func (c *Client) AllJobs(ctx context.Context, request *guideboardv1.ListRunsRequest) iter.Seq2[*guideboardv1.Job, error] {
	return each(Pages(ctx, c, c.runs.ListRuns, request), (*guideboardv1.ListRunsResponse).GetRuns)
}

// AllExtensions gives the extensions, by id, page after page.
func (c *Client) AllExtensions(ctx context.Context, request *guideboardv1.ListExtensionsRequest) iter.Seq2[*guideboardv1.Extension, error] {
	return each(Pages(ctx, c, c.catalog.ListExtensions, request), (*guideboardv1.ListExtensionsResponse).GetExtensions)
}
