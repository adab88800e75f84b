package oktasim

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// caller is who a call was found to come from.
type caller struct {
	client  string  // the service app, or "" for an API token and for a bearer token that nobody issued
	session session // of the person in the browser, for the calls that take a cookie
}

// admitAnyone lets every call in: the operation checks for itself.
func (s *Server) admitAnyone(exchange) (caller, *reply) { return caller{}, nil }

// admitCredential wants an API token or an access token with the scope and the role for the operation.
func (s *Server) admitCredential(x exchange) (caller, *reply) {
	scheme, token, _ := strings.Cut(x.r.Header.Get("Authorization"), " ")
	switch {
	case strings.TrimSpace(scheme) == "":
		problem := s.known(http.StatusForbidden, "E0000005")
		return caller{}, &problem
	case scheme == "Bearer" && s.clients.empty() && token != "" && s.isToken(token):
		return caller{}, nil
	case scheme == "Bearer" || scheme == "DPoP":
		return s.admitAccessToken(x, scheme, token)
	case scheme == "SSWS" && token != "" && s.isToken(token):
		return caller{}, nil
	}
	problem := s.known(http.StatusUnauthorized, "E0000011")
	return caller{}, &problem
}

// isToken reports whether it is the configured token; when none is, anything is.
func (s *Server) isToken(token string) bool {
	return s.opts.Token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(s.opts.Token)) == 1
}

func (s *Server) admitAccessToken(x exchange, scheme, token string) (caller, *reply) {
	granted, problem := s.checkAccessToken(x.r, scheme, token)
	if problem == nil && x.route.scope != "" && !slices.Contains(granted.scopes, x.route.scope) {
		problem = &oauthProblem{http.StatusForbidden, "insufficient_scope", "The access token provided does not contain the required scopes."}
	}
	if problem != nil {
		refusal := problem.challenge(scheme, x.route.scope, x.r)
		return caller{}, &refusal
	}
	client, ok := s.clients.get(granted.client)
	if x.route.permission != "" && (!ok || !client.may(x.route.permission)) {
		refusal := s.known(http.StatusForbidden, "E0000006")
		return caller{}, &refusal
	}
	return caller{client: granted.client}, nil
}

// checkAccessToken checks the token and, if it is bound to a key, the proof that the caller holds it.
func (s *Server) checkAccessToken(r *http.Request, scheme, token string) (grant, *oauthProblem) {
	granted, issued := s.grants.get(token)
	bound := granted.key != ""
	switch {
	case !issued || (scheme == "DPoP" && !bound):
		return grant{}, invalidToken("The access token is invalid.")
	case granted.revoked:
		return grant{}, invalidToken("The access token has been revoked.")
	case !s.opts.Now().Before(granted.expires):
		return grant{}, invalidToken("The token has expired.")
	case !bound:
		return granted, nil
	case r.Header.Get("DPoP") == "":
		return grant{}, invalidRequest("The resource request requires a DPoP proof.")
	case scheme != "DPoP":
		return grant{}, invalidRequest("The resource request must use the DPoP authentication scheme when using a DPoP bound token.")
	}
	return granted, s.checkBinding(r, granted, token)
}

func (s *Server) checkBinding(r *http.Request, granted grant, token string) *oauthProblem {
	key, proof, problem := s.checkProof(r)
	hash := sha256.Sum256([]byte(token))
	switch {
	case problem != nil:
		return problem
	case proof.text("ath") != encodeBytes(hash[:]):
		return invalidProof("'ath' claim in the DPoP proof does not match the presented access_token.")
	case key.thumbprint != granted.key:
		return invalidProof("The access_token is not bound to the provided DPoP proof.")
	}
	return nil
}

// principal is whose share of the rate limits a call uses: the service app's or the credential's. Empty means nobody's.
func (s *Server) principal(r *http.Request) string {
	header := r.Header.Get("Authorization")
	if header == "" {
		return ""
	}
	_, token, _ := strings.Cut(header, " ")
	if granted, ok := s.grants.get(token); ok {
		return granted.client
	}
	sum := sha256.Sum256([]byte(header))
	return encodeBytes(sum[:])
}
