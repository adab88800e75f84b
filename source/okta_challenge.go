package source

import (
	"errors"
	"net/http"
)

// maxChallenge caps what is reflected. Okta's own values are far shorter.
const maxChallenge = 1024

const challengeHeader = "X-Okta-Verification-Challenge"

// OktaChallenge answers Okta's one-time verification of an event hook: a GET with
// a value in a header, to be given back as JSON
// (https://developer.okta.com/docs/concepts/event-hooks/).
type OktaChallenge struct {
	// WithoutSecret answers anyone. Okta's pages do not say whether the verification
	// carries the hook's secret, so the default is to ask for it.
	WithoutSecret bool
}

// Open reports whether the check comes without the source's secret.
func (c OktaChallenge) Open() bool { return c.WithoutSecret }

// Answer gives the challenge back.
func (c OktaChallenge) Answer(header http.Header) (any, error) {
	challenge := header.Get(challengeHeader)
	if challenge == "" {
		return nil, errors.New("this URL takes POST; a GET needs the header " + challengeHeader)
	}
	if len(challenge) > maxChallenge {
		return nil, errors.New("the challenge is too long")
	}
	return struct {
		Verification string `json:"verification"`
	}{challenge}, nil
}
