package guideboard

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
)

// An Option is a setting of a [Client].
type Option func(*settings) error

type settings struct {
	token       string
	allowPlain  bool
	tls         *tls.Config
	retryFor    time.Duration
	dialOptions []grpc.DialOption
}

// tlsConfig is the configuration to change: asking for it is asking for TLS.
func (s *settings) tlsConfig() *tls.Config {
	if s.tls == nil {
		s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return s.tls
}

// WithToken sends this token with each call.
func WithToken(token string) Option {
	return func(s *settings) error {
		if token == "" || strings.ContainsFunc(token, func(letter rune) bool { return letter <= ' ' || letter > '~' }) {
			// Not repeated: it is a secret.
			return errors.New("guideboard: a token has printable ASCII letters and no blanks")
		}
		s.token = token
		return nil
	}
}

// WithTokenFile sends the token in a file with each call. The file is read once, by [New]; blanks around the token are left out.
func WithTokenFile(file string) Option {
	return func(s *settings) error {
		content, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("guideboard: the token cannot be read: %w", err)
		}
		return WithToken(strings.TrimSpace(string(content)))(s)
	}
}

// WithPlainToken allows the token to be sent in the clear to another machine. Without it [New] refuses to.
func WithPlainToken() Option {
	return func(s *settings) error {
		s.allowPlain = true
		return nil
	}
}

// WithCA trusts the authorities in a PEM file, instead of those of the system.
func WithCA(file string) Option {
	return func(s *settings) error {
		content, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("guideboard: the certificates of authorities cannot be read: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(content) {
			return fmt.Errorf("guideboard: there is no certificate in %s", file)
		}
		s.tlsConfig().RootCAs = pool
		return nil
	}
}

// WithServerName expects the server's certificate to be for this name, instead of the host in the address. It is also the name under which the
// server is asked.
func WithServerName(name string) Option {
	return func(s *settings) error {
		s.tlsConfig().ServerName = name
		return nil
	}
}

// WithClientCertificate shows a certificate to the server. Both files are PEM.
func WithClientCertificate(certificateFile, keyFile string) Option {
	return func(s *settings) error {
		certificate, err := tls.LoadX509KeyPair(certificateFile, keyFile)
		if err != nil {
			return fmt.Errorf("guideboard: the client certificate cannot be used: %w", err)
		}
		s.tlsConfig().Certificates = []tls.Certificate{certificate}
		return nil
	}
}

// WithTLSConfig begins with a copy of this configuration of TLS. Options behind it change the copy.
func WithTLSConfig(config *tls.Config) Option {
	return func(s *settings) error {
		s.tls = config.Clone()
		return nil
	}
}

// WithRetryFor sets how long a connection that broke is tried again without an answer; a minute unless set. Zero or less: not at all.
func WithRetryFor(duration time.Duration) Option {
	return func(s *settings) error {
		s.retryFor = duration
		return nil
	}
}

// WithDialOptions gives further options to gRPC, behind those of this package.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) error {
		s.dialOptions = append(s.dialOptions, options...)
		return nil
	}
}
