package handshake

import (
	"bytes"
	"context"
	"net/http"
	"net/url"

	"sever/source"
)

// maxGraphToken: Microsoft states no length; its tokens are a sentence with ids.
const maxGraphToken = 4096

// graph answers Microsoft Graph, which POSTs ?validationToken= with an empty body and
// wants the decoded token back as plain text within 10 s, at the notification URL and at
// the lifecycle URL alike
// (https://learn.microsoft.com/graph/change-notifications-delivery-webhooks).
type graph struct{}

// Open is true: no clientState comes with the check.
func (graph) Open() bool { return true }

func (graph) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodPost || req.URL == nil || len(bytes.TrimSpace(req.Body)) > 0 {
		return no()
	}
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil || !query.Has("validationToken") {
		return no()
	}
	token, err := single(query["validationToken"])
	if err != nil {
		return refused(err)
	}
	if err := plain(token, maxGraphToken); err != nil {
		return refused(err)
	}
	return textReply(token), true, nil
}
