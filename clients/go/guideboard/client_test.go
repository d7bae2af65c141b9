package guideboard

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

func TestASocketIsAskedAsLocalhostWhateverItsPathHolds(t *testing.T) {
	directory, err := os.MkdirTemp("", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, "a b%20#?&.sock")
	for _, address := range []string{"unix:" + path, "unix://" + path} {
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		f := &fake{}
		f.serveOn(t, listener, address).Close()
		if authority := f.headers.Get(":authority"); !reflect.DeepEqual(authority, []string{"localhost"}) {
			t.Error(authority)
		}
		listener.Close()
	}
}

func TestATokenGoesWithEachCall(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(" secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fake{}
	f.serve(t, WithTokenFile(file))
	if sent := f.headers.Get("authorization"); !reflect.DeepEqual(sent, []string{"Bearer secret"}) {
		t.Error(sent)
	}
}

// certificate is a file with a certificate, signed by itself, and one with its key.
func certificate(t *testing.T) (certificateFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"board.example"}, IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	write := func(name, kind string, bytes []byte) string {
		file := filepath.Join(directory, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("cert.pem", "CERTIFICATE", signed), write("key.pem", "PRIVATE KEY", private)
}

func TestAClientCertificateIsShown(t *testing.T) {
	serverCertificate, serverKey := certificate(t)
	clientCertificate, clientKey := certificate(t)
	pair, err := tls.LoadX509KeyPair(serverCertificate, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := os.ReadFile(clientCertificate)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(clients)
	f := &fake{options: []grpc.ServerOption{grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}))}}
	listener := listen(t)
	// That it was answered is what is looked at.
	f.serveOn(t, listener, "https://"+listener.Addr().String(), WithTLSConfig(&tls.Config{MinVersion: tls.VersionTLS13}),
		WithCA(serverCertificate), WithServerName("board.example"), WithClientCertificate(clientCertificate, clientKey))
	if authority := f.headers.Get(":authority"); !reflect.DeepEqual(authority, []string{"board.example"}) {
		t.Error(authority)
	}
}
