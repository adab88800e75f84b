package oktasim

import (
	"net/http"
	"net/url"
	"time"
)

const (
	assertionType    = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	maxAssertionLife = time.Hour
)

// authenticate finds out which client is asking for a token, the way Okta does for private_key_jwt.
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/#jwt-with-private-key
func (s *Server) authenticate(r *http.Request, form url.Values) (registered, *oauthProblem) {
	_, _, basic := r.BasicAuth()
	switch assertion := form.Has("client_assertion"); {
	case assertion && (basic || form.Has("client_secret")):
		return registered{}, &oauthProblem{
			http.StatusUnauthorized, "invalid_request",
			"Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, " +
				"credentials in the post body, or a client_assertion in the post body.",
		}
	case basic || form.Has("client_secret"):
		return registered{}, invalidClient("Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.")
	case !assertion:
		return registered{}, invalidClient("No client credentials found.")
	case form.Get("client_assertion_type") != assertionType:
		return registered{}, invalidRequest("The client_assertion_type is invalid.")
	}
	read, ok := readSigned(form.Get("client_assertion"))
	if !ok {
		return registered{}, invalidClient("The parsing of the client_assertion failed.")
	}
	client, problem := s.asserted(read, form)
	if problem == nil {
		problem = s.checkClaims(read, client, calledURL(r))
	}
	return client, problem
}

// asserted finds the client an assertion names and checks that it made the signature.
func (s *Server) asserted(assertion signed, form url.Values) (registered, *oauthProblem) {
	if !assertion.allowed() {
		return registered{}, invalidClient("The client_assertion JWT signature algorithm is invalid.")
	}
	client, known := s.clients.get(assertion.text("iss"))
	switch {
	case !known:
		return registered{}, invalidClient("The issuer claim for client_assertion is not a valid client_id.")
	case assertion.text("sub") != client.ID:
		return registered{}, invalidClient("The subject claim for client_assertion is not a valid client_id.")
	case form.Has("client_id") && form.Get("client_id") != client.ID:
		return registered{}, invalidClient("Invalid value for 'client_id' parameter.")
	case client.keys == nil:
		return registered{}, invalidClient("The client JWKSet is invalid.")
	}
	for _, key := range client.keys {
		switch {
		case key.id != assertion.head("kid"):
			continue
		case !key.fits(assertion.algorithm):
			return registered{}, invalidClient("The client_assertion JWT signature algorithm is invalid.")
		case !assertion.by(key):
			return registered{}, invalidClient("The client_assertion signature is invalid.")
		}
		return client, nil
	}
	return registered{}, invalidClient("The client_assertion JWT kid is invalid.")
}

// checkClaims holds an assertion against this request and this moment. A jti is used up by it, whatever comes of the rest
// of the request.
func (s *Server) checkClaims(assertion signed, client registered, endpoint string) *oauthProblem {
	now := s.opts.Now()
	audience, err := assertion.claims.GetAudience()
	if err != nil || len(audience) != 1 || audience[0] != endpoint {
		return invalidClient("The audience claim for client_assertion must be the endpoint invoked for the request.")
	}
	expires, problem := checkLifetime(assertion, now)
	switch {
	case problem != nil:
		return problem
	case !assertion.has("jti"):
		return nil // optional: without one an assertion can be used until it expires
	case assertion.text("jti") == "":
		return invalidClient("The parsing of the client_assertion failed.")
	case !s.assertions.use(client.ID, assertion.text("jti"), now, expires):
		return invalidClient("The client_assertion token has already been used.")
	}
	return nil
}

func checkLifetime(assertion signed, now time.Time) (expires time.Time, problem *oauthProblem) {
	expires, hasExpiry := assertion.at("exp")
	issued, hasIssued := assertion.at("iat")
	switch {
	case !hasExpiry:
		return expires, invalidClient("The client_assertion must contain the 'exp' claim as seconds since epoch.")
	case !now.Before(expires):
		return expires, invalidClient("The client_assertion token is expired.")
	case expires.After(now.Add(maxAssertionLife)):
		return expires, invalidClient("The client_assertion token has an expiration too far into the future.")
	case assertion.has("iat") && (!hasIssued || issued.After(now)):
		return expires, invalidClient("The client_assertion token must be issued before the current time.")
	}
	return expires, nil
}
