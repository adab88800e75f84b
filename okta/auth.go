package okta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// ErrAuthorize marks an attempt that ended before it was sent because no credential could be put on it.
var ErrAuthorize = errors.New("authorize")

const redacted = "[redacted]"

// Authorizer puts a credential on a request. It may set headers and nothing else: the client refuses to send a request
// whose method, host, path or query it changed.
type Authorizer interface {
	Authorize(ctx context.Context, req *http.Request) error
}

// Learner is an Authorizer that wants to see what became of its credential.
type Learner interface {
	Authorizer
	// Learn is given the request as it was sent, the headers of the answer, and the error the answer amounts to (an [*Error]
	// or a [*TransportError]) or nil. It reports whether Okta refused the credential only and another attempt, made at once,
	// would carry a better one. The client makes at most one.
	Learn(sent *http.Request, answer http.Header, err error) (again bool)
}

// ssws keeps the token in a closure: fmt cannot call methods of unexported fields, so a struct that holds an ssws would
// show a string field however well ssws itself is guarded.
type ssws struct {
	token func() string
}

// SSWS authorizes with an Okta API token. The token is refused when it is empty or holds anything but visible ASCII, which
// is what a stray newline or a pasted "SSWS " prefix looks like.
//
// https://developer.okta.com/docs/guides/create-an-api-token/
func SSWS(token string) (Authorizer, error) { //nolint:ireturn // the type behind it must not be copied or printed
	if token == "" {
		return nil, errors.New("okta API token is empty")
	}
	if !allVisibleASCII(token) {
		return nil, errors.New("okta API token holds a space, a line break or another character no token has: give the bare token")
	}
	return &ssws{token: func() string { return token }}, nil
}

func (s *ssws) Authorize(_ context.Context, req *http.Request) error {
	req.Header.Set("Authorization", "SSWS "+s.token())
	return nil
}

func (s *ssws) String() string { return redacted }

func (s *ssws) GoString() string { return redacted }

// Format answers every verb alike; without it %x and %d would reach the field.
func (s *ssws) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

func (s *ssws) LogValue() slog.Value { return slog.StringValue(redacted) }

// credentials removes what a request was authorized with from a text that came back, in case something on the way echoes
// request headers. What else was secret in the request is given as more.
func credentials(req *http.Request, more ...string) *strings.Replacer {
	var pairs []string
	for _, secret := range more {
		pairs = append(pairs, secret, redacted)
	}
	for _, name := range []string{"Authorization", "DPoP"} {
		value := req.Header.Get(name)
		if _, after, found := strings.Cut(value, " "); found {
			value = after
		}
		if value != "" {
			pairs = append(pairs, value, redacted)
		}
	}
	return strings.NewReplacer(pairs...)
}
