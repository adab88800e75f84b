package verify_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

func setConfig(t *testing.T) verify.Config {
	t.Helper()
	return verify.Config{
		Type: "set", PublicKeys: []secret.Secret{tokenPEM(t, rsaKey().Public())},
		JWT: &verify.JWT{Issuer: "https://idp.example.com", Audience: []string{"https://sever.example.com"}, Leeway: 30 * time.Second},
	}
}

// setClaims are those of CAEP 1.0, section 3.1.
func setClaims() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": "https://idp.example.com", "jti": "24c63fb56e5a2d77a6b512616ca9fa24", "aud": []string{"https://sever.example.com"},
		"iat": tokenNow.Unix(), "txn": "8675309", "sub_id": map[string]any{"format": "email", "email": "ada@example.com"},
		"events": map[string]any{"https://schemas.openid.net/secevent/caep/event-type/session-revoked": map[string]any{"event_timestamp": 1}},
	}
}

func setRequest(text string) source.Request {
	return source.Request{Method: http.MethodPost, Header: http.Header{}, Body: []byte(text), Now: tokenNow}
}

func TestSET(t *testing.T) {
	t.Parallel()
	verifier, err := verify.New(setConfig(t), verify.Deps{})
	require.NoError(t, err)
	typ := map[string]any{"typ": "secevent+jwt"}
	for name, test := range map[string]struct {
		change func(c jwt.MapClaims)
		header map[string]any
		code   string // "" for a genuine one
	}{
		"genuine":              {nil, typ, ""},
		"full type":            {nil, map[string]any{"typ": "application/secevent+jwt"}, ""},
		"upper case type":      {nil, map[string]any{"typ": "SecEvent+JWT"}, ""},
		"audience text":        {func(c jwt.MapClaims) { c["aud"] = "https://sever.example.com" }, typ, ""},
		"as old as remembered": {func(c jwt.MapClaims) { c["iat"] = tokenNow.Add(-7 * 24 * time.Hour).Unix() }, typ, ""},
		"plain JWT":            {nil, map[string]any{"typ": "JWT"}, "invalid_request"},
		"type null":            {nil, map[string]any{"typ": nil}, "invalid_request"},
		"exp":                  {func(c jwt.MapClaims) { c["exp"] = tokenNow.Add(time.Hour).Unix() }, typ, "invalid_request"},
		"exp null":             {func(c jwt.MapClaims) { c["exp"] = nil }, typ, "invalid_request"},
		"sub":                  {func(c jwt.MapClaims) { c["sub"] = "ada" }, typ, "invalid_request"},
		"no jti":               {func(c jwt.MapClaims) { delete(c, "jti") }, typ, "invalid_request"},
		"empty jti":            {func(c jwt.MapClaims) { c["jti"] = "" }, typ, "invalid_request"},
		"number jti":           {func(c jwt.MapClaims) { c["jti"] = 1 }, typ, "invalid_request"},
		"long jti":             {func(c jwt.MapClaims) { c["jti"] = strings.Repeat("j", 1025) }, typ, "invalid_request"},
		"no events":            {func(c jwt.MapClaims) { delete(c, "events") }, typ, "invalid_request"},
		"empty events":         {func(c jwt.MapClaims) { c["events"] = map[string]any{} }, typ, "invalid_request"},
		"event list":           {func(c jwt.MapClaims) { c["events"] = []string{"x"} }, typ, "invalid_request"},
		"no iat":               {func(c jwt.MapClaims) { delete(c, "iat") }, typ, "invalid_request"},
		"iat text":             {func(c jwt.MapClaims) { c["iat"] = "now" }, typ, "invalid_request"},
		"future":               {func(c jwt.MapClaims) { c["iat"] = tokenNow.Add(31 * time.Second).Unix() }, typ, "invalid_request"},
		"too old":              {func(c jwt.MapClaims) { c["iat"] = tokenNow.Add(-7*24*time.Hour - time.Minute).Unix() }, typ, "invalid_request"},
		"milliseconds":         {func(c jwt.MapClaims) { c["iat"] = tokenNow.UnixMilli() }, typ, "invalid_request"},
		"other issuer":         {func(c jwt.MapClaims) { c["iss"] = "https://idp.example.com/" }, typ, "invalid_issuer"},
		"no issuer":            {func(c jwt.MapClaims) { delete(c, "iss") }, typ, "invalid_issuer"},
		"other audience":       {func(c jwt.MapClaims) { c["aud"] = []string{"https://other.example.com"} }, typ, "invalid_audience"},
		"no audience":          {func(c jwt.MapClaims) { delete(c, "aud") }, typ, "invalid_audience"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := setClaims()
			if test.change != nil {
				test.change(claims)
			}
			req := setRequest(signedToken(t, "RS256", rsaKey(), claims, test.header))
			require.NoError(t, verifier.Early(req))
			verified, err := verifier.Verify(t.Context(), req)
			if test.code == "" {
				require.NoError(t, err)
				require.Len(t, verified.ID, 64)
				return
			}
			requireSETError(t, err, test.code)
		})
	}
}

