package handshake

import (
	"context"
	"errors"
	"net/http"

	"sever/source"
)

const oktaHeader = "X-Okta-Verification-Challenge"

// okta answers the one-time verification of an event hook: a GET with a value in a header,
// to be given back as JSON (https://developer.okta.com/docs/concepts/event-hooks/).
type okta struct {
	// withoutSecret answers anyone. Okta's pages do not say whether the verification
	// carries the hook's secret, so the default is to ask for it.
	withoutSecret bool
}

func (o okta) Open() bool { return o.withoutSecret }

func (okta) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodGet {
		return no()
	}
	values := req.Header[oktaHeader]
	if len(values) == 0 {
		return no()
	}
	challenge, err := single(values)
	if err != nil {
		return refused(err)
	}
	if challenge == "" {
		return refused(errors.New("the header " + oktaHeader + " is empty"))
	}
	if err := printable(challenge, maxReflected); err != nil {
		return refused(err)
	}
	return jsonReply(struct {
		Verification string `json:"verification"`
	}{challenge})
}
