package guideboard

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	guideboardv1 "guideboard.example/client/guideboard/v1"
)

const (
	// How long a silent connection with a call is left alone, and how long its answer may then take.
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 20 * time.Second
	// How long making a connection may take.
	connectTimeout = 20 * time.Second
)

// A Client talks to one server. It is safe for concurrent use.
type Client struct {
	connection *grpc.ClientConn
	retryFor   time.Duration
	// Whether the server has answered: what never worked is not tried again.
	hasAnswered atomic.Bool
	isClosed    atomic.Bool
	catalog     guideboardv1.CatalogServiceClient
	retained    guideboardv1.RetainedRunServiceClient
	runs        guideboardv1.RunServiceClient
}

// New makes a client of the server at http://HOST:PORT, https://HOST:PORT or unix:PATH. The connection is made with the first call. Close the client
// when it is no longer needed.
func New(server string, options ...Option) (*Client, error) {
	place, err := parseAddress(server)
	if err != nil {
		return nil, err
	}
	chosen := settings{retryFor: DefaultRetryFor}
	for _, option := range options {
		if err := option(&chosen); err != nil {
			return nil, err
		}
	}
	if chosen.tls != nil && !place.tls {
		return nil, errors.New("guideboard: settings of TLS are for a server at https://HOST:PORT")
	}
	if chosen.token != "" && place.isExposed() && !chosen.allowPlain {
		return nil, errors.New("guideboard: the token would be sent in the clear to another machine; use https, or WithPlainToken")
	}
	client := &Client{retryFor: chosen.retryFor}
	connection, err := grpc.NewClient(place.target(), client.dialOptions(place, &chosen)...)
	if err != nil {
		return nil, err
	}
	client.connection = connection
	client.catalog = guideboardv1.NewCatalogServiceClient(connection)
	client.retained = guideboardv1.NewRetainedRunServiceClient(connection)
	client.runs = guideboardv1.NewRunServiceClient(connection)
	return client, nil
}

func (c *Client) dialOptions(place address, chosen *settings) []grpc.DialOption {
	again := backoff.Config{BaseDelay: firstPause, Multiplier: 2, Jitter: 0.2, MaxDelay: longestPause}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transportCredentials(place, chosen)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: again, MinConnectTimeout: connectTimeout}),
		grpc.WithChainUnaryInterceptor(c.interceptCall),
		grpc.WithChainStreamInterceptor(c.interceptStream),
	}
	if chosen.token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer{token: chosen.token, tls: place.tls}))
	}
	if place.socket != "" {
		dial := func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", place.socket)
		}
		options = append(options, grpc.WithContextDialer(dial), grpc.WithAuthority("localhost"))
	}
	return append(options, chosen.dialOptions...)
}

func transportCredentials(place address, chosen *settings) credentials.TransportCredentials {
	if !place.tls {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(chosen.tlsConfig())
}

// Close ends the connection, and with it every call that is under way.
func (c *Client) Close() error {
	c.isClosed.Store(true)
	return c.connection.Close()
}

// Conn is the connection, for other services of the server, such as health.
func (c *Client) Conn() *grpc.ClientConn { return c.connection }

// Catalog is the stub of CatalogService: the server itself, extensions, profiles and plans.
func (c *Client) Catalog() guideboardv1.CatalogServiceClient { return c.catalog }

// RetainedRuns is the stub of RetainedRunService: the runs that are kept.
func (c *Client) RetainedRuns() guideboardv1.RetainedRunServiceClient { return c.retained }

// Runs is the stub of RunService: jobs.
func (c *Client) Runs() guideboardv1.RunServiceClient { return c.runs }

// interceptCall makes an [Error] of every failure.
func (c *Client) interceptCall(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	return c.heard(invoke(ctx, method, request, reply, connection, options...))
}

// interceptStream makes an [Error] of every failure.
func (c *Client) interceptStream(ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn, method string,
	open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := open(ctx, description, connection, method, options...)
	if err != nil {
		return nil, c.heard(err)
	}
	return &hearing{ClientStream: stream, client: c}, nil
}

// heard takes note that the server is there, and gives the error as this package does.
func (c *Client) heard(err error) error {
	if err == nil {
		c.hasAnswered.Store(true)
		return nil
	}
	err = convert(err)
	if ReasonOf(err) != "" {
		c.hasAnswered.Store(true)
	}
	return err
}

// mayAnswer tells whether another try makes sense at all.
func (c *Client) mayAnswer() bool { return c.hasAnswered.Load() && !c.isClosed.Load() }

// hearing is a stream whose errors are those of this package.
type hearing struct {
	grpc.ClientStream
	client *Client
}

func (h *hearing) RecvMsg(message any) error { return h.client.heard(h.ClientStream.RecvMsg(message)) }

func (h *hearing) SendMsg(message any) error { return convert(h.ClientStream.SendMsg(message)) }

// bearer is a token that goes with each call.
type bearer struct {
	token string
	tls   bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.tls }

// String keeps the token out of what is printed.
func (bearer) String() string { return "a token" }

var _ credentials.PerRPCCredentials = bearer{}
