package guideboard

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// address is where a server is looked for.
type address struct {
	tls bool
	// The host and the port, for a server that has them.
	host, port string
	// The path of a Unix socket; empty for others.
	socket string
}

// The longest path of a Unix socket, in bytes.
const maxSocketPath = 107

// parseAddress takes http://HOST:PORT, https://HOST:PORT, a bare HOST:PORT, which is http, unix:PATH, and unix:///PATH.
func parseAddress(text string) (address, error) {
	parsed, err := addressOf(text)
	if err != nil {
		return address{}, fmt.Errorf("guideboard: %q is no address of a server, which is http://HOST:PORT, https://HOST:PORT or unix:PATH: %w", text, err)
	}
	return parsed, nil
}

func addressOf(text string) (address, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		return socketOf(path)
	}
	var parsed address
	rest := text
	if scheme, behind, ok := strings.Cut(text, "://"); ok {
		switch strings.ToLower(scheme) {
		case "http":
		case "https":
			parsed.tls = true
		default:
			return address{}, errors.New("the scheme is none of these")
		}
		rest = behind
	}
	rest = strings.TrimSuffix(rest, "/")
	if strings.ContainsAny(rest, "/?#") {
		return address{}, errors.New("nothing may follow the port")
	}
	if strings.Contains(rest, "@") {
		return address{}, errors.New("a user cannot be named")
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		return address{}, errors.New("the port is missing, or the brackets of an IPv6 address")
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return address{}, errors.New("the port is from 1 to 65535")
	}
	if strings.Contains(rest, "[") {
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() {
			return address{}, errors.New("there is no IPv6 address in the brackets")
		}
	} else if host == "" || strings.IndexFunc(host, isNoLetterOfAHost) >= 0 {
		return address{}, errors.New("the host is no name or address")
	}
	// As it is compared with, here and where a proxy of the environment is chosen.
	parsed.host, parsed.port = strings.ToLower(host), port
	return parsed, nil
}

func isNoLetterOfAHost(letter rune) bool {
	switch {
	case 'a' <= letter && letter <= 'z', 'A' <= letter && letter <= 'Z', '0' <= letter && letter <= '9':
		return false
	}
	return !strings.ContainsRune(".-_", letter)
}

func socketOf(path string) (address, error) {
	if behind, ok := strings.CutPrefix(path, "//"); ok {
		if !strings.HasPrefix(behind, "/") {
			return address{}, errors.New("`unix://` is followed by an absolute path; a relative one is unix:PATH")
		}
		path = behind
	}
	switch {
	case path == "" || strings.Contains(path, "\x00"):
		return address{}, errors.New("the path of the socket is missing")
	case len(path) > maxSocketPath:
		return address{}, fmt.Errorf("the path of a socket has at most %d bytes", maxSocketPath)
	}
	return address{socket: path}, nil
}

// isExposed tells whether what is sent in the clear would pass a network.
func (a address) isExposed() bool {
	if a.tls || a.socket != "" {
		return false
	}
	if ip, err := netip.ParseAddr(a.host); err == nil {
		return !ip.Unmap().IsLoopback()
	}
	return a.host != "localhost"
}

// target is what gRPC is told to connect to.
func (a address) target() string {
	if a.socket != "" {
		// The dialer knows the path. One in the target would have to be escaped.
		return "passthrough:///localhost"
	}
	return "dns:///" + net.JoinHostPort(a.host, a.port)
}
