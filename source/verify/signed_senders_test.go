package verify_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"hash"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

const (
	signedBody = `{"employee":{"id":"42","mail":"leaver@example.com"}}`
	signedKey  = "a secret of the sender's"
	signedForm = "Body=bye&From=%2B15550100&From=%2B15550100&AccountSid=AC1"
)

var signedNow = time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)

// unix and its like are signedNow as senders write it.
const (
	unix      = "1772600767"
	unixMilli = "1772600767000"
	inISO     = "2026-03-04T05:06:07Z"
)

// signedSender is a vendor's format, and what it signs and sends, worked out here by hand.
type signedSender struct {
	config verify.Config
	body   string
	signed string // what the vendor signs; the hash's own key goes before it
	header string // what the vendor sends, SIG standing for the signature
	raw    func(signed string) string
}

func under(newHash func() hash.Hash, encode func([]byte) string) func(string) string {
	return func(text string) string {
		mac := hmac.New(newHash, []byte(signedKey))
		mac.Write([]byte(text))
		return encode(mac.Sum(nil))
	}
}

func hmacConfig(header, signed string) verify.Config {
	return verify.Config{Type: "hmac", Header: header, Signed: signed, Secrets: secrets(signedKey)}
}

func secrets(texts ...string) []secret.Secret {
	var all []secret.Secret
	for _, text := range texts {
		all = append(all, secret.New(text))
	}
	return all
}

func with(config verify.Config, change func(*verify.Config)) verify.Config {
	change(&config)
	return config
}

func stamped(header, unit string) *verify.Timestamp {
	return &verify.Timestamp{Header: header, Unit: unit, Tolerance: 5 * time.Minute}
}

func paired(item, pair, field string) *verify.List {
	return &verify.List{Item: item, Pair: pair, Field: field}
}

