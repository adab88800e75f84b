// Package verify authenticates deliveries: by a fixed secret, a signature, a token or a
// certificate, as the source's settings say. One declarative Config covers every sender;
// vendors are data in package preset.
package verify

import (
	"fmt"
	"log/slog"
	"net/http"

	"sever/source"
)

// Deps are what some verifiers need beside their settings.
type Deps struct {
	// HTTP fetches keys and certificates. It must not follow redirects and must have a timeout.
	HTTP *http.Client
	// Logger hears of keys that cannot be fetched; nil for nobody.
	Logger *slog.Logger
}

// New makes the verifier that config describes. It fails where Check finds a problem, and
// where a secret or key cannot be used.
//
// A verifier that fetches keys in the background also has a Run(ctx) error, which must
// run as long as the verifier is used.
func New(config Config, deps Deps) (source.Verifier, error) { //nolint:ireturn // one constructor for every kind
	if problems := config.Check(); len(problems) > 0 {
		return nil, fmt.Errorf("verify.%s: %s; %s", problems[0].Field, problems[0].Message, problems[0].Fix)
	}
	switch config.Type {
	case "hmac", "hash", "ed25519", "ecdsa", "rsa":
		return newSigned(config)
	case "http_signature":
		return newHTTPSignature(config)
	case "jwt":
		return newJWT(config, deps)
	case "set":
		return newSET(config, deps)
	case "sns":
		return newSNS(config, deps)
	case "mtls":
		return newMTLS(config)
	default:
		return newFixed(config)
	}
}
