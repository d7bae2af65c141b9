package guideboard

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"testing"
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
