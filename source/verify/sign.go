package verify

import (
	"crypto"
	"errors"
	"net/http"
	"time"
)

// ErrNoKey is what Sign says where a sender signs with a private key and none is given.
var ErrNoKey = errors.New("no private key is given")

// Sign makes req what the source's sender would send at now: it sets headers, changes the
// URL where that carries the secret, and gives the body to send, which differs from body
// only where the secret stands in it. key is the sender's private key, for the types whose
// secret is one; nil otherwise.
func Sign(config Config, key crypto.Signer, req *http.Request, body []byte, now time.Time) ([]byte, error) {
	switch config.Type {
	case "hmac", "hash", "ed25519", "ecdsa", "rsa":
		return body, signSigned(config, key, req, body, now)
	case "http_signature":
		return body, signHTTPSignature(config, key, req, body, now)
	case "jwt":
		return body, signJWT(config, key, req, body, now)
	case "set":
		if len(config.Secrets) > 0 {
			req.Header.Set("Authorization", config.Secrets[0].Reveal())
		}
		return signSET(config, key, body, now)
	case "sns":
		return signSNS(key, body)
	default:
		return signFixed(config, req, body)
	}
}
