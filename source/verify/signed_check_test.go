package verify_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source/verify"
)

func fieldsOf(config verify.Config) []string {
	var fields []string
	for _, problem := range config.Check() {
		fields = append(fields, problem.Field)
	}
	return fields
}

// Each starts from settings without a mistake and makes one.
func TestSignedProblems(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		field  string
		change func(c *verify.Config)
	}{
		"none":                       {"", func(*verify.Config) {}},
		"no header":                  {"header", func(c *verify.Config) { c.Header = "" }},
		"header's form":              {"header", func(c *verify.Config) { c.Header = "X Signature" }},
		"timestamp header's form":    {"timestamp.header", func(c *verify.Config) { c.Timestamp.Header = "a:b" }},
		"id header's form":           {"id.header", func(c *verify.Config) { c.ID.Header = "a:b" }},
		"label header's form":        {"labels.header", func(c *verify.Config) { c.Labels.Header = "" }},
		"hash unknown":               {"hash", func(c *verify.Config) { c.Hash = "crc32" }},
		"sha1":                       {"hash", func(c *verify.Config) { c.Hash = "sha1" }},
		"md5":                        {"hash", func(c *verify.Config) { c.Hash = "md5" }},
		"sha1, allowed":              {"", func(c *verify.Config) { c.Hash, c.Weak = "sha1", true }},
		"plain hash":                 {"type", func(c *verify.Config) { c.Type = "hash" }},
		"plain hash, allowed":        {"", func(c *verify.Config) { c.Type, c.Weak = "hash", true }},
		"prefix and list":            {"prefix", func(c *verify.Config) { c.Prefix, c.List = "v0=", paired("", "=", "v1") }},
		"list without field":         {"list.field", func(c *verify.Config) { c.List = paired("", "", "") }},
		"list, one separator":        {"list.pair", func(c *verify.Config) { c.List = paired("=", "=", "v1") }},
		"field is the signature's":   {"timestamp.field", func(c *verify.Config) { c.List, c.Timestamp = paired("", "", "v1"), &verify.Timestamp{Field: "v1"} }},
		"field without list":         {"timestamp.field", func(c *verify.Config) { c.Timestamp = &verify.Timestamp{Field: "t"} }},
		"template":                   {"signed", func(c *verify.Config) { c.Signed = "{timestamp}{body" }},
		"no body signed":             {"signed", func(c *verify.Config) { c.Signed = "{timestamp}.{id}" }},
		"no body, allowed":           {"", func(c *verify.Config) { c.Signed, c.Insecure = "{timestamp}.{id}", true }},
		"body hash":                  {"", func(c *verify.Config) { c.Signed = "{timestamp}.{body_sha256}" }},
		"raw body hash":              {"", func(c *verify.Config) { c.Signed = "{timestamp}.{body_sha256_raw}" }},
		"form alone":                 {"signed", func(c *verify.Config) { c.Signed = "{timestamp}{form}" }},
		"timestamp not configured":   {"signed", func(c *verify.Config) { c.Timestamp = nil }},
		"id not configured":          {"signed", func(c *verify.Config) { c.ID = nil }},
		"timestamp not signed":       {"timestamp", func(c *verify.Config) { c.Signed = "{body}" }},
		"timestamp signed as header": {"", func(c *verify.Config) { c.Signed = "{header:x-time}.{body}" }},
		"timestamp in the body":      {"", func(c *verify.Config) { c.Signed, c.Timestamp = "{body}", &verify.Timestamp{Body: "a.b"} }},
		"timestamp nowhere":          {"timestamp", func(c *verify.Config) { c.Timestamp.Header = "" }},
		"timestamp in two places":    {"timestamp", func(c *verify.Config) { c.Timestamp.Body = "at" }},
		"timestamp's body place":     {"timestamp.body", func(c *verify.Config) { c.Timestamp = &verify.Timestamp{Body: "a..b"} }},
		"tolerance negative":         {"timestamp.tolerance", func(c *verify.Config) { c.Timestamp.Tolerance = -time.Second }},
		"layout without its unit":    {"timestamp.layout", func(c *verify.Config) { c.Timestamp.Layout = time.DateTime }},
		"unit without its layout":    {"timestamp.layout", func(c *verify.Config) { c.Timestamp.Unit = "layout" }},
		"layout without a date":      {"timestamp.layout", func(c *verify.Config) { c.Timestamp.Unit, c.Timestamp.Layout = "layout", time.TimeOnly }},
		"layout with a zone's name":  {"timestamp.layout", func(c *verify.Config) { c.Timestamp.Unit, c.Timestamp.Layout = "layout", time.RFC1123 }},
		"layout":                     {"", func(c *verify.Config) { c.Timestamp.Unit, c.Timestamp.Layout = "layout", time.DateTime }},
		"id nowhere":                 {"id", func(c *verify.Config) { c.ID.Header = "" }},
		"id in two places":           {"id", func(c *verify.Config) { c.ID.Body = "id" }},
		"id's body place":            {"id.body", func(c *verify.Config) { c.ID = &verify.Place{Body: "a["} }},
		"url":                        {"url", func(c *verify.Config) { c.URL = "hooks.example.org/x" }},
		"no secret":                  {"secrets", func(c *verify.Config) { c.Secrets = nil }},
		"secret not read":            {"", func(c *verify.Config) { c.Secrets[1] = secret.Secret{} }},
		"secret is only a prefix":    {"secrets[1]", func(c *verify.Config) { c.SecretPrefixes, c.Secrets[1] = []string{"whsec_"}, secret.New("whsec_") }},
		"secret twice":               {"secrets[1]", func(c *verify.Config) { c.Secrets[1] = c.Secrets[0] }},
		"too few labels":             {"labels.names", func(c *verify.Config) { c.Labels.Names = []string{"a"} }},
		"label twice":                {"labels.names", func(c *verify.Config) { c.Labels.Names = []string{"a", "a"} }},
		"setting of another type":    {"user", func(c *verify.Config) { c.User = "x" }},
		"keys for an hmac":           {"public_keys", func(c *verify.Config) { c.PublicKeys = secrets("x") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := verify.Config{
				Type: "hmac", Header: "X-Signature", Signed: "{timestamp}.{body}", Secrets: secrets("one", "two"),
				Timestamp: stamped("X-Time", "s"), ID: &verify.Place{Header: "X-Id"},
				Labels: &verify.Labels{Header: "X-Label", Names: []string{"a", "b"}},
			}
			if name == "id not configured" {
				config.Signed = "{id}.{timestamp}.{body}"
			}
			tt.change(&config)
			if tt.field == "" {
				require.Empty(t, config.Check())
				return
			}
			require.Contains(t, fieldsOf(config), tt.field)
			for _, problem := range config.Check() {
				require.NotEmpty(t, problem.Message)
				require.NotEmpty(t, problem.Fix)
			}
			_, err := verify.New(config, verify.Deps{})
			require.Error(t, err)
		})
	}
}

