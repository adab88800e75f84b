package verify_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

const (
	newSecret = "s3cret-of-this-year"
	oldSecret = "s3cret-of-last-year"
)

func bothSecrets() []secret.Secret {
	return []secret.Secret{secret.New(newSecret), secret.New(oldSecret)}
}

func fixedRequest(t *testing.T, target string, headers ...string) source.Request {
	t.Helper()
	u, err := url.Parse(target)
	require.NoError(t, err)
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	return source.Request{Method: http.MethodPost, URL: u, Header: header}
}

func basicOf(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// requireDecision asks both ways and looks that no error gives anything away.
func requireDecision(t *testing.T, config verify.Config, req source.Request, want error) {
	t.Helper()
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	early := verifier.Early(req)
	verified, err := verifier.Verify(t.Context(), req)
	require.ErrorIs(t, early, want)
	require.ErrorIs(t, err, want)
	require.Equal(t, source.Verified{}, verified)
	if want != nil {
		require.NotContains(t, err.Error(), "s3cret")
		require.NotContains(t, err.Error(), "guess", "nor what a stranger sent")
	}
}

func TestHeaderSecret(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		configured string
		header     http.Header
		want       error
	}{
		"the secret":               {"", http.Header{"Authorization": {newSecret}}, nil},
		"the old secret":           {"", http.Header{"Authorization": {oldSecret}}, nil},
		"configured in lower case": {"authorization", http.Header{"Authorization": {newSecret}}, nil},
		"any header":               {"x-sever-KEY", http.Header{"X-Sever-Key": {newSecret}}, nil},
		"beside other headers":     {"X-Key", http.Header{"X-Key": {newSecret}, "Authorization": {"guess"}}, nil},
		"no header at all":         {"", nil, verify.ErrMissing},
		"another header":           {"", http.Header{"X-Key": {newSecret}}, verify.ErrMissing},
		"header without values":    {"", http.Header{"Authorization": {}}, verify.ErrMissing},
		"empty value":              {"", http.Header{"Authorization": {""}}, verify.ErrMismatch},
		"wrong":                    {"", http.Header{"Authorization": {"guess"}}, verify.ErrMismatch},
		"prefix of the secret":     {"", http.Header{"Authorization": {newSecret[:len(newSecret)-1]}}, verify.ErrMismatch},
		"longer than the secret":   {"", http.Header{"Authorization": {newSecret + "x"}}, verify.ErrMismatch},
		"trailing space":           {"", http.Header{"Authorization": {newSecret + " "}}, verify.ErrMismatch},
		"leading space":            {"", http.Header{"Authorization": {" " + newSecret}}, verify.ErrMismatch},
		"other case":               {"", http.Header{"Authorization": {strings.ToUpper(newSecret)}}, verify.ErrMismatch},
		"with a scheme":            {"", http.Header{"Authorization": {"Bearer " + newSecret}}, verify.ErrMismatch},
		"both, joined":             {"", http.Header{"Authorization": {newSecret + "," + oldSecret}}, verify.ErrMismatch},
		"twice the same":           {"", http.Header{"Authorization": {newSecret, newSecret}}, verify.ErrMalformed},
		"right and wrong":          {"", http.Header{"Authorization": {newSecret, "guess"}}, verify.ErrMalformed},
		"a very long one":          {"", http.Header{"Authorization": {strings.Repeat("x", 1<<20)}}, verify.ErrMismatch},
		"the secret with a NUL":    {"", http.Header{"Authorization": {newSecret + "\x00"}}, verify.ErrMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := verify.Config{Type: "header", Header: tt.configured, Secrets: bothSecrets()}
			requireDecision(t, config, source.Request{Header: tt.header}, tt.want)
		})
	}
}

