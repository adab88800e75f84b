package handshake

import (
	"context"
	"encoding/hex"
	"net/http"

	"sever/source"
)

// zoom answers endpoint.url_validation by signing its token
// (https://developers.zoom.us/docs/api/webhooks/).
type zoom struct {
	signer signer
}

func newZoom(config Config, deps Deps) (zoom, error) {
	signer, err := newSigner("zoom", config.Secrets, deps.Secrets)
	return zoom{signer}, err
}

// Open is false: Zoom signs the check. An answer to anyone would sign for anyone.
func (zoom) Open() bool { return false }

func (z zoom) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodPost {
		return no()
	}
	token, ok := plainToken(req.Body)
	if !ok {
		return no()
	}
	signature, err := z.signer.sign(token)
	if err != nil {
		return refused(err)
	}
	return jsonReply(struct {
		PlainToken     string `json:"plainToken"`
		EncryptedToken string `json:"encryptedToken"`
	}{token, hex.EncodeToString(signature)})
}

func plainToken(body []byte) (string, bool) {
	members, ok := object(body, "event", "payload", "event_ts")
	if !ok {
		return "", false
	}
	if event, ok := text(members, "event"); !ok || event != "endpoint.url_validation" {
		return "", false
	}
	payload, ok := object(members["payload"], "plainToken")
	if !ok {
		return "", false
	}
	return text(payload, "plainToken")
}
