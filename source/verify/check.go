package verify

import "sever/source"

// Check finds every mistake in the settings, whether or not the secrets were read.
func (c Config) Check() []source.Problem {
	problems := c.unused()
	switch c.Type {
	case "hmac", "hash", "ed25519", "ecdsa", "rsa":
		return append(problems, c.checkSigned()...)
	case "http_signature":
		return append(problems, c.checkHTTPSignature()...)
	case "jwt", "set":
		return append(problems, c.checkJWT()...)
	case "sns":
		return append(problems, c.checkSNS()...)
	case "mtls":
		return append(problems, c.checkMTLS()...)
	default:
		return append(problems, c.checkFixed()...)
	}
}
