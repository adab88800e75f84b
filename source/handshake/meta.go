package handshake

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"sever/source"
)

// meta answers Meta's verification request, a GET with hub.mode, hub.verify_token and
// hub.challenge. Written from general knowledge of Meta's webhooks; no page of Meta's was
// at hand.
type meta struct {
	tokens [][sha256.Size]byte // sums: equal length, so a compare takes equal time
}

func newMeta(config Config) (meta, error) {
	var m meta
	for i, s := range config.Secrets {
		if s.Reveal() == "" {
			return meta{}, fmt.Errorf("handshake meta: secrets[%d] is empty", i)
		}
		m.tokens = append(m.tokens, sha256.Sum256([]byte(s.Reveal())))
	}
	return m, nil
}

// Open is true: the check proves itself by hub.verify_token.
func (meta) Open() bool { return true }

func (m meta) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodGet || req.URL == nil {
		return no()
	}
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil || !query.Has("hub.mode") {
		return no()
	}
	for _, name := range []string{"hub.mode", "hub.verify_token", "hub.challenge"} {
		if len(query[name]) != 1 {
			return refused(errors.New(name + " must be there once"))
		}
	}
	if query.Get("hub.mode") != "subscribe" || !m.knows(query.Get("hub.verify_token")) {
		return refused(errors.New("hub.mode is not subscribe, or hub.verify_token is wrong"))
	}
	challenge := query.Get("hub.challenge")
	if err := plain(challenge, maxReflected); err != nil {
		return refused(err)
	}
	return textReply(challenge), true, nil
}

// knows compares with every token, in a time that tells nothing about them.
func (m meta) knows(token string) bool {
	sum := sha256.Sum256([]byte(token))
	found := 0
	for i := range m.tokens {
		found |= subtle.ConstantTimeCompare(sum[:], m.tokens[i][:])
	}
	return found == 1
}
