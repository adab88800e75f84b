package handshake

import (
	"bytes"
	"context"
	"net/http"

	"sever/source"
)

const pingText = "Ping test"

// hibob answers the ping that Bob sends when a webhook is saved: the bare text, or, if that
// is refused, {"text":"Ping test"} (https://apidocs.hibob.com/docs/working-with-webhooks).
type hibob struct{}

// Open is true: that page does not say whether the ping is signed. The answer tells
// nobody anything.
func (hibob) Open() bool { return true }

func (hibob) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodPost || !isPing(bytes.TrimSpace(req.Body)) {
		return no()
	}
	return textReply(""), true, nil
}

func isPing(body []byte) bool {
	if s := string(body); s == pingText || s == `"`+pingText+`"` {
		return true
	}
	members, ok := object(body, "text")
	if !ok {
		return false
	}
	said, ok := text(members, "text")
	return ok && said == pingText
}
