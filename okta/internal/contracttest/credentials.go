package contracttest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// The names of the security schemes, as the descriptions have them; sessionCookie is our own.
const (
	schemeAPIToken   = "apiToken"
	schemeOAuth      = "oauth2"
	schemePrivateKey = "Client_authentication_private_key_jwt"
	schemeCookie     = "sessionCookie"
)

// authenticate reports whether a request carries its credential in the form a security scheme asks for, and no other one. It
// never repeats a credential.
func authenticate(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	req := input.RequestValidationInput.Request
	switch input.SecuritySchemeName {
	case schemeAPIToken:
		return wantHeader(req, "SSWS", false)
	case schemeOAuth:
		if strings.HasPrefix(req.Header.Get("Authorization"), "DPoP ") {
			return wantHeader(req, "DPoP", true)
		}
		return wantHeader(req, "Bearer", false)
	case schemePrivateKey:
		return wantAssertion(req)
	case schemeCookie:
		return wantCookie(req)
	}
	return fmt.Errorf("%s: this client never uses it", input.SecuritySchemeName)
}

func wantHeader(req *http.Request, scheme string, proof bool) error {
	values := req.Header.Values("Authorization")
	switch {
	case len(values) != 1:
		return fmt.Errorf("%d Authorization headers, want one", len(values))
	case len(req.Header.Values("Cookie")) > 0:
		return errors.New("a cookie beside the API credential")
	}
	got, token, found := strings.Cut(values[0], " ")
	if !found || got != scheme || token == "" || strings.ContainsAny(token, " \t") {
		return fmt.Errorf("the Authorization header is not %s and one token", scheme)
	}
	if proofs := req.Header.Values("DPoP"); proof != (len(proofs) == 1 && isJWT(proofs[0])) {
		return fmt.Errorf("%d usable DPoP proofs do not go with %s", len(proofs), scheme)
	}
	return nil
}

// wantAssertion: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
func wantAssertion(req *http.Request) error {
	raw, err := req.GetBody()
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	body, err := drain(raw)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(body))
	switch {
	case err != nil:
		return errors.New("the body is not a form")
	case len(req.Header.Values("Authorization"))+len(req.Header.Values("Cookie")) > 0:
		return errors.New("a second credential beside the assertion")
	case form.Has("client_secret"), form.Has("client_id"):
		return errors.New("a client secret or id beside the assertion, which says who it is for")
	case form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		return errors.New("client_assertion_type is not jwt-bearer")
	case len(form["client_assertion"]) != 1 || !isJWT(form.Get("client_assertion")):
		return errors.New("client_assertion is not one JWT")
	}
	if proofs := req.Header.Values("DPoP"); len(proofs) > 1 || len(proofs) == 1 && !isJWT(proofs[0]) {
		return errors.New("the DPoP header is not one JWT")
	}
	return nil
}

func wantCookie(req *http.Request) error {
	for _, name := range []string{"Authorization", "DPoP"} {
		if len(req.Header.Values(name)) > 0 {
			return fmt.Errorf("%s on an end user's call", name)
		}
	}
	cookies := req.Cookies()
	if len(cookies) != 1 || cookies[0].Name != "sid" && cookies[0].Name != "idx" || cookies[0].Value == "" {
		return errors.New("not exactly one session cookie")
	}
	return nil
}

func isJWT(s string) bool {
	parts := strings.Split(s, ".")
	return len(parts) == 3 && parts[0] != "" && parts[1] != "" && parts[2] != ""
}
