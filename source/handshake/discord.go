package handshake

import (
	"context"
	"net/http"

	"sever/source"
)

// discord answers a PING, {"type":1}, in kind. Around it Discord sends the envelope that
// every interaction has; a PING has no data
// (https://discord.com/developers/docs/interactions/receiving-and-responding). Which keys
// the envelope has is from general knowledge.
type discord struct{}

// Open is false: Discord signs the check, and checks that a bad signature is refused.
func (discord) Open() bool { return false }

func (discord) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodPost {
		return no()
	}
	members, ok := object(req.Body, "type", "id", "application_id", "token", "version", "user",
		"app_permissions", "entitlements", "authorizing_integration_owners", "attachment_size_limit")
	if !ok || string(members["type"]) != "1" {
		return no()
	}
	return jsonReply(struct {
		Type int `json:"type"`
	}{1})
}
