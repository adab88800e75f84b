package oktasim

import (
	"net/http"
	"strings"
)

// oauthProblem is a failure as the catalogue of OAuth errors has it, with Okta's own texts. The token endpoint sends it as
// its body; the management API sends it in WWW-Authenticate, with no body at all.
// https://developer.okta.com/docs/reference/error-codes/#okta-oauth-2-0-error-codes
type oauthProblem struct {
	Status      int    `json:"-"`
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func invalidClient(description string) *oauthProblem {
	return &oauthProblem{http.StatusUnauthorized, "invalid_client", description}
}

func invalidRequest(description string) *oauthProblem {
	return &oauthProblem{http.StatusBadRequest, "invalid_request", description}
}

func invalidProof(description string) *oauthProblem {
	return &oauthProblem{http.StatusBadRequest, "invalid_dpop_proof", description}
}

func invalidToken(description string) *oauthProblem {
	return &oauthProblem{http.StatusUnauthorized, "invalid_token", description}
}

// tokenReply is the problem as the token endpoint answers it.
func (p *oauthProblem) tokenReply() reply {
	return reply{status: p.Status, body: p, header: http.Header{"Cache-Control": {"no-cache, no-store"}, "Pragma": {"no-cache"}}}
}

// challenge is the problem as the management API answers it. Okta writes http:// in the addresses, whatever was called.
func (p *oauthProblem) challenge(scheme, scope string, r *http.Request) reply {
	var b strings.Builder
	b.WriteString(scheme)
	if scheme == "DPoP" {
		b.WriteString(` algs="` + strings.Join(algorithms(), " ") + `",`)
	}
	b.WriteString(` authorization_uri="http://` + r.Host + `/oauth2/v1/authorize", realm="http://` + r.Host + `", scope="` + scope + `"`)
	b.WriteString(`, error="` + p.Code + `", error_description="` + p.Description + `", resource="` + r.URL.EscapedPath() + `"`)
	return reply{status: p.Status, header: http.Header{"Www-Authenticate": {b.String()}}}
}

// calledURL is where a request was sent to, without query. It is the host that was called that counts, be it the org's own
// or a custom domain.
func calledURL(r *http.Request) string { return calledOrg(r) + r.URL.EscapedPath() }

func calledOrg(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
