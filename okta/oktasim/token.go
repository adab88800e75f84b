package oktasim

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	defaultTokenLifetime = time.Hour
	maxTokens            = 100_000
)

// grant is what an access token stands for.
type grant struct {
	client  string
	scopes  []string
	key     string // thumbprint of the DPoP key it is bound to, or ""
	expires time.Time
	revoked bool
}

// grantStore holds the access tokens that were issued. Expired ones are kept for as long again, to be told apart from those
// that never were.
type grantStore struct {
	mu       sync.Mutex
	lifetime time.Duration
	grants   map[[sha256.Size]byte]grant
	prune    int
}

func newGrantStore(lifetime time.Duration) *grantStore {
	g := &grantStore{lifetime: lifetime}
	g.reset()
	return g
}

func (st *grantStore) add(token string, g grant, now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.grants) >= st.prune {
		maps.DeleteFunc(st.grants, func(_ [sha256.Size]byte, g grant) bool { return now.After(g.expires.Add(st.lifetime)) })
		if len(st.grants) >= maxTokens {
			clear(st.grants)
		}
		st.prune = max(1000, 2*len(st.grants))
	}
	st.grants[sha256.Sum256([]byte(token))] = g
}

func (st *grantStore) get(token string) (grant, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	g, ok := st.grants[sha256.Sum256([]byte(token))]
	return g, ok
}

func (st *grantStore) revoke() {
	st.mu.Lock()
	defer st.mu.Unlock()
	for token, g := range st.grants {
		g.revoked = true
		st.grants[token] = g
	}
}

func (st *grantStore) reset() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.grants, st.prune = map[[sha256.Size]byte]grant{}, 1000
}

// RevokeTokens makes every access token that was issued invalid, as when an admin revokes them.
func (s *Server) RevokeTokens() { s.grants.revoke() }

// issueToken is the token endpoint of the org authorization server, for service apps: client_credentials only.
// https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/
func (s *Server) issueToken(x exchange) reply {
	form, problem := tokenForm(x.r)
	if problem != nil {
		return problem.tokenReply()
	}
	client, problem := s.authenticate(x.r, form)
	if problem != nil {
		return problem.tokenReply()
	}
	granted := grant{client: client.ID}
	if client.DPoPRequired { // else a proof that nobody asked for is ignored
		key, problem := s.checkTokenProof(x.r, client)
		if problem != nil {
			answer := problem.tokenReply()
			if problem.Code == "use_dpop_nonce" {
				maps.Copy(answer.header, s.nonceHeader())
			}
			return answer
		}
		granted.key = key.thumbprint
	}
	granted.scopes, problem = grantedScopes(form, client)
	if problem != nil {
		return problem.tokenReply()
	}
	return s.grantReply(granted, x)
}

// tokenForm reads the body and refuses what cannot be meant for this endpoint.
func tokenForm(r *http.Request) (url.Values, *oauthProblem) {
	if err := r.ParseForm(); err != nil {
		return nil, invalidRequest("Invalid request")
	}
	for _, values := range r.Form { // query and body together
		if len(values) > 1 {
			return nil, invalidRequest("The request contained multiple parameters with the same name.")
		}
	}
	query := r.URL.Query()
	switch {
	case query.Has("client_id") || query.Has("client_secret") || query.Has("client_assertion"):
		return nil, invalidRequest("Client credentials cannot be supplied via query parameters.")
	case r.PostForm.Get("grant_type") == "":
		return nil, invalidRequest("The token request must specify a 'grant_type'. Valid values: [client_credentials]")
	case r.PostForm.Get("grant_type") != "client_credentials":
		return nil, &oauthProblem{
			http.StatusBadRequest, "unsupported_grant_type",
			"The authorization grant type is not supported by the authorization server. Configured grant types: [client_credentials].",
		}
	}
	return r.PostForm, nil
}

func grantedScopes(form url.Values, client registered) ([]string, *oauthProblem) {
	scopes := strings.Fields(form.Get("scope"))
	if len(scopes) == 0 {
		return nil, &oauthProblem{
			http.StatusBadRequest, "invalid_scope",
			"The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
		}
	}
	for _, scope := range scopes {
		if !slices.Contains(client.Scopes, scope) {
			return nil, &oauthProblem{http.StatusBadRequest, "invalid_scope", "One or more scopes are not configured for the authorization server resource."}
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}

func (s *Server) grantReply(g grant, x exchange) reply {
	now := s.opts.Now()
	g.expires = now.Add(s.opts.TokenLifetime)
	token, err := s.signToken(g, x.r, now)
	if err != nil {
		return (&oauthProblem{http.StatusInternalServerError, "server_error", "Failed to create the access_token."}).tokenReply()
	}
	s.grants.add(token, g, now)
	kind := "Bearer"
	if g.key != "" {
		kind = "DPoP"
	}
	answer := (&oauthProblem{Status: http.StatusOK}).tokenReply()
	answer.body = map[string]any{
		"token_type": kind, "expires_in": int(s.opts.TokenLifetime / time.Second), "access_token": token, "scope": strings.Join(g.scopes, " "),
	}
	return answer
}

// signToken makes a token that looks like Okta's. Nobody is to read it, so a key from the seed will do to sign it.
func (s *Server) signToken(g grant, r *http.Request, now time.Time) (string, error) {
	claims := jwt.MapClaims{
		"ver": 1, "jti": "AT." + s.ids.request(), "iss": calledOrg(r), "aud": calledOrg(r), "sub": g.client, "cid": g.client,
		"scp": g.scopes, "iat": now.Unix(), "exp": g.expires.Unix(),
	}
	if g.key != "" {
		claims["cnf"] = map[string]string{"jkt": g.key}
	}
	key := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("access token"), s.opts.Seed))
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(key[:]) //nolint:wrapcheck // cannot fail with a key of bytes
}