func signedSenders() map[string]signedSender {
	hexOf, base64Of := hex.EncodeToString, base64.StdEncoding.EncodeToString
	bySHA256 := under(sha256.New, hexOf)
	bySHA256Base64 := under(sha256.New, base64Of)
	bodySum := sha256.Sum256([]byte(signedBody))
	return map[string]signedSender{
		"Standard Webhooks": {with(hmacConfig("webhook-signature", "{id}.{timestamp}.{body}"), func(c *verify.Config) {
			c.Encoding, c.List, c.ID = "base64", paired(" ", ",", "v1"), &verify.Place{Header: "webhook-id"}
			c.Timestamp, c.SecretEncoding, c.SecretPrefixes = stamped("webhook-timestamp", "s"), "base64", []string{"whsec_"}
			c.Secrets = secrets("whsec_" + base64Of([]byte(signedKey)))
		}), signedBody, "msg_1." + unix + "." + signedBody, "v1,SIG", bySHA256Base64},
		"Stripe": {with(hmacConfig("Stripe-Signature", "{timestamp}.{body}"), func(c *verify.Config) {
			c.List, c.Timestamp = paired(",", "=", "v1"), &verify.Timestamp{Field: "t", Tolerance: 5 * time.Minute}
		}), signedBody, unix + "." + signedBody, "t=" + unix + ",v1=SIG", bySHA256},
		"WorkOS": {with(hmacConfig("WorkOS-Signature", "{timestamp}.{body}"), func(c *verify.Config) {
			c.List, c.Timestamp = paired("", "=", "v1"), &verify.Timestamp{Field: "t", Unit: "ms", Tolerance: 3 * time.Minute}
		}), signedBody, unixMilli + "." + signedBody, "t=" + unixMilli + ",v1=SIG", bySHA256},
		"Slack": {with(hmacConfig("X-Slack-Signature", "v0:{timestamp}:{body}"), func(c *verify.Config) {
			c.Prefix, c.Timestamp = "v0=", stamped("X-Slack-Request-Timestamp", "s")
		}), signedBody, "v0:" + unix + ":" + signedBody, "v0=SIG", bySHA256},
		"Paddle": {with(hmacConfig("Paddle-Signature", "{timestamp}:{body}"), func(c *verify.Config) {
			c.List, c.Timestamp = paired(";", "=", "h1"), &verify.Timestamp{Field: "ts", Tolerance: time.Minute}
		}), signedBody, unix + ":" + signedBody, "ts=" + unix + ";h1=SIG", bySHA256},
		"Zendesk": {with(hmacConfig("X-Zendesk-Webhook-Signature", "{timestamp}{body}"), func(c *verify.Config) {
			c.Encoding, c.Timestamp = "base64", stamped("X-Zendesk-Webhook-Signature-Timestamp", "rfc3339")
		}), signedBody, inISO + signedBody, "SIG", bySHA256Base64},
		"CrowdStrike": {with(hmacConfig("X-Cs-Primary-Signature", "{body}{timestamp}"), func(c *verify.Config) {
			c.Encoding, c.Timestamp = "base64", stamped("X-Cs-Delivery-Timestamp", "layout")
			c.Timestamp.Layout = "2006-01-02T15:04:05Z"
		}), signedBody, signedBody + inISO, "SIG", bySHA256Base64},
		"BambooHR": {with(hmacConfig("X-BambooHR-Signature", "{body}{timestamp}"), func(c *verify.Config) {
			c.Timestamp = stamped("X-BambooHR-Timestamp", "s")
		}), signedBody, signedBody + unix, "SIG", bySHA256},
		"Deel": {with(hmacConfig("x-deel-signature", "{method}{body}"), func(c *verify.Config) {
			c.Labels = &verify.Labels{Header: "x-deel-hmac-label", Names: []string{"first"}}
		}), signedBody, "POST" + signedBody, "SIG", bySHA256},
		"Square": {with(hmacConfig("x-square-hmacsha256-signature", "{url}{body}"), func(c *verify.Config) {
			c.Encoding, c.URL = "base64", "https://hooks.example.org/square?not=this"
		}), signedBody, "https://hooks.example.org/square?b=2&a=1%20" + signedBody, "SIG", bySHA256Base64},
		"URL as it came": {
			hmacConfig("X-Signature", "{url}{body}"), signedBody,
			"https://sever.example.com/v1/hooks/sender%2Fone?b=2&a=1%20" + signedBody, "SIG", bySHA256,
		},
		"MessageBird, by headers": {with(hmacConfig("MessageBird-Signature", `{timestamp}\n{sorted_query}\n{body_sha256_raw}`), func(c *verify.Config) {
			c.Encoding, c.Timestamp = "base64", stamped("MessageBird-Request-Timestamp", "s")
		}), signedBody, unix + "\na=1%20&b=2\n" + string(bodySum[:]), "SIG", bySHA256Base64},
		"by parts": {with(hmacConfig("X-Signature", `{method} {path}?{query}\n{header:content-type}\\{header:Host}\n{body_sha256}`), func(*verify.Config) {
		}), signedBody, "POST /v1/hooks/sender%2Fone?b=2&a=1%20\napplication/json\\sever.example.com\n" + hexOf(bodySum[:]), "SIG", bySHA256},
		"HiBob": {with(hmacConfig("Bob-Signature", ""), func(c *verify.Config) {
			c.Hash, c.Encoding = "sha512", "base64"
		}), signedBody, signedBody, "SIG", under(sha512.New, base64Of)},
		"Merge": {with(hmacConfig("X-Merge-Webhook-Signature", "{body}"), func(c *verify.Config) {
			c.Encoding = "base64url"
		}), signedBody, signedBody, "SIG", under(sha256.New, base64.URLEncoding.EncodeToString)},
		"Vault Radar": {with(hmacConfig("X-HCP-Radar-Signature", "{body}"), func(c *verify.Config) {
			c.Hash, c.Prefix = "sha512", "sha512="
		}), signedBody, signedBody, "sha512=SIG", under(sha512.New, hexOf)},
		"Greenhouse": {with(hmacConfig("Signature", "{body}"), func(c *verify.Config) {
			c.Prefix = "sha256 "
		}), signedBody, signedBody, "sha256 SIG", bySHA256},
		"GitHub": {with(hmacConfig("X-Hub-Signature-256", "{body}"), func(c *verify.Config) {
			c.Prefix, c.ID = "sha256=", &verify.Place{Header: "X-GitHub-Delivery"}
		}), signedBody, signedBody, "sha256=SIG", bySHA256},
		"PagerDuty": {with(hmacConfig("X-PagerDuty-Signature", "{body}"), func(c *verify.Config) {
			c.List, c.ID = paired(",", "=", "v1"), &verify.Place{Body: "employee.id"}
		}), signedBody, signedBody, "v1=SIG", bySHA256},
		"sha384": {with(hmacConfig("X-Signature", "{body}"), func(c *verify.Config) {
			c.Hash = "sha384"
		}), signedBody, signedBody, "SIG", under(sha512.New384, hexOf)},
		"Twilio": {with(hmacConfig("X-Twilio-Signature", "{url}{form}"), func(c *verify.Config) {
			c.Hash, c.Weak, c.Encoding, c.Insecure = "sha1", true, "base64", true
		}), signedForm, "https://sever.example.com/v1/hooks/sender%2Fone?b=2&a=1%20AccountSidAC1BodybyeFrom+15550100", "SIG", under(sha1.New, base64Of)},
		"HubSpot, v2": {with(hmacConfig("X-HubSpot-Signature", "{method}{url}{body}"), func(c *verify.Config) {
			c.Type, c.Weak, c.URL = "hash", true, "https://hooks.example.org/hubspot"
		}), signedBody, "POSThttps://hooks.example.org/hubspot?b=2&a=1%20" + signedBody, "SIG", func(text string) string {
			sum := sha256.Sum256([]byte(signedKey + text))
			return hexOf(sum[:])
		}},
	}
}

