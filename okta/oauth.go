package okta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// OAuthConfig is a service app of an Okta org. OrgURL, ClientID and Keys are required.
type OAuthConfig struct {
	// OrgURL is the org, such as "https://acme.okta.com": the same as [Config].BaseURL, because Okta ties assertions, proofs
	// and tokens to the host that is called.
	OrgURL string
	// ClientID is the app's, such as "0oa1gjh63g214q0Hq0g4".
	ClientID string
	// Keys are one or, while keys are rotated, two. The second is tried when Okta refuses the app with the first.
	Keys []Key
	// Scopes must be granted to the app. Empty means okta.users.manage and okta.users.read, which suffice to look people up
	// and end their sessions.
	Scopes []string
	// DisableDPoP leaves out the proof that binds tokens to this process. There is no need to: Okta ignores the proof when it
	// does not want one.
	DisableDPoP bool
	// Transport sends token requests; nil means an own one, as in [Config].
	Transport http.RoundTripper
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Warn is told of trouble that stops nothing yet: a changed key that cannot be read, a first key that Okta refuses, a
	// token that could not be renewed ahead of time. One call at a time; it must not block. Nil means nobody is told.
	Warn func(error)
}

// OAuth authorizes as a service app: it signs in with a private key (private_key_jwt), shares one access token among all
// callers, renews it ahead of its end and binds it to this process (DPoP). It is safe for concurrent use.
type OAuth struct {
	origin    string
	transport http.RoundTripper // its own; nil when the caller gave one
	request   *tokenRequest
	prover    *prover // nil without DPoP
	keys      []*signingKey
	tokens    *tokenCache
	warn      func(error)
}

var _ Learner = (*OAuth)(nil)

// PrivateKeyJWT checks cfg, reads the keys and returns an Authorizer for a [Client]. It opens no connection: the first call
// gets the first token. The caller closes it.
//
// What its calls can fail with: [*OAuthError] when the token endpoint refuses, [*TransportError] when it gives no answer, and
// the context's error when the caller stops waiting. See [ClassOf] and [RetryAt].
//
// https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/
func PrivateKeyJWT(cfg OAuthConfig) (*OAuth, error) {
	base, err := parseBaseURL(cfg.OrgURL)
	if err != nil {
		return nil, fmt.Errorf("okta OAuth OrgURL: %w", err)
	}
	scope, err := cfg.check()
	if err != nil {
		return nil, err
	}
	o := &OAuth{origin: base.Scheme + "://" + base.Host, warn: cfg.Warn}
	for i, key := range cfg.Keys {
		signing, err := newSigningKey(key)
		if err != nil {
			return nil, fmt.Errorf("okta OAuth Keys[%d]: %w", i, err)
		}
		o.keys = append(o.keys, signing)
	}
	if o.warn == nil {
		o.warn = func(error) {}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if !cfg.DisableDPoP {
		if o.prover, err = newProver(cfg.Now); err != nil {
			return nil, fmt.Errorf("okta OAuth: %w", err)
		}
	}
	if cfg.Transport == nil {
		o.transport = newTransport()
		cfg.Transport = o.transport
	}
	o.request = &tokenRequest{
		url: o.origin + tokenPath, clientID: cfg.ClientID, scope: scope, prover: o.prover, transport: cfg.Transport, now: cfg.Now,
	}
	o.tokens = newTokenCache(cfg.Now, o.warn, o.renew)
	return o, nil
}

// check looks at all but OrgURL and the keys themselves and returns the scopes in one text.
func (cfg OAuthConfig) check() (scope string, err error) {
	if cfg.ClientID == "" || !allVisibleASCII(cfg.ClientID) {
		return "", errors.New("okta OAuth ClientID: missing or not a client id; copy it from the app's page in Okta")
	}
	if len(cfg.Keys) == 0 || len(cfg.Keys) > 2 {
		return "", fmt.Errorf("okta OAuth Keys: there are %d; give one, or two while rotating", len(cfg.Keys))
	}
	scopes := cfg.Scopes
	if len(scopes) == 0 {
		scopes = []string{"okta.users.manage", "okta.users.read"}
	}
	for i, scope := range scopes {
		if scope == "" || !allVisibleASCII(scope) {
			return "", fmt.Errorf("okta OAuth Scopes[%d]: %s is not a scope; give one like okta.users.read", i, excerpt(scope, 64))
		}
	}
	return strings.Join(scopes, " "), nil
}

// Authorize puts the access token on the request, and a fresh proof when the token is bound. It waits for a token only when
// there is none. A request to any other host than the org's is refused.
func (o *OAuth) Authorize(ctx context.Context, req *http.Request) error {
	if req.URL.Scheme+"://"+req.URL.Host != o.origin {
		return fmt.Errorf("okta OAuth is for %s alone: make BaseURL and OrgURL the same", o.origin)
	}
	access, err := o.tokens.get(ctx)
	if err != nil {
		return err
	}
	if !access.bound {
		req.Header.Set("Authorization", "Bearer "+access.value)
		return nil
	}
	proof, err := o.prover.prove(req, o.prover.api.get(), access.value)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "DPoP "+access.value)
	req.Header.Set("DPoP", proof)
	return nil
}

// Learn keeps the nonce of any answer, and gives up the token when Okta refused it.
func (o *OAuth) Learn(sent *http.Request, answer http.Header, err error) (again bool) {
	learned := o.prover != nil && o.prover.api.learn(answer)
	var refused *Error
	if !errors.As(err, &refused) {
		return false
	}
	if refused.Challenge.Error == codeUseNonce {
		return learned && sent.Header.Get("DPoP") != ""
	}
	_, value, _ := strings.Cut(sent.Header.Get("Authorization"), " ")
	return refusesToken(refused) && o.tokens.drop(value)
}

// refusesToken tells a token that is no good from one that is good but may not do this.
func refusesToken(e *Error) bool {
	switch {
	case e.Challenge.Error != "":
		return e.Challenge.Error == "invalid_token"
	case e.Code == "":
		return e.Status == http.StatusUnauthorized
	}
	return e.Code == "E0000004" || e.Code == "E0000005" || e.Code == "E0000011"
}

// renew gets a token. Only the one renewal in flight runs it, so the keys are nobody else's meanwhile.
func (o *OAuth) renew(ctx context.Context) (*token, error) {
	for i, key := range o.keys {
		if err := key.reload(); err != nil {
			o.warn(fmt.Errorf("okta OAuth key %s stays in use as it was: Keys[%d]: %w", excerpt(key.cfg.ID, 64), i, err))
		}
	}
	access, err := o.request.send(ctx, o.keys[0])
	var refused *OAuthError
	if len(o.keys) == 1 || !errors.As(err, &refused) || refused.Code != "invalid_client" {
		return access, err
	}
	o.warn(fmt.Errorf("okta OAuth key %s is refused, now trying the second: %w", excerpt(o.keys[0].cfg.ID, 64), err))
	return o.request.send(ctx, o.keys[1])
}

// Close ends a renewal under way and waits for it. Calls after it fail.
func (o *OAuth) Close() {
	o.tokens.close()
	if t, ok := o.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func (o *OAuth) String() string { return redacted }

// GoString is for %#v.
func (o *OAuth) GoString() string { return redacted }

// Format answers every verb alike.
func (o *OAuth) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue is for log/slog.
func (o *OAuth) LogValue() slog.Value { return slog.StringValue(redacted) }