func TestBasic(t *testing.T) {
	t.Parallel()
	right := base64.StdEncoding.EncodeToString([]byte("hook:" + newSecret))
	for name, tt := range map[string]struct {
		values []string
		want   error
	}{
		"right":                  {[]string{"Basic " + right}, nil},
		"the old password":       {[]string{basicOf("hook:" + oldSecret)}, nil},
		"scheme in lower case":   {[]string{"basic " + right}, nil},
		"scheme in upper case":   {[]string{"BASIC " + right}, nil},
		"two spaces":             {[]string{"Basic  " + right}, nil},
		"wrong user":             {[]string{basicOf("guess:" + newSecret)}, verify.ErrMismatch},
		"wrong password":         {[]string{basicOf("hook:guess")}, verify.ErrMismatch},
		"no password":            {[]string{basicOf("hook:")}, verify.ErrMismatch},
		"no colon":               {[]string{basicOf("hook" + newSecret)}, verify.ErrMismatch},
		"user in the other case": {[]string{basicOf("HOOK:" + newSecret)}, verify.ErrMismatch},
		"the colon moved":        {[]string{basicOf("hook:" + newSecret + ":")}, verify.ErrMismatch},
		"nothing encoded":        {[]string{"Basic "}, verify.ErrMismatch},
		"scheme alone":           {[]string{"Basic"}, verify.ErrMalformed},
		"another scheme":         {[]string{"Bearer " + right}, verify.ErrMalformed},
		"not base64":             {[]string{"Basic hook:" + newSecret}, verify.ErrMalformed},
		"cut short":              {[]string{"Basic " + strings.TrimRight(right, "=")[:9]}, verify.ErrMalformed},
		"twice":                  {[]string{"Basic " + right, "Basic " + right}, verify.ErrMalformed},
		"none":                   {nil, verify.ErrMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := verify.Config{Type: "basic", User: "hook", Secrets: bothSecrets()}
			requireDecision(t, config, source.Request{Header: http.Header{"Authorization": tt.values}}, tt.want)
		})
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		query   string // the setting
		target  string
		headers []string
		want    error
	}{
		"header":                     {"", "/", []string{"Authorization", "Bearer " + newSecret}, nil},
		"old":                        {"", "/", []string{"Authorization", "bearer " + oldSecret}, nil},
		"query, not allowed":         {"", "/?access_token=" + newSecret, nil, verify.ErrMissing},
		"header, query is allowed":   {"access_token", "/?x=1", []string{"Authorization", "Bearer " + newSecret}, nil},
		"query":                      {"access_token", "/?x=1&access_token=" + newSecret, nil, nil},
		"query, escaped":             {"access_token", "/?access_token=s3cret%2Dof-this-year", nil, nil},
		"both":                       {"access_token", "/?access_token=" + newSecret, []string{"Authorization", "Bearer " + newSecret}, verify.ErrMalformed},
		"query twice":                {"access_token", "/?access_token=" + newSecret + "&access_token=" + newSecret, nil, verify.ErrMalformed},
		"query wrong":                {"access_token", "/?access_token=guess", nil, verify.ErrMismatch},
		"query empty":                {"access_token", "/?access_token=", nil, verify.ErrMismatch},
		"query wrong, header right":  {"access_token", "/?access_token=guess", []string{"Authorization", "Bearer " + newSecret}, verify.ErrMalformed},
		"query broken":               {"access_token", "/?access_token=" + newSecret + "&x=%zzguess", nil, verify.ErrMalformed},
		"wrong":                      {"", "/", []string{"Authorization", "Bearer guess"}, verify.ErrMismatch},
		"no scheme":                  {"", "/", []string{"Authorization", newSecret}, verify.ErrMalformed},
		"two headers":                {"", "/", []string{"Authorization", "Bearer " + newSecret, "Authorization", "Bearer guess"}, verify.ErrMalformed},
		"nothing":                    {"access_token", "/", nil, verify.ErrMissing},
		"the name in the other case": {"access_token", "/?ACCESS_TOKEN=" + newSecret, nil, verify.ErrMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := verify.Config{Type: "bearer", Query: tt.query, Secrets: bothSecrets()}
			requireDecision(t, config, fixedRequest(t, tt.target, tt.headers...), tt.want)
		})
	}
}

