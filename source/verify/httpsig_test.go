package verify_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

const helloBody = `{"hello": "world"}`

// signatureConfig is a sender's with a shared secret.
func signatureConfig() verify.Config {
	return verify.Config{Type: "http_signature", Secrets: []secret.Secret{secret.New("shared secret of both")}}
}

// messageSigned is what a sender of config sends at tokenNow.
func messageSigned(t *testing.T, config verify.Config, key crypto.Signer) source.Request {
	t.Helper()
	out := httptest.NewRequest(http.MethodPost, "https://sever.example.com/v1/hooks/x?b=2&a=1", http.NoBody)
	out.Header.Set("Content-Type", "application/json")
	body, err := verify.Sign(config, key, out, []byte(helloBody), tokenNow)
	require.NoError(t, err)
	return source.Request{
		Method: out.Method, URL: out.URL, Host: out.Host, TLS: true, Header: out.Header, Body: body, Now: tokenNow,
	}
}

func TestHTTPSignatureRoundTrip(t *testing.T) {
	t.Parallel()
	other := ed25519Key(t)
	for name, key := range map[string]crypto.Signer{
		"rsa": rsaKey(), "p256": ecdsaKey(t, elliptic.P256()), "p384": ecdsaKey(t, elliptic.P384()), "ed25519": ed25519Key(t), "hmac": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := signatureConfig()
			if key != nil {
				config.Secrets = nil
				config.PublicKeys = []secret.Secret{tokenPEM(t, other.Public()), tokenPEM(t, key.Public())}
			}
			config.Covers = []string{"@method", "@target-uri", `@query-param;name="a"`, "content-type", "content-digest"}
			verifier, err := verify.New(config, verify.Deps{})
			require.NoError(t, err)
			requireVerdict(t, true, verifier, messageSigned(t, config, key))
			for what, change := range map[string]func(r *source.Request){
				"method":    func(r *source.Request) { r.Method = http.MethodPut },
				"host":      func(r *source.Request) { r.Host = "evil.example.com" },
				"scheme":    func(r *source.Request) { r.TLS = false },
				"query":     func(r *source.Request) { r.URL.RawQuery = "b=2&a=2" },
				"type":      func(r *source.Request) { r.Header.Set("Content-Type", "text/plain") },
				"digest":    func(r *source.Request) { r.Header.Set("Content-Digest", "sha-256=:AAAA:") },
				"no digest": func(r *source.Request) { r.Header.Del("Content-Digest") },
				"body":      func(r *source.Request) { r.Body = bytes.ToUpper(r.Body) },
				"no body":   func(r *source.Request) { r.Body = nil },
				"covers less": func(r *source.Request) {
					input := r.Header.Get("Signature-Input")
					r.Header.Set("Signature-Input", strings.Replace(input, ` "content-digest"`, "", 1))
				},
				"no signature": func(r *source.Request) { r.Header.Del("Signature") },
				"no input":     func(r *source.Request) { r.Header.Del("Signature-Input") },
				"empty":        func(r *source.Request) { r.Header.Set("Signature", "sig1=::") },
				"text":         func(r *source.Request) { r.Header.Set("Signature", `sig1="x"`) },
			} {
				req := messageSigned(t, config, key)
				change(&req)
				requireVerdict(t, false, verifier, req)
				if !strings.Contains(what, "body") {
					require.Error(t, verifier.Early(req), what)
				}
			}
		})
	}
}

func TestHTTPSignatureOfAnotherTime(t *testing.T) {
	t.Parallel()
	config := signatureConfig()
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	for _, off := range []time.Duration{5 * time.Minute, -5 * time.Minute} {
		req := messageSigned(t, config, nil)
		now := req.Now
		req.Now = now.Add(off)
		requireVerdict(t, true, verifier, req)
		req.Now = now.Add(off + off/300)
		_, err := verifier.Verify(t.Context(), req)
		require.ErrorAs(t, err, new(*source.StaleError))
		require.NoError(t, verifier.Early(req))
		req.Body = append([]byte{' '}, req.Body...)
		_, err = verifier.Verify(t.Context(), req)
		require.Error(t, err)
		require.NotErrorAs(t, err, new(*source.StaleError))
	}
}

