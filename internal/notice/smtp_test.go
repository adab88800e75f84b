package notice

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// mailServer speaks as much SMTP as a client needs to hand over mail (RFC 5321, 3207, 4954).
type mailServer struct {
	port     int
	starttls *tls.Config // offered if set
	auth     string      // the AUTH line, if any
	refuse   string      // the answer to RCPT, in place of 250

	mu   sync.Mutex
	mail []letter
}

// letter is one mail as it came.
type letter struct {
	from, to  string
	login     string // user and password
	encrypted bool
	text      string
}

// serveMail listens until the test ends; direct is for TLS from the first byte.
func serveMail(t *testing.T, server *mailServer, direct *tls.Config) *mailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server.port = listener.Addr().(*net.TCPAddr).Port
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() {
				defer func() { _ = conn.Close() }()
				if direct != nil {
					server.session(tls.Server(conn, direct), true)
					return
				}
				server.session(conn, false)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		sessions.Wait()
	})
	return server
}

func (s *mailServer) session(conn net.Conn, encrypted bool) {
	in := bufio.NewReader(conn)
	say := func(lines ...string) { fmt.Fprint(conn, strings.Join(lines, "\r\n")+"\r\n") }
	now := letter{encrypted: encrypted}
	if !encrypted || s.starttls == nil {
		say("220 mail.test ESMTP")
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		switch verb, rest, _ := strings.Cut(line, " "); strings.ToUpper(verb) {
		case "EHLO":
			say(s.greeting(now.encrypted)...)
		case "STARTTLS":
			say("220 go ahead")
			s.session(tls.Server(conn, s.starttls), true)
			return
		case "AUTH":
			proof, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			now.login = strings.Trim(strings.ReplaceAll(string(proof), "\x00", " "), " ")
			say("235 welcome")
		case "MAIL":
			now.from = rest
			say("250 ok")
		case "RCPT":
			now.to += rest + " "
			say(firstOf(s.refuse, "250 ok"))
		case "DATA":
			say("354 go on")
			now.text = readText(in)
			s.mu.Lock()
			s.mail = append(s.mail, now)
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default: // RSET, NOOP
			say("250 ok")
		}
	}
}

func (s *mailServer) greeting(encrypted bool) []string {
	lines := []string{"250-mail.test"}
	if s.starttls != nil && !encrypted {
		lines = append(lines, "250-STARTTLS")
	}
	if s.auth != "" {
		lines = append(lines, "250-AUTH "+s.auth)
	}
	return append(lines, "250 8BITMIME")
}

func readText(in *bufio.Reader) string {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return text.String()
		}
		text.WriteString(line)
	}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (s *mailServer) received() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mail
}

// selfSigned gives a server's TLS settings for 127.0.0.1, and those of a client that trusts it.
func selfSigned(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	source := httptest.NewTLSServer(nil)
	t.Cleanup(source.Close)
	pool := x509.NewCertPool()
	pool.AddCert(source.Certificate())
	return &tls.Config{Certificates: source.TLS.Certificates}, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}