// Check passes over a secret that was not read; a verifier is not made without it.
func TestSignedNeverStartsWithoutSecret(t *testing.T) {
	t.Parallel()
	for _, none := range []secret.Secret{{}, secret.New("")} {
		for _, config := range []verify.Config{
			{Type: "hmac", Header: "X-Signature", Secrets: []secret.Secret{none}},
			{Type: "hash", Weak: true, Header: "X-Signature", Secrets: []secret.Secret{none}},
			{Type: "ed25519", Header: "X-Signature", PublicKeys: []secret.Secret{none}},
			{Type: "rsa", Header: "X-Signature", PublicKeys: []secret.Secret{none}},
		} {
			require.Empty(t, config.Check())
			_, err := verify.New(config, verify.Deps{})
			require.ErrorContains(t, err, "[0]: is empty", config.Type)
		}
	}
}

func TestPublicKeys(t *testing.T) {
	t.Parallel()
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	edPEM, p256PEM, bigPEM := publicPEM(t, ed), publicPEM(t, p256), publicPEM(t, big)
	block, _ := pem.Decode([]byte(p256PEM))
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes}))
	for _, tt := range []struct {
		kind, encoding, key, problem string
	}{
		{"ed25519", "", edPEM, ""},
		{"ed25519", "base64", edPEM, ""},
		{"ed25519", "hex", hex.EncodeToString(edPublic), ""},
		{"ed25519", "base64", "whpk_" + base64.StdEncoding.EncodeToString(edPublic), ""},
		{"ed25519", "base64", base64.RawStdEncoding.EncodeToString(edPublic), ""},
		{"ecdsa", "", p256PEM, ""},
		{"ecdsa", "", base64.StdEncoding.EncodeToString(block.Bytes), ""},
		{"ecdsa", "hex", hex.EncodeToString(block.Bytes), ""},
		{"rsa", "", bigPEM, ""},
		{"rsa", "", publicPEM(t, small), "2048"},
		{"ecdsa", "", publicPEM(t, p384), "P-256"},
		{"ecdsa", "", bigPEM, "another type"},
		{"rsa", "", p256PEM, "another type"},
		{"ed25519", "", p256PEM, "another type"},
		{"ecdsa", "", edPEM, "another type"},
		{"ecdsa", "", p256PEM + p256PEM, "more than one"},
		{"ecdsa", "", certificate, "PUBLIC KEY"},
		{"ecdsa", "", "-----BEGIN PUBLIC KEY-----\n", "PUBLIC KEY"},
		{"ecdsa", "", "AAAA", "PKIX"},
		{"ecdsa", "", "*", "base64"},
		{"ecdsa", "hex", "xx", "hex"},
		{"ed25519", "hex", hex.EncodeToString(edPublic[:31]), "PKIX"},
		{"ed25519", "", "whpk_", "empty"},
	} {
		config := verify.Config{
			Type: tt.kind, Header: "X-Signature", SecretEncoding: tt.encoding,
			SecretPrefixes: []string{"whpk_"}, PublicKeys: secrets(tt.key),
		}
		_, err := verify.New(config, verify.Deps{})
		if tt.problem == "" {
			require.NoError(t, err, "%s %s", tt.kind, tt.encoding)
			continue
		}
		require.ErrorContains(t, err, tt.problem)
	}
}
