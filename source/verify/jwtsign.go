package verify

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sever/source"
)

// signedFor is how long a token that we sign is good.
const signedFor = 5 * time.Minute

// signJWT puts a token into the header where the sender would put it.
func signJWT(config Config, key crypto.Signer, req *http.Request, body []byte, now time.Time) error {
	if config.JWT == nil {
		return errors.New("sign: verify.jwt is missing")
	}
	claims := jwt.MapClaims{
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(signedFor).Unix(), "jti": rand.Text(),
	}
	for name, text := range config.JWT.Claims {
		claims[name] = text
	}
	config.addParties(claims)
	if config.JWT.URLHash != "" {
		came := source.Request{URL: req.URL, Host: orDefault(req.Host, req.URL.Host), TLS: req.URL.Scheme == "https"}
		claims[config.JWT.URLHash] = hexSHA256([]byte(signedURL(config.URL, came)))
	}
	if config.JWT.BodyHash != "" && len(body) > 0 {
		claims[config.JWT.BodyHash] = hexSHA256(body)
	}
	text, err := config.signToken(key, orDefault(config.JWT.Type, "JWT"), claims)
	if err != nil {
		return err
	}
	header := orDefault(config.JWT.Header, "Authorization")
	if http.CanonicalHeaderKey(header) == "Authorization" {
		text = "Bearer " + text
	}
	req.Header.Set(header, text)
	return nil
}

func (c Config) addParties(claims jwt.MapClaims) {
	if c.JWT.Issuer != "" {
		claims["iss"] = c.JWT.Issuer
	}
	if audience := c.audience(); len(audience) > 0 {
		claims["aud"] = audience[0]
	}
}

// signToken signs with key, or with the first secret if key is nil.
func (c Config) signToken(key crypto.Signer, typ string, claims jwt.MapClaims) (string, error) {
	var signer any = key
	var public crypto.PublicKey
	switch {
	case key != nil:
		public = key.Public()
	case len(c.Secrets) > 0:
		shared, err := c.secretBytes(c.Secrets[0])
		if err != nil {
			return "", fmt.Errorf("sign: verify.secrets[0]: %w", err)
		}
		signer, public = shared, shared
	default:
		return "", fmt.Errorf("sign: %w", ErrNoKey)
	}
	for _, alg := range c.JWT.algorithms() {
		if !keyFits(public, alg) {
			continue
		}
		unsigned := jwt.NewWithClaims(signingMethod(alg), claims)
		unsigned.Header["alg"], unsigned.Header["typ"] = alg, typ
		text, err := unsigned.SignedString(signer)
		if err != nil {
			return "", fmt.Errorf("sign the token: %w", err)
		}
		return text, nil
	}
	return "", errors.New("sign: the key fits none of verify.jwt.algorithms")
}

func hexSHA256(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
