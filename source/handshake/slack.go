package handshake

import (
	"context"
	"net/http"

	"sever/source"
)

// slack answers the Events API's url_verification, whose token is Slack's retired way to
// sign (https://api.slack.com/events/url_verification). Senders that follow Slack, such as
// monday.com, leave out all but the challenge; no page of theirs was seen.
type slack struct{}

// Open is false: Slack signs the check.
func (slack) Open() bool { return false }

func (slack) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodPost {
		return no()
	}
	members, ok := object(req.Body, "type", "challenge", "token")
	if !ok {
		return no()
	}
	kind, hasKind := text(members, "type")
	challenge, hasChallenge := text(members, "challenge")
	bare := len(members) == 1
	if !hasChallenge || !bare && (!hasKind || kind != "url_verification") {
		return no()
	}
	if err := printable(challenge, maxReflected); err != nil {
		return refused(err)
	}
	return jsonReply(struct {
		Challenge string `json:"challenge"`
	}{challenge})
}