// outgoing is a request as a sender's HTTP client makes it.
func outgoing(body string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, "https://sever.example.com/v1/hooks/sender%2Fone?b=2&a=1%20", http.NoBody)
	req.Header.Set("Content-Type", "application/json")
	req.ContentLength = int64(len(body))
	return req
}

// incoming is the request as it is verified.
func incoming(req *http.Request, body string) source.Request {
	return source.Request{
		Method: req.Method, URL: req.URL, Host: req.Host, TLS: true,
		Header: req.Header, Body: []byte(body), Now: signedNow,
	}
}

func TestSignedSenders(t *testing.T) {
	t.Parallel()
	for name, tt := range signedSenders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verifier, err := verify.New(tt.config, verify.Deps{})
			require.NoError(t, err)
			req := outgoing(tt.body)
			if tt.config.ID != nil && tt.config.ID.Header != "" {
				req.Header.Set(tt.config.ID.Header, "msg_1")
			}
			sent, err := verify.Sign(tt.config, nil, req, []byte(tt.body), signedNow)
			require.NoError(t, err)
			require.Equal(t, tt.body, string(sent))
			require.Equal(t, replaceSIG(tt.header, tt.raw(tt.signed)), req.Header.Get(tt.config.Header))

			verified, err := verifier.Verify(t.Context(), incoming(req, tt.body))
			require.NoError(t, err)
			if tt.config.ID != nil {
				require.Contains(t, []string{"msg_1", "42"}, verified.ID)
			}
			signedChangesRefused(t, verifier, incoming(req, tt.body), tt.config)
			requireTolerance(t, verifier, incoming(req, tt.body), tt.config.Timestamp)
		})
	}
}

func replaceSIG(header, signature string) string {
	const mark = "SIG"
	return header[:len(header)-len(mark)] + signature
}

