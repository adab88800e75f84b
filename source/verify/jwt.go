package verify

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"sever/source"
)

// maxTokenHeader bounds a token in a header, in bytes. Go's server takes 1 MiB of headers.
const maxTokenHeader = 16 << 10

// What a request lacks.
var (
	errNoToken       = errors.New("the token's header is missing")
	errManyTokens    = errors.New("the token's header is given several times")
	errTokenTooLarge = errors.New("the token is too large")
	errURLHash       = errors.New("the token is not for this URL")
	errBodyHash      = errors.New("the token is not for this body")
)

// jwtVerifier accepts a request whose header holds a token that says what the settings want.
type jwtVerifier struct {
	header   string
	rules    tokenRules
	keys     keyFinder
	url      string // as the sender knows it; "" for as it came
	urlHash  string // claims; "" for none
	bodyHash string
}

func newJWT(config Config, deps Deps) (source.Verifier, error) { //nolint:ireturn // as New
	keys, err := newTokenKeys(config, deps)
	if err != nil {
		return nil, err
	}
	v := &jwtVerifier{
		header:   textproto.CanonicalMIMEHeaderKey(orDefault(config.JWT.Header, "Authorization")),
		rules:    newTokenRules(config),
		keys:     keys,
		url:      config.URL,
		urlHash:  config.JWT.URLHash,
		bodyHash: config.JWT.BodyHash,
	}
	if remote, ok := keys.(*remoteKeys); ok {
		return refreshed{v, remote}, nil
	}
	return v, nil
}

// refreshed is a verifier whose keys are fetched while Run runs.
type refreshed struct {
	source.Verifier
	*remoteKeys
}

// Early decides all but the body's hash if the key is at hand, so that a stranger's body is
// not read. Verify decides everything again: no caller can do harm by leaving Early out,
// and a second check of a signature costs some 30 µs.
func (v *jwtVerifier) Early(req source.Request) error {
	t, err := v.read(req)
	if err != nil {
		return err
	}
	keys := v.keys.atHand(t)
	if len(keys) == 0 {
		return nil
	}
	return t.checkSignature(keys)
}

func (v *jwtVerifier) Verify(ctx context.Context, req source.Request) (source.Verified, error) {
	t, err := v.read(req)
	if err != nil {
		return source.Verified{}, err
	}
	keys, err := v.keys.find(ctx, t)
	if err != nil {
		return source.Verified{}, err
	}
	if err := t.checkSignature(keys); err != nil {
		return source.Verified{}, err
	}
	return source.Verified{}, v.checkBody(t.claims, req.Body)
}

// read checks all that needs neither key nor body.
func (v *jwtVerifier) read(req source.Request) (token, error) {
	text, err := tokenIn(req.Header[v.header])
	if err != nil {
		return token{}, err
	}
	t, err := parseToken(text)
	if err != nil {
		return token{}, err
	}
	if err := t.checkKind(v.rules.algorithms, v.rules.typ); err != nil {
		return token{}, err
	}
	if err := v.rules.check(t.claims, req.Now); err != nil {
		return token{}, err
	}
	return t, v.checkURL(t.claims, req)
}

// tokenIn takes the token out of a header's values, without a scheme such as Bearer.
func tokenIn(values []string) (string, error) {
	switch {
	case len(values) == 0:
		return "", errNoToken
	case len(values) > 1:
		return "", errManyTokens
	case len(values[0]) > maxTokenHeader:
		return "", errTokenTooLarge
	}
	if _, behind, ok := strings.Cut(values[0], " "); ok {
		return strings.TrimLeft(behind, " "), nil
	}
	return values[0], nil
}

func (v *jwtVerifier) checkURL(claims jwt.MapClaims, req source.Request) error {
	if v.urlHash == "" {
		return nil
	}
	if !hashes(claims[v.urlHash], signedURL(v.url, req)) {
		return errURLHash
	}
	return nil
}

// checkBody follows MessageBird: the claim is there exactly when there is a body
// (https://developers.messagebird.com/api/#verifying-http-requests).
func (v *jwtVerifier) checkBody(claims jwt.MapClaims, body []byte) error {
	if v.bodyHash == "" {
		return nil
	}
	claim, given := claims[v.bodyHash]
	if given != (len(body) > 0) {
		return errBodyHash
	}
	if given && !hashes(claim, string(body)) {
		return errBodyHash
	}
	return nil
}

// hashes reports whether claim is the SHA-256 of text, in hex of either case.
func hashes(claim any, text string) bool {
	written, _ := claim.(string)
	sum, err := hex.DecodeString(written)
	want := sha256.New()
	_, _ = io.WriteString(want, text)
	return err == nil && subtle.ConstantTimeCompare(sum, want.Sum(nil)) == 1
}

// signedURL is the URL that a sender addressed: known gives scheme, host and path where
// proxies change them; the query is always the one that came.
func signedURL(known string, req source.Request) string {
	scheme := "http"
	if req.TLS {
		scheme = "https"
	}
	base := scheme + "://" + req.Host + req.URL.EscapedPath()
	if u, err := url.Parse(known); known != "" && err == nil {
		u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = "", false, "", ""
		base = u.String()
	}
	if req.URL.RawQuery == "" {
		return base
	}
	return base + "?" + req.URL.RawQuery
}

func newTokenKeys(config Config, deps Deps) (keyFinder, error) { //nolint:ireturn // fixed or fetched keys
	if config.JWT.JWKS != "" {
		if deps.HTTP == nil {
			return nil, errors.New("verify.jwt.jwks: no HTTP client is given")
		}
		return newRemoteKeys(config.JWT.JWKS, deps), nil
	}
	keys, err := config.publicTokenKeys()
	if err != nil || config.Type == "set" {
		return keys, err // the secrets of a set are values of the Authorization header
	}
	for i, text := range config.Secrets {
		shared, err := config.secretBytes(text)
		if err != nil {
			return nil, fmt.Errorf("verify.secrets[%d]: %w", i, err)
		}
		keys = append(keys, tokenKey{key: shared})
	}
	return keys, nil
}

func (c Config) publicTokenKeys() (fixedKeys, error) {
	var keys fixedKeys
	for i, text := range c.PublicKeys {
		key, err := c.publicKey(text)
		if err != nil {
			return nil, fmt.Errorf("verify.public_keys[%d]: %w", i, err)
		}
		keys = append(keys, tokenKey{key: key})
	}
	return keys, nil
}

func orDefault(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// withoutRedirects makes sure of what Deps asks for: a redirect would lead to a host that
// nobody checked.
func withoutRedirects(client *http.Client) *http.Client {
	strict := *client
	strict.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &strict
}
