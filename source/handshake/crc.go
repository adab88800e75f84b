package handshake

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"

	"sever/source"
)

// crc answers X's challenge-response check, a GET with ?crc_token=
// (https://developer.x.com/en/docs/x-api/enterprise/account-activity-api/guides/securing-webhooks).
type crc struct {
	signer signer
}

func newCRC(config Config, deps Deps) (crc, error) {
	signer, err := newSigner("crc", config.Secrets, deps.Secrets)
	return crc{signer}, err
}

// Open is true: a GET has no body to sign, and the answer itself is the proof that is
// wanted. What signer refuses to sign is what keeps this from signing deliveries.
func (crc) Open() bool { return true }

func (c crc) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodGet || req.URL == nil {
		return no()
	}
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil || !query.Has("crc_token") {
		return no()
	}
	token, err := single(query["crc_token"])
	if err != nil {
		return refused(err)
	}
	signature, err := c.signer.sign(token)
	if err != nil {
		return refused(err)
	}
	return jsonReply(struct {
		ResponseToken string `json:"response_token"`
	}{"sha256=" + base64.StdEncoding.EncodeToString(signature)})
}