func TestAPIKeyInTheURL(t *testing.T) {
	t.Parallel()
	header := verify.Config{Type: "api_key", Header: "X-Api-Key", Secrets: bothSecrets()}
	query := verify.Config{Type: "api_key", Query: "token", Secrets: bothSecrets()}
	path := verify.Config{Type: "api_key", Path: true, Secrets: bothSecrets()}
	for name, tt := range map[string]struct {
		config verify.Config
		req    source.Request
		want   error
	}{
		"header":              {header, fixedRequest(t, "/", "X-Api-Key", newSecret), nil},
		"header, in a query":  {header, fixedRequest(t, "/?X-Api-Key="+newSecret), verify.ErrMissing},
		"query":               {query, fixedRequest(t, "/v1/hooks/siem?token="+oldSecret), nil},
		"query, twice":        {query, fixedRequest(t, "/?token="+newSecret+"&token=guess"), verify.ErrMalformed},
		"query, missing":      {query, fixedRequest(t, "/?other="+newSecret), verify.ErrMissing},
		"query, no URL":       {query, source.Request{}, verify.ErrMissing},
		"query, broken":       {query, fixedRequest(t, "/?token="+newSecret+";x"), verify.ErrMalformed},
		"path":                {path, fixedRequest(t, "/v1/hooks/siem/"+newSecret), nil},
		"path, escaped":       {path, fixedRequest(t, "/v1/hooks/siem/s3cret%2Dof-this-year"), nil},
		"path, escaped twice": {path, fixedRequest(t, "/v1/hooks/siem/s3cret%252Dof-this-year"), verify.ErrMismatch},
		"path, with a query":  {path, fixedRequest(t, "/v1/hooks/siem/"+newSecret+"?x=guess"), nil},
		"path, missing":       {path, fixedRequest(t, "/v1/hooks/siem"), verify.ErrMissing},
		"path, empty":         {path, fixedRequest(t, "/v1/hooks/siem/"), verify.ErrMissing},
		"path, as the name":   {path, fixedRequest(t, "/v1/hooks/"+newSecret), verify.ErrMissing},
		"path, too long":      {path, fixedRequest(t, "/v1/hooks/siem/guess/"+newSecret), verify.ErrMissing},
		"path, elsewhere":     {path, fixedRequest(t, "/v2/hooks/siem/"+newSecret), verify.ErrMissing},
		"path, wrong":         {path, fixedRequest(t, "/v1/hooks/siem/guess"), verify.ErrMismatch},
		"path, no URL":        {path, source.Request{}, verify.ErrMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireDecision(t, tt.config, tt.req, tt.want)
		})
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	config := verify.Config{Type: "ip", Networks: []string{"192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "::ffff:203.0.113.0/120"}}
	require.Empty(t, config.Check())
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	for remote, want := range map[string]bool{
		"192.0.2.0": true, "192.0.2.255": true, "198.51.100.7": true, "2001:db8::1": true, "203.0.113.9": true,
		"::ffff:192.0.2.9": true, "::ffff:203.0.113.9": true,
		"192.0.3.0": false, "198.51.100.8": false, "2001:db9::1": false, "::192.0.2.9": false, "2001:db8::1%eth0": false, "": false,
	} {
		address, _ := netip.ParseAddr(remote)
		req := source.Request{Remote: address}
		require.Equal(t, want, verifier.Early(req) == nil, remote)
		_, err := verifier.Verify(t.Context(), req)
		require.Equal(t, want, err == nil, remote)
	}
}

func TestNoneTakesAnyone(t *testing.T) {
	t.Parallel()
	requireDecision(t, verify.Config{Type: "none", Insecure: true}, source.Request{}, nil)
}

func TestWhatProvesTheSender(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]bool{"header": true, "basic": true, "hmac": true, "mtls": true, "set": true, "": true, "ip": false, "none": false} {
		require.Equal(t, want, verify.Config{Type: kind, Insecure: true}.ProvesSender(), kind)
	}
}

func TestCheckOfFixedSecrets(t *testing.T) {
	t.Parallel()
	one := func(value string) []secret.Secret { return []secret.Secret{secret.New(value)} }
	for name, tt := range map[string]struct {
		config verify.Config
		fields []string
	}{
		"header":                    {verify.Config{Type: "header", Secrets: one("x")}, nil},
		"type left out":             {verify.Config{Secrets: one("x")}, nil},
		"unknown type":              {verify.Config{Type: "telepathy", Secrets: one("x")}, []string{"type"}},
		"secrets not read":          {verify.Config{Type: "header", Secrets: make([]secret.Secret, 2)}, nil},
		"no secret":                 {verify.Config{Type: "header"}, []string{"secrets"}},
		"the same twice":            {verify.Config{Type: "header", Secrets: append(one("x"), secret.Secret{}, secret.New("x"))}, []string{"secrets[2]"}},
		"a secret as header":        {verify.Config{Type: "header", Header: "s3cret of mine", Secrets: one("x")}, []string{"header"}},
		"a reserved header":         {verify.Config{Type: "header", Header: "content-LENGTH", Secrets: one("x")}, []string{"header"}},
		"a line end in a header":    {verify.Config{Type: "header", Secrets: one("s3cret\n")}, []string{"secrets[0]"}},
		"a space after":             {verify.Config{Type: "header", Secrets: one("s3cret ")}, []string{"secrets[0]"}},
		"a space within":            {verify.Config{Type: "header", Secrets: one("Bearer s3cret")}, nil},
		"basic":                     {verify.Config{Type: "basic", User: "hook", Secrets: one("pass word")}, nil},
		"basic, no user":            {verify.Config{Type: "basic", Secrets: one("x")}, []string{"user"}},
		"basic, colon":              {verify.Config{Type: "basic", User: "a:b", Secrets: one("x")}, []string{"user"}},
		"basic, control in user":    {verify.Config{Type: "basic", User: "a\n", Secrets: one("x")}, []string{"user"}},
		"basic, control":            {verify.Config{Type: "basic", User: "hook", Secrets: one("s3cret\t")}, []string{"secrets[0]"}},
		"bearer":                    {verify.Config{Type: "bearer", Query: "access_token", Secrets: one("x")}, nil},
		"bearer, space":             {verify.Config{Type: "bearer", Secrets: one("s3cret x")}, []string{"secrets[0]"}},
		"api_key, no place":         {verify.Config{Type: "api_key", Secrets: one("x")}, []string{"type"}},
		"api_key, no place, secret": {verify.Config{Type: "api_key"}, []string{"type", "secrets"}},
		"api_key, two places":       {verify.Config{Type: "api_key", Header: "X-Key", Query: "k", Secrets: one("x")}, []string{"type"}},
		"api_key, four places":      {verify.Config{Type: "api_key", Header: "X-Key", Query: "k", Path: true, Field: "k", Secrets: one("x")}, []string{"type"}},
		"api_key, reserved header":  {verify.Config{Type: "api_key", Header: "Host", Secrets: one("x")}, []string{"header"}},
		"api_key, slash in a path":  {verify.Config{Type: "api_key", Path: true, Secrets: one("s3cret/x")}, []string{"secrets[0]"}},
		"api_key, dots as a path":   {verify.Config{Type: "api_key", Path: true, Secrets: one("..")}, []string{"secrets[0]"}},
		"api_key, anything, query":  {verify.Config{Type: "api_key", Query: "k", Secrets: one(" /&\n")}, nil},
		"api_key, field":            {verify.Config{Type: "api_key", Field: "value[*].clientState", Secrets: one("x")}, nil},
		"api_key, bad field":        {verify.Config{Type: "api_key", Field: "value[x]", Secrets: one("x")}, []string{"field"}},
		"ip":                        {verify.Config{Type: "ip", Networks: []string{"192.0.2.1", "2001:db8::/32"}}, nil},
		"ip, none":                  {verify.Config{Type: "ip"}, []string{"networks"}},
		"ip, bad": {
			verify.Config{Type: "ip", Networks: []string{"192.0.2.1/33", "x", "fe80::1%eth0", "0.0.0.0/0", "::/0", "::ffff:0:0/95", "192.0.2.0/24", ""}},
			[]string{"networks[0]", "networks[1]", "networks[2]", "networks[3]", "networks[4]", "networks[5]", "networks[7]"},
		},
		"none":           {verify.Config{Type: "none"}, []string{"insecure"}},
		"none, insecure": {verify.Config{Type: "none", Insecure: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fields []string
			for _, problem := range tt.config.Check() {
				fields = append(fields, problem.Field)
				require.NotEmpty(t, problem.Message)
				require.NotEmpty(t, problem.Fix)
				require.NotContains(t, problem.Message+problem.Fix, "s3cret")
			}
			require.Equal(t, tt.fields, fields)
			verifier, err := verify.New(tt.config, verify.Deps{})
			if len(tt.fields) > 0 {
				require.Error(t, err)
				require.Nil(t, verifier)
			}
		})
	}
}

// Check lets secrets pass that were not read; New must not.
func TestFixedSecretsFailClosed(t *testing.T) {
	t.Parallel()
	for _, config := range []verify.Config{
		{Type: "header"},
		{Type: "basic", User: "hook"},
		{Type: "bearer"},
		{Type: "api_key", Header: "X-Key"},
		{Type: "api_key", Query: "k"},
		{Type: "api_key", Path: true},
		{Type: "api_key", Field: "k"},
	} {
		for i, secrets := range [][]secret.Secret{nil, {}, {{}}, {secret.New("")}, {secret.New("x"), {}}, {{}, secret.New("x")}} {
			config.Secrets = secrets
			verifier, err := verify.New(config, verify.Deps{})
			require.Error(t, err, "%s %d", config.Type, i)
			require.Nil(t, verifier)
			_, err = verify.Sign(config, nil, newPost(t), []byte(`{"k":""}`), noTime)
			if len(secrets) == 0 || secrets[0].Reveal() == "" {
				require.Error(t, err)
			}
		}
	}
}

// A verifier keeps sums: printed by mistake, it gives nothing away.
func TestVerifierHoldsNoSecret(t *testing.T) {
	t.Parallel()
	for _, config := range []verify.Config{{Type: "basic", User: "hook"}, {Type: "api_key", Field: "k"}} {
		config.Secrets = bothSecrets()
		verifier, err := verify.New(config, verify.Deps{})
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", verifier, verifier, verifier), "s3cret")
	}
}

func TestFixedSecretsRoundTrip(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]verify.Config{
		"header":            {Type: "header"},
		"named header":      {Type: "header", Header: "x-sever"},
		"basic":             {Type: "basic", User: "hook"},
		"bearer":            {Type: "bearer"},
		"bearer, query too": {Type: "bearer", Query: "access_token"},
		"key in header":     {Type: "api_key", Header: "X-Key"},
		"key in query":      {Type: "api_key", Query: "token"},
		"key in path":       {Type: "api_key", Path: true},
		"key in field":      {Type: "api_key", Field: "auth.key"},
		"none":              {Type: "none", Insecure: true},
	} {
		for _, value := range []string{newSecret, `a"b\c%41+&=?#ü<`} {
			t.Run(name+" "+value, func(t *testing.T) {
				t.Parallel()
				config := config
				if config.Type != "none" {
					config.Secrets = []secret.Secret{secret.New(value), secret.New("another")}
				}
				req := newPost(t)
				body, err := verify.Sign(config, nil, req, []byte(`{"a": 1, "auth": {"key": "old"}}`), noTime)
				require.NoError(t, err)
				parsed, err := url.ParseRequestURI(req.URL.RequestURI()) // as it comes over the wire
				require.NoError(t, err)
				require.Equal(t, "1", parsed.Query().Get("x"), "the rest of the URL stays")

				verifier, err := verify.New(config, verify.Deps{})
				require.NoError(t, err)
				signed := source.Request{Method: req.Method, URL: parsed, Header: req.Header, Body: body}
				require.NoError(t, verifier.Early(signed))
				verified, err := verifier.Verify(context.Background(), signed)
				require.NoError(t, err)
				if config.Field != "" {
					require.Equal(t, `{"a": 1, "auth": {"key": ""}}`, string(verified.Body)) //nolint:testifylint // byte for byte
				}
				if config.Type != "none" {
					config.Secrets = []secret.Secret{secret.New("quite-another")}
					verifier, err = verify.New(config, verify.Deps{})
					require.NoError(t, err)
					_, err = verifier.Verify(context.Background(), signed)
					require.Error(t, errors.Join(verifier.Early(signed), err))
				}
			})
		}
	}
}