func TestHTTPSignatureAnyFlippedByteRefuses(t *testing.T) {
	t.Parallel()
	config := signatureConfig()
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	req := messageSigned(t, config, nil)
	requireVerdict(t, true, verifier, req)
	for _, name := range []string{"Signature", "Signature-Input", "Content-Digest"} {
		good := req.Header.Get(name)
		for i := range good {
			changed := []byte(good)
			changed[i] ^= 1
			req.Header.Set(name, string(changed))
			_, err := verifier.Verify(t.Context(), req)
			require.Error(t, err, "%s byte %d", name, i)
		}
		req.Header.Set(name, good)
	}
}

func TestHTTPSignatureParameters(t *testing.T) {
	t.Parallel()
	created := tokenNow.Unix()
	for name, test := range map[string]struct {
		params string
		valid  bool
	}{
		"created":           {fmt.Sprintf(";created=%d", created), true},
		"all":               {fmt.Sprintf(`;created=%d;expires=%d;keyid="k";alg="hmac-sha256";nonce="n";tag="t"`, created, created), true},
		"five minutes":      {fmt.Sprintf(";created=%d", created-300), true},
		"expired":           {fmt.Sprintf(";created=%d;expires=%d", created, created-1), false},
		"expires text":      {fmt.Sprintf(`;created=%d;expires="x"`, created), false},
		"no created":        {"", false},
		"created text":      {fmt.Sprintf(`;created="%d"`, created), false},
		"created decimal":   {fmt.Sprintf(";created=%d.5", created), false},
		"another algorithm": {fmt.Sprintf(`;created=%d;alg="rsa-pss-sha512"`, created), false},
		"algorithm token":   {fmt.Sprintf(`;created=%d;alg=hmac-sha256`, created), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verifier, err := verify.New(signatureConfig(), verify.Deps{})
			require.NoError(t, err)
			requireVerdict(t, test.valid, verifier, withParams(t, `("content-digest")`+test.params))
		})
	}
}

// withParams signs by hand, over the digest and what input says.
func withParams(t *testing.T, input string) source.Request {
	t.Helper()
	req := messageSigned(t, signatureConfig(), nil)
	base := `"content-digest": ` + req.Header.Get("Content-Digest") + "\n" + `"@signature-params": ` + input
	mac := hmacSHA256([]byte("shared secret of both"), base)
	req.Header.Set("Signature-Input", "sig1="+input)
	req.Header.Set("Signature", "sig1=:"+mac+":")
	return req
}

func hmacSHA256(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestHTTPSignatureLabels(t *testing.T) {
	t.Parallel()
	input := fmt.Sprintf(`("content-digest");created=%d`, tokenNow.Unix())
	good := withParams(t, input).Header.Get("Signature")
	signature := strings.TrimPrefix(good, "sig1=")
	for name, test := range map[string]struct {
		label, inputs, signatures string
		valid                     bool
	}{
		"any":             {"", "a=" + input, "a=" + signature, true},
		"wanted":          {"b", "a=(), b=" + input, "a=:AAAA:, b=" + signature, true},
		"not there":       {"c", "a=" + input, "a=" + signature, false},
		"second is good":  {"", "a=();created=1, b=" + input, "a=:AAAA:, b=" + signature, true},
		"four":            {"", "a=(), b=(), c=(), d=" + input, "a=:AA==:, b=:AA==:, c=:AA==:, d=" + signature, true},
		"five":            {"", "a=(), b=(), c=(), e=(), d=" + input, "a=:AA==:, b=:AA==:, c=:AA==:, e=:AA==:, d=" + signature, false},
		"unpaired":        {"", "a=(), b=" + input, "b=" + signature, false},
		"no list":         {"", "a=1", "a=" + signature, false},
		"component twice": {"", `a=("content-digest" "content-digest")`, "a=" + signature, false},
		"no dictionary":   {"", "???", "a=" + signature, false},
		"too large":       {"", "a=" + input, "a=" + signature + ", x=:" + strings.Repeat("A", 16<<10) + ":", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := signatureConfig()
			config.Label = test.label
			verifier, err := verify.New(config, verify.Deps{})
			require.NoError(t, err)
			req := withParams(t, input)
			req.Header.Set("Signature-Input", test.inputs)
			req.Header.Set("Signature", test.signatures)
			requireVerdict(t, test.valid, verifier, req)
		})
	}
}

