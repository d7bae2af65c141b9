package guideboard

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAddressesOfAllKindsAreTaken(t *testing.T) {
	for text, expected := range map[string]address{
		"http://127.0.0.1:80":      {host: "127.0.0.1", port: "80"},
		"HTTP://LocalHost:8080/":   {host: "localhost", port: "8080"},
		"board.example:443":        {host: "board.example", port: "443"},
		"https://board.example:1":  {tls: true, host: "board.example", port: "1"},
		"https://[::1]:65535":      {tls: true, host: "::1", port: "65535"},
		"unix:board.sock":          {socket: "board.sock"},
		"unix:/run/board.sock":     {socket: "/run/board.sock"},
		"unix:///run/board%20.sok": {socket: "/run/board%20.sok"},
	} {
		if parsed, err := parseAddress(text); err != nil || parsed != expected {
			t.Errorf("%q is %+v, %v", text, parsed, err)
		}
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "localhost", "http://localhost", "http://localhost:0", "http://localhost:65536", "http://localhost:+80", "http://localhost:http",
		"ftp://localhost:1", "http://user@localhost:1", "http://localhost:1/path", "http://localhost:1?x", "http://::1:80", "http://[localhost]:1",
		"http://:80", "http://a b:80", "/run/board.sock", "unix:", "unix://", "unix://run/board.sock", "unix:" + strings.Repeat("a", 108),
	} {
		if parsed, err := parseAddress(text); err == nil {
			t.Errorf("%q is %+v", text, parsed)
		}
	}
}

func TestATokenIsNotSentInTheClearToAnotherMachineUnlessAllowed(t *testing.T) {
	token := WithToken("secret")
	for _, server := range []string{"http://board.example:80", "http://192.0.2.1:80", "http://[2001:db8::1]:80", "localhost.example:80"} {
		if _, err := New(server, token); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", server, err)
		}
		if client, err := New(server, token, WithPlainToken()); err != nil {
			t.Errorf("%s: %v", server, err)
		} else {
			client.Close()
		}
	}
	for _, server := range []string{"http://127.0.0.2:80", "LOCALHOST:80", "http://[::1]:80", "http://[::ffff:127.0.0.1]:80", "https://board.example:1", "unix:x"} {
		client, err := New(server, token)
		if err != nil {
			t.Errorf("%s: %v", server, err)
			continue
		}
		client.Close()
	}
}

func TestSettingsThatCannotBeUsedAreToldAtOnce(t *testing.T) {
	directory := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, option := range map[string]Option{
		"an empty token":         WithToken(""),
		"a token of two lines":   WithToken("a\nb"),
		"an empty token file":    WithTokenFile(file("empty", "\n")),
		"no token file":          WithTokenFile(filepath.Join(directory, "none")),
		"no authority":           WithCA(filepath.Join(directory, "none")),
		"an authority of none":   WithCA(file("ca", "nothing")),
		"no client certificate":  WithClientCertificate(filepath.Join(directory, "none"), filepath.Join(directory, "none")),
		"a certificate of noise": WithClientCertificate(file("cert", "x"), file("key", "x")),
	} {
		if _, err := New("https://localhost:1", option); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := New("http://localhost:1", WithServerName("board.example")); err == nil {
		t.Error("settings of TLS are taken for a server without it")
	}
}