func requireSETError(t *testing.T, err error, code string) {
	t.Helper()
	var refused *source.SETError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, code, refused.Code)
	require.NotEmpty(t, refused.Description)
	require.NotContains(t, err.Error(), "ada")
}

func TestSETSignature(t *testing.T) {
	t.Parallel()
	config := setConfig(t)
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	typ := map[string]any{"typ": "secevent+jwt"}
	good := signedToken(t, "RS256", rsaKey(), setClaims(), typ)
	for name, test := range map[string]struct{ text, code string }{
		"another algorithm":    {signedToken(t, "RS384", rsaKey(), setClaims(), typ), "invalid_key"},
		"public key as secret": {signedToken(t, "HS256", []byte(config.PublicKeys[0].Reveal()), setClaims(), typ), "invalid_key"},
		"none":                 {signedToken(t, "none", jwt.UnsafeAllowNoneSignatureType, setClaims(), typ), "invalid_key"},
		"flipped":              {good[:len(good)-3] + "AAA", "invalid_key"},
		"empty":                {"", "invalid_request"},
		"JSON":                 {`{"events":{}}`, "invalid_request"},
		"cut":                  {good[:strings.LastIndex(good, ".")], "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := verifier.Verify(t.Context(), setRequest(test.text))
			requireSETError(t, err, test.code)
		})
	}
}

func TestSETAuthorization(t *testing.T) {
	t.Parallel()
	config := setConfig(t)
	config.Secrets = []secret.Secret{secret.New("Bearer new"), secret.New("Bearer old")}
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	for name, test := range map[string]struct {
		values []string
		valid  bool
	}{
		"new": {[]string{"Bearer new"}, true}, "old": {[]string{"Bearer old"}, true},
		"none": {nil, false}, "wrong": {[]string{"Bearer x"}, false}, "empty": {[]string{""}, false},
		"twice": {[]string{"Bearer new", "Bearer new"}, false}, "part": {[]string{"new"}, false},
	} {
		err := verifier.Early(source.Request{Header: http.Header{"Authorization": test.values}})
		if test.valid {
			require.NoError(t, err, name)
		} else {
			requireSETError(t, err, "authentication_failed")
		}
	}
}

func TestSETRoundTrip(t *testing.T) {
	t.Parallel()
	config := setConfig(t)
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	sample, err := json.Marshal(map[string]any{"iss": "x", "aud": "y", "iat": 1, "events": map[string]any{"e": map[string]any{}}})
	require.NoError(t, err)
	first, err := verify.Sign(config, rsaKey(), nil, sample, tokenNow)
	require.NoError(t, err)
	second, err := verify.Sign(config, rsaKey(), nil, sample, tokenNow)
	require.NoError(t, err)
	ids := map[string]bool{}
	for _, text := range [][]byte{first, append(second, '\n'), first} {
		verified, err := verifier.Verify(t.Context(), setRequest(string(text)))
		require.NoError(t, err)
		ids[verified.ID] = true
	}
	require.Len(t, ids, 2, "the same event has the same id")
	_, err = verify.Sign(config, nil, nil, sample, tokenNow)
	require.Error(t, err)
	_, err = verify.Sign(config, rsaKey(), nil, []byte("null"), tokenNow)
	require.Error(t, err)
}

func FuzzSET(f *testing.F) {
	var t testing.T
	config := setConfig(&t)
	verifier, err := verify.New(config, verify.Deps{})
	if err != nil {
		f.Fatal(err)
	}
	good := signedToken(&t, "RS256", rsaKey(), setClaims(), map[string]any{"typ": "secevent+jwt"})
	f.Add([]byte(good))
	f.Add([]byte("e30.e30."))
	f.Add([]byte(`eyJhbGciOiJub25lIn0.e30.`))
	f.Fuzz(func(t *testing.T, body []byte) {
		verified, err := verifier.Verify(t.Context(), setRequest(string(body)))
		if err == nil && strings.TrimSpace(string(body)) != good {
			t.Errorf("a token that nobody signed is accepted, with id %q", verified.ID)
		}
	})
}