func TestHTTPSignatureDigests(t *testing.T) {
	t.Parallel()
	sha256Good := messageSigned(t, signatureConfig(), nil).Header.Get("Content-Digest")
	const sha512Good = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
	for digest, valid := range map[string]bool{
		sha256Good: true, sha512Good: true, sha512Good + ", " + sha256Good: true, "md5=:AAAA:, " + sha256Good: true,
		"md5=:AAAA:": false, "sha-512=:AAAA:, " + sha256Good: false, "sha-256=1": false, "sha-256=(:AAAA:)": false, "???": false,
	} {
		req := messageSigned(t, signatureConfig(), nil)
		input := fmt.Sprintf(`("content-digest");created=%d`, tokenNow.Unix())
		mac := hmacSHA256([]byte("shared secret of both"), `"content-digest": `+digest+"\n"+`"@signature-params": `+input)
		req.Header.Set("Content-Digest", digest)
		req.Header.Set("Signature-Input", "sig1="+input)
		req.Header.Set("Signature", "sig1=:"+mac+":")
		verifier, err := verify.New(signatureConfig(), verify.Deps{})
		require.NoError(t, err)
		require.NoError(t, verifier.Early(req))
		requireVerdict(t, valid, verifier, req)
	}
}

func TestHTTPSignatureKnownURL(t *testing.T) {
	t.Parallel()
	config := signatureConfig()
	config.URL, config.Covers = "https://public.example.com/hook", []string{"@target-uri", "content-digest"}
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	req := messageSigned(t, config, nil)
	req.Host, req.TLS, req.URL.Path = "10.0.0.1:8080", false, "/v1/hooks/x"
	requireVerdict(t, true, verifier, req)
	req.URL.RawQuery = "x=1"
	requireVerdict(t, false, verifier, req)
}

func TestHTTPSignatureCheck(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		change func(c *verify.Config)
		field  string // "" for a mistake that only New finds
	}{
		"no keys":      {func(c *verify.Config) { c.Secrets = nil }, "public_keys"},
		"both":         {func(c *verify.Config) { c.PublicKeys = []secret.Secret{secret.New("x")} }, "public_keys"},
		"body not":     {func(c *verify.Config) { c.Covers = []string{"@method"} }, "covers"},
		"no component": {func(c *verify.Config) { c.Covers = []string{"content-digest", `X"`} }, "covers[1]"},
		"empty":        {func(c *verify.Config) { c.Covers = []string{"content-digest", ""} }, "covers[1]"},
		"no URL":       {func(c *verify.Config) { c.URL = "sever.example.com" }, "url"},
		"tolerance":    {func(c *verify.Config) { c.Timestamp = &verify.Timestamp{Tolerance: -1} }, "timestamp.tolerance"},
		"empty secret": {func(c *verify.Config) { c.Secrets = []secret.Secret{secret.New("")} }, ""},
		"short":        {func(c *verify.Config) { c.Secrets, c.PublicKeys = nil, []secret.Secret{tokenPEM(t, weak.Public())} }, ""},
		"P-521": {func(c *verify.Config) {
			c.Secrets, c.PublicKeys = nil, []secret.Secret{tokenPEM(t, ecdsaKey(t, elliptic.P521()).Public())}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := signatureConfig()
			require.Empty(t, config.Check())
			test.change(&config)
			if test.field != "" {
				problems := config.Check()
				require.Len(t, problems, 1)
				require.Equal(t, test.field, problems[0].Field)
			}
			_, err := verify.New(config, verify.Deps{})
			require.Error(t, err)
		})
	}
}

func FuzzHTTPSignatureHeaders(f *testing.F) {
	var t testing.T
	req := messageSigned(&t, signatureConfig(), nil)
	good := req.Header.Clone()
	f.Add(good.Get("Signature-Input"), good.Get("Signature"), good.Get("Content-Digest"))
	f.Add(`a=("@query-param";name="%zz" "@status" "x";sf);created=1`, "a=:AA==:", "sha-256=:AA==:")
	f.Add(`a`, "a", "")
	verifier, err := verify.New(signatureConfig(), verify.Deps{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, input, signature, digest string) {
		asked := req
		asked.Header = http.Header{"Signature-Input": {input}, "Signature": {signature}, "Content-Digest": {digest}}
		_, err := verifier.Verify(t.Context(), asked)
		if err == nil && digest != good.Get("Content-Digest") && strings.TrimSpace(digest) != good.Get("Content-Digest") {
			t.Errorf("a digest that nobody signed is accepted")
		}
	})
}
