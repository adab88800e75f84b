package verify_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

// BenchmarkVerify gives what authenticating one delivery of 2 KB costs, both before and
// after its body is read, beside hashing the same bytes once.
func BenchmarkVerify(b *testing.B) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 128)
	b.Run("nothing but sha256", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = sha256.Sum256(body)
		}
	})
	for _, sender := range benchSenders(b, body) {
		req := sender.request(b)
		verifier, err := verify.New(sender.config, verify.Deps{})
		require.NoError(b, err)
		b.Run(sender.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				strangers := req
				strangers.Body = nil
				if err := verifier.Early(strangers); err != nil {
					b.Fatal(err)
				}
				if _, err := verifier.Verify(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type benchSender struct {
	name   string
	config verify.Config
	key    crypto.Signer // for those that sign with one
	body   []byte
	chain  []*x509.Certificate
}

// request is a delivery of 2 KB as it comes.
func (s benchSender) request(b *testing.B) source.Request {
	b.Helper()
	out := outgoing(string(s.body))
	body := s.body
	if s.chain == nil { // a certificate is shown when the connection is made
		var err error
		body, err = verify.Sign(s.config, s.key, out, s.body, tokenNow)
		require.NoError(b, err)
	}
	req := incoming(out, string(body))
	req.Now, req.Remote, req.Certificates = tokenNow, netip.MustParseAddr("192.0.2.7"), s.chain
	return req
}

func benchSenders(b *testing.B, body []byte) []benchSender {
	b.Helper()
	return append(fixedBenchSenders(b, body), append(signedBenchSenders(b, body), tokenBenchSenders(b, body)...)...)
}

// fixedBenchSenders show who they are and sign nothing.
func fixedBenchSenders(b *testing.B, body []byte) []benchSender {
	b.Helper()
	const token = "bench-secret-0123456789abcdef"
	shared := secrets(token)
	inBody, err := json.Marshal(map[string]any{"secureKey": token, "pad": string(body)})
	require.NoError(b, err)
	certificate := clientCertificate(b, x509.Certificate{DNSNames: []string{"siem.example.com"}})
	return []benchSender{
		{name: "header", config: verify.Config{Type: "header", Secrets: shared}, body: body},
		{name: "basic", config: verify.Config{Type: "basic", User: "sever", Secrets: shared}, body: body},
		{name: "bearer", config: verify.Config{Type: "bearer", Secrets: shared}, body: body},
		{name: "api_key in the query", config: verify.Config{Type: "api_key", Query: "token", Secrets: shared}, body: body},
		{name: "api_key in the body", config: verify.Config{Type: "api_key", Field: "secureKey", Secrets: shared}, body: inBody},
		{
			name: "mtls", config: verify.Config{Type: "mtls", MTLS: &verify.MTLS{Names: []string{"siem.example.com"}}}, body: body,
			chain: []*x509.Certificate{certificate},
		},
		{name: "ip", config: verify.Config{Type: "ip", Networks: []string{"192.0.2.0/24"}, Insecure: true}, body: body},
	}
}

// signedBenchSenders sign the body.
func signedBenchSenders(b *testing.B, body []byte) []benchSender {
	b.Helper()
	ed, ec := ed25519Key(b), ecdsaKey(b, elliptic.P256())
	stripe := with(hmacConfig("X-Signature", "{timestamp}.{body}"), func(c *verify.Config) {
		c.List, c.Timestamp = paired(",", "=", "v1"), &verify.Timestamp{Field: "t", Tolerance: time.Minute}
	})
	return []benchSender{
		{name: "hmac", config: hmacConfig("X-Signature", ""), body: body},
		{name: "hmac, two secrets", config: with(hmacConfig("X-Signature", ""), func(c *verify.Config) {
			c.Secrets = secrets(signedKey, "the old one")
		}), body: body},
		{name: "hmac, timestamp in a list", config: stripe, body: body},
		{name: "hmac, Standard Webhooks", config: with(hmacConfig("webhook-signature", "{id}.{timestamp}.{body}"), func(c *verify.Config) {
			c.Encoding, c.List, c.ID = "base64", paired(" ", ",", "v1"), &verify.Place{Header: "webhook-id"}
			c.Timestamp, c.SecretEncoding, c.SecretPrefixes = stamped("webhook-timestamp", "s"), "base64", []string{"whsec_"}
			c.Secrets = secrets("whsec_" + base64.StdEncoding.EncodeToString([]byte(signedKey)))
		}), body: body},
		{name: "http_signature, hmac", config: signatureConfig(), body: body},
		{name: "ed25519", key: ed, body: body, config: verify.Config{
			Type: "ed25519", Header: "X-Signature", PublicKeys: []secret.Secret{tokenPEM(b, ed.Public())},
		}},
		{name: "ecdsa", key: ec, body: body, config: verify.Config{
			Type: "ecdsa", Header: "X-Signature", Encoding: "base64", PublicKeys: []secret.Secret{tokenPEM(b, ec.Public())},
		}},
		{name: "rsa", key: rsaKey(), body: body, config: verify.Config{
			Type: "rsa", Header: "X-Signature", Encoding: "base64", PublicKeys: []secret.Secret{tokenPEM(b, rsaKey().Public())},
		}},
	}
}

// tokenBenchSenders send a token, or a message that is signed within itself.
func tokenBenchSenders(b *testing.B, body []byte) []benchSender {
	b.Helper()
	ec := ecdsaKey(b, elliptic.P256())
	says := func(algorithm string) *verify.JWT {
		return &verify.JWT{Algorithms: []string{algorithm}, Issuer: "https://idp.example.com", Audience: []string{"https://sever.example.com"}}
	}
	token := func(algorithm string, key crypto.Signer) verify.Config {
		return verify.Config{Type: "jwt", PublicKeys: []secret.Secret{tokenPEM(b, key.Public())}, JWT: says(algorithm)}
	}
	set := token("RS256", rsaKey())
	set.Type = "set"
	events, err := json.Marshal(setClaims())
	require.NoError(b, err)
	sns := snsConfig()
	sns.SNS.Certificate = secret.New(goodCertificate(b))
	notification := snsNotification()
	notification["Message"] = string(body)
	message, err := json.Marshal(notification)
	require.NoError(b, err)
	return []benchSender{
		{name: "jwt, HS256", config: verify.Config{Type: "jwt", Secrets: secrets(signedKey), JWT: says("HS256")}, body: body},
		{name: "jwt, RS256", config: token("RS256", rsaKey()), key: rsaKey(), body: body},
		{name: "jwt, ES256", config: token("ES256", ec), key: ec, body: body},
		{name: "set, RS256", config: set, key: rsaKey(), body: events},
		{name: "sns", config: sns, key: rsaKey(), body: message},
	}
}
