package guideboard

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

type (
	readStream  = grpc.ServerStreamingServer[guideboardv1.ReadArtifactResponse]
	watchStream = grpc.ServerStreamingServer[guideboardv1.WatchRunResponse]
)

// fake is a server that answers as a test says.
type fake struct {
	guideboardv1.UnimplementedCatalogServiceServer
	guideboardv1.UnimplementedRetainedRunServiceServer
	guideboardv1.UnimplementedRunServiceServer

	read     func(call int, request *guideboardv1.ReadArtifactRequest, stream readStream) error
	watch    func(call int, request *guideboardv1.WatchRunRequest, stream watchStream) error
	get      func(call int) (*guideboardv1.Job, error)
	problems func(call int, request *guideboardv1.ListProblemsRequest) (*guideboardv1.ListProblemsResponse, error)

	options  []grpc.ServerOption
	manifest []*guideboardv1.StreamArtifactManifestResponse

	mutex sync.Mutex
	calls map[string]int
	// Those of the last GetServerInfo.
	headers metadata.MD
}

func (f *fake) count(name string) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[name]++
	return f.calls[name]
}

func (f *fake) GetServerInfo(ctx context.Context, _ *guideboardv1.GetServerInfoRequest) (*guideboardv1.GetServerInfoResponse, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.headers, _ = metadata.FromIncomingContext(ctx)
	return &guideboardv1.GetServerInfoResponse{Version: "1.2.3"}, nil
}

func (f *fake) ReadArtifact(request *guideboardv1.ReadArtifactRequest, stream readStream) error {
	return f.read(f.count("read"), request, stream)
}

func (f *fake) StreamArtifactManifest(
	_ *guideboardv1.StreamArtifactManifestRequest, stream grpc.ServerStreamingServer[guideboardv1.StreamArtifactManifestResponse],
) error {
	for _, message := range f.manifest {
		if err := stream.Send(message); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) WatchRun(request *guideboardv1.WatchRunRequest, stream watchStream) error {
	return f.watch(f.count("watch"), request, stream)
}

func (f *fake) GetRun(context.Context, *guideboardv1.GetRunRequest) (*guideboardv1.GetRunResponse, error) {
	job, err := f.get(f.count("get"))
	return &guideboardv1.GetRunResponse{Run: job}, err
}

func (f *fake) ListProblems(_ context.Context, request *guideboardv1.ListProblemsRequest) (*guideboardv1.ListProblemsResponse, error) {
	return f.problems(f.count("problems"), request)
}

// serve starts the fake and gives a client of it that has been answered.
func (f *fake) serve(t testing.TB, options ...Option) *Client {
	t.Helper()
	listener := listen(t)
	return f.serveOn(t, listener, "http://"+listener.Addr().String(), options...)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func (f *fake) serveOn(t testing.TB, listener net.Listener, address string, options ...Option) *Client {
	t.Helper()
	server := grpc.NewServer(f.options...)
	guideboardv1.RegisterCatalogServiceServer(server, f)
	guideboardv1.RegisterRetainedRunServiceServer(server, f)
	guideboardv1.RegisterRunServiceServer(server, f)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	client, err := New(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if _, err := client.Catalog().GetServerInfo(context.Background(), &guideboardv1.GetServerInfoRequest{}); err != nil {
		t.Fatal(err)
	}
	return client
}

// said is a failure as the service tells it.
func said(code codes.Code, reason string, more ...protoadapt.MessageV1) error {
	details := append([]protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: reason, Domain: errorDomain}}, more...)
	told, err := status.New(code, "a sentence").WithDetails(details...)
	if err != nil {
		panic(err)
	}
	return told.Err()
}

func retryAfter(pause time.Duration) protoadapt.MessageV1 {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(pause)}
}

// broken is what a connection that breaks looks like.
var broken = status.Error(codes.Unavailable, "the connection broke")