// requireTolerance proves that the timestamp may be off by the tolerance, and no more.
func requireTolerance(t *testing.T, verifier source.Verifier, req source.Request, timestamp *verify.Timestamp) {
	t.Helper()
	if timestamp == nil {
		return
	}
	for _, off := range []time.Duration{timestamp.Tolerance, -timestamp.Tolerance} {
		req.Now = signedNow.Add(off)
		_, err := verifier.Verify(t.Context(), req)
		require.NoError(t, err)
		req.Now = signedNow.Add(off + off/timestamp.Tolerance)
		_, err = verifier.Verify(t.Context(), req)
		require.ErrorIs(t, err, verify.ErrStale)
		require.ErrorAs(t, err, new(*source.StaleError))
		require.NoError(t, verifier.Early(req), "it may be genuine")
		req.Body = append([]byte{' '}, req.Body...)
		_, err = verifier.Verify(t.Context(), req)
		require.ErrorIs(t, err, verify.ErrMismatch, "it is not")
		req.Body = req.Body[1:]
	}
}

func publicPEM(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestSignedByPrivateKey(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		config verify.Config
		key    crypto.Signer
	}{
		"Discord":                {verify.Config{Type: "ed25519", Signed: "{timestamp}{body}", Timestamp: stamped("X-Signature-Timestamp", "s")}, ed},
		"ed25519, body alone":    {verify.Config{Type: "ed25519"}, ed},
		"Standard Webhooks, v1a": {verify.Config{Type: "ed25519", Encoding: "base64", List: paired(" ", ",", "v1a"), Signed: "{id}.{timestamp}.{body}", ID: &verify.Place{Header: "webhook-id"}, Timestamp: stamped("webhook-timestamp", "s")}, ed},
		"SendGrid":               {verify.Config{Type: "ecdsa", Encoding: "base64", Signed: "{timestamp}{body}", Timestamp: stamped("X-Timestamp", "s")}, ec},
		"rsa":                    {verify.Config{Type: "rsa", Encoding: "base64", Hash: "sha512"}, big},
		"rsa, pss":               {verify.Config{Type: "rsa", Encoding: "base64", Padding: "pss"}, big},
		"rsa, sha1":              {verify.Config{Type: "rsa", Hash: "sha1", Weak: true}, big},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := tt.config
			config.Header = "X-Signature"
			config.PublicKeys = secrets(publicPEM(t, tt.key))
			verifier, err := verify.New(config, verify.Deps{})
			require.NoError(t, err)
			req := outgoing(signedBody)
			_, err = verify.Sign(config, tt.key, req, []byte(signedBody), signedNow)
			require.NoError(t, err)
			_, err = verifier.Verify(t.Context(), incoming(req, signedBody))
			require.NoError(t, err)
			signedChangesRefused(t, verifier, incoming(req, signedBody), config)

			_, err = verify.Sign(config, nil, req, []byte(signedBody), signedNow)
			require.ErrorContains(t, err, "no private key")
		})
	}
}

// PSS and PKCS #1 are not taken for each other, and raw r||s is taken beside DER.
func TestSignedKindsOfSignature(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(signedBody))
	r, s, err := ecdsa.Sign(rand.Reader, ec, sum[:])
	require.NoError(t, err)
	raw := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	config := verify.Config{Type: "ecdsa", Header: "X-Signature", PublicKeys: secrets(publicPEM(t, ec))}
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	req := outgoing(signedBody)
	req.Header.Set("X-Signature", hex.EncodeToString(raw))
	_, err = verifier.Verify(t.Context(), incoming(req, signedBody))
	require.NoError(t, err)
	req.Header.Set("X-Signature", hex.EncodeToString(make([]byte, 64)))
	_, err = verifier.Verify(t.Context(), incoming(req, signedBody))
	require.ErrorIs(t, err, verify.ErrMismatch)

	big, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pss := verify.Config{Type: "rsa", Header: "X-Signature", Padding: "pss", PublicKeys: secrets(publicPEM(t, big))}
	pkcs1 := pss
	pkcs1.Padding = "pkcs1"
	verifier, err = verify.New(pkcs1, verify.Deps{})
	require.NoError(t, err)
	_, err = verify.Sign(pss, big, req, []byte(signedBody), signedNow)
	require.NoError(t, err)
	_, err = verifier.Verify(t.Context(), incoming(req, signedBody))
	require.ErrorIs(t, err, verify.ErrMismatch)
}
