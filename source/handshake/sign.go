package handshake

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"

	"sever/internal/secret"
)

// signer signs a challenge with the secret that signs deliveries. Whoever can choose the
// text that is signed could have a delivery signed, so only a text is taken that can be
// neither a JSON object nor a filled-in form, nor hold the separators of a signed text.
type signer struct {
	key secret.Secret
}

var (
	challengeForm = regexp.MustCompile(`^[0-9A-Za-z+/_-]{1,256}={0,2}$`)
	errChallenge  = errors.New("the challenge is empty, too long, or holds more than letters, digits and + / _ - =")
)

// newSigner takes the handshake's own secret, else the source's first.
func newSigner(kind string, own, ofSource []secret.Secret) (signer, error) {
	secrets := own
	if len(secrets) == 0 {
		secrets = ofSource
	}
	if len(secrets) == 0 || secrets[0].Reveal() == "" {
		return signer{}, fmt.Errorf("handshake %s: no secret to sign the answer with; add secrets to it, or to verify", kind)
	}
	return signer{key: secrets[0]}, nil
}

func (s signer) sign(challenge string) ([]byte, error) {
	if !challengeForm.MatchString(challenge) {
		return nil, errChallenge
	}
	mac := hmac.New(sha256.New, []byte(s.key.Reveal()))
	_, _ = mac.Write([]byte(challenge)) // a hash never fails
	return mac.Sum(nil), nil
}
