package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"sever/internal/config"
	"sever/source"
	"sever/source/handshake"
	"sever/source/verify"
)

// vector is a published message with its signature and verdict, from the shared data.
type vector struct {
	ID, Scheme, Sender, Secret, Method, URL, Body, Token string
	Query                                                string
	Challenge                                            string
	ExpectedResponse                                     string         `json:"expected_response"`
	CertPEM                                              string         `json:"cert_pem"`
	RawMessage                                           string         `json:"raw_http_message"`
	SignatureBase                                        string         `json:"signature_base"`
	Headers, Form                                        map[string]any // texts; a row may have a number to be refused
	NowUnix                                              *float64       `json:"now_unix"`
	Tolerance                                            *float64       `json:"tolerance_s"`
	Valid                                                bool
	Params                                               vectorParams
}

type vectorParams struct {
	Hash, Encoding, Header, Label string
	Algs                          []string
	SignatureHeader               string `json:"signature_header"`
	SignatureFormat               struct {
		Kind, Prefix, Field string
		ItemSep             string `json:"item_sep"`
		KVSep               string `json:"kv_sep"`
	} `json:"signature_format"`
	IDHeader      string                                `json:"id_header"`
	Timestamp     *struct{ Header, Field, Unit string } `json:"timestamp"`
	SignedContent string                                `json:"signed_content"`

	SecretEncoding    string   `json:"secret_encoding"`
	SecretStripPrefix []string `json:"secret_strip_prefix"`
	CheckTime         bool     `json:"check_time"`
	Leeway            float64  `json:"leeway_s"`
	URLHash           string   `json:"url_hash_claim"`
	PayloadHash       string   `json:"payload_hash_claim"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "signature-vectors.json"))
	if err != nil {
		t.Skip("the shared data is not beside the project: " + err.Error())
	}
	var file struct{ Vectors []vector }
	require.NoError(t, json.Unmarshal(text, &file)) //nolint:musttag // encoding/json finds names that differ by case only
	require.NotEmpty(t, file.Vectors)
	return file.Vectors
}

// Every published vector gets its verdict through the settings that a user would write.
func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	for _, row := range vectors(t) {
		t.Run(row.ID, func(t *testing.T) {
			t.Parallel()
			switch {
			case row.Scheme == "crc-response":
				requireChallengeAnswered(t, row)
				return
			case strings.HasPrefix(row.RawMessage, "HTTP/"):
				t.Skip("a signed answer, which no sender sends: package verify's own tests read it")
			}
			err := judge(t, row)
			if row.Valid {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
		})
	}
}

// judge gives the verdict on a row. Settings that cannot be used refuse it too: a secret
// of no bytes must never verify anything.
func judge(t *testing.T, row vector) error {
	t.Helper()
	settings, err := loadVerify(t, row, row.settings())
	if err != nil {
		return err
	}
	verifier, err := verify.New(settings, verify.Deps{})
	if err != nil {
		return err
	}
	req := row.request(t)
	early := req
	early.Body = nil
	if err := verifier.Early(early); err != nil {
		return err
	}
	_, err = verifier.Verify(context.Background(), req)
	return err
}

// loadVerify writes the settings as YAML and loads them as a user's file.
func loadVerify(t *testing.T, row vector, settings map[string]any) (verify.Config, error) {
	t.Helper()
	text, err := yaml.Marshal(map[string]any{
		"orgs": map[string]any{"acme": map[string]any{
			"url": "https://acme.okta.com", "auth": map[string]any{"type": "ssws", "token": "env:OKTA"},
		}},
		"sources": map[string]any{"sender": map[string]any{
			"type": "hmac", "org": "acme", "verify": settings,
		}},
	})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "sever.yaml")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	cfg, err := config.Load(file, func(name string) (string, bool) {
		return map[string]string{"SECRET": row.Secret, "CERT": row.CertPEM}[name], name != "OKTA"
	}, config.SenderSecrets)
	if err != nil {
		return verify.Config{}, err
	}
	return cfg.Sources["sender"].Verify, nil
}

func (row vector) settings() map[string]any {
	secrets := []string{"env:SECRET"}
	switch row.Scheme {
	case "jwt":
		return row.tokenSettings(secrets)
	case "sns":
		return map[string]any{"type": "sns", "sns": map[string]any{"topics": []string{row.topic()}, "certificate": "env:CERT", "max_age": "0s"}}
	case "rfc9421":
		return row.messageSettings(secrets)
	case "twilio":
		return map[string]any{
			"type": "hmac", "hash": "sha1", "weak": true, "encoding": "base64", "header": "X-Twilio-Signature",
			// Names and values run together in it, so that Sever wants to be told that this is known.
			"signed": "{url}{form}", "insecure": true, "url": row.URL, "secrets": secrets,
		}
	}
	if row.Sender == "MessageBird legacy" { // which signs the query sorted by name
		row.Params.SignedContent = strings.ReplaceAll(row.Params.SignedContent, "{query}", "{sorted_query}")
	}
	settings := map[string]any{
		"type": map[string]string{"plain-hash": "hash", "ecdsa-p256": "ecdsa"}[row.Scheme], "header": row.Params.SignatureHeader,
		"encoding": row.Params.Encoding, "signed": row.Params.SignedContent,
	}
	if settings["type"] == "" {
		settings["type"] = row.Scheme
	}
	weak := row.Scheme == "plain-hash" || row.Params.Hash == "sha1" || row.Params.Hash == "md5"
	put(settings, "hash", row.Params.Hash)
	put(settings, "weak", weak)
	put(settings, "secret_encoding", row.Params.SecretEncoding)
	put(settings, "url", row.URL)
	if len(row.Params.SecretStripPrefix) > 0 {
		settings["secret_prefixes"] = row.Params.SecretStripPrefix
	}
	keys := "secrets"
	if row.Scheme == "ed25519" || row.Scheme == "ecdsa-p256" {
		keys = "public_keys"
	}
	settings[keys] = secrets
	row.places(settings)
	return settings
}

// places says where the signature, the time and the id are.
func (row vector) places(settings map[string]any) {
	switch format := row.Params.SignatureFormat; format.Kind {
	case "prefix":
		settings["prefix"] = format.Prefix
	case "kv":
		settings["list"] = map[string]any{"item": format.ItemSep, "pair": format.KVSep, "field": format.Field}
	}
	if row.Params.IDHeader != "" {
		settings["id"] = map[string]any{"header": row.Params.IDHeader}
	}
	if at := row.Params.Timestamp; at != nil {
		timestamp := map[string]any{"tolerance": "0s"}
		put(timestamp, "header", at.Header)
		put(timestamp, "field", at.Field)
		put(timestamp, "unit", at.Unit)
		if row.Tolerance != nil {
			timestamp["tolerance"] = time.Duration(*row.Tolerance * float64(time.Second)).String()
		}
		settings["timestamp"] = timestamp
	}
}

func put[T comparable](settings map[string]any, key string, value T) {
	if value != *new(T) {
		settings[key] = value
	}
}

func (row vector) tokenSettings(secrets []string) map[string]any {
	algorithms := row.Params.Algs
	if slices.Contains(algorithms, "EdDSA") {
		algorithms = append(slices.Clone(algorithms), "ED25519") // as the rows' tokens spell it
	}
	token := map[string]any{"algorithms": algorithms, "timeless": !row.Params.CheckTime, "leeway": time.Duration(row.Params.Leeway * float64(time.Second)).String()}
	put(token, "header", row.Params.Header)
	put(token, "url_hash", row.Params.URLHash)
	put(token, "body_hash", row.Params.PayloadHash)
	settings := map[string]any{"type": "jwt", "jwt": token}
	put(settings, "url", row.URL)
	if len(row.Params.Algs) > 0 && strings.HasPrefix(row.Params.Algs[0], "HS") {
		settings["secrets"] = secrets
		put(settings, "secret_encoding", row.Params.SecretEncoding)
	} else {
		settings["public_keys"] = secrets
		put(settings, "secret_encoding", row.Params.SecretEncoding)
	}
	return settings
}

func (row vector) messageSettings(secrets []string) map[string]any {
	settings := map[string]any{"type": "http_signature", "label": row.Params.Label}
	if !strings.Contains(row.SignatureBase, `"content-digest":`) {
		settings["covers"], settings["insecure"] = []string{}, true
	}
	if strings.HasPrefix(row.Secret, "-----") {
		settings["public_keys"] = secrets
	} else {
		settings["secrets"], settings["secret_encoding"] = secrets, "base64"
	}
	return settings
}

func (row vector) topic() string {
	var message struct {
		TopicArn string `json:"TopicArn"`
	}
	if err := json.Unmarshal([]byte(row.Body), &message); err != nil || message.TopicArn == "" {
		return "arn:aws:sns:us-east-1:123456789012:none"
	}
	return message.TopicArn
}

// request is what the receiver would have been sent.
func (row vector) request(t *testing.T) source.Request {
	t.Helper()
	now := time.Now()
	if row.NowUnix != nil {
		now = time.UnixMilli(int64(*row.NowUnix * 1000))
	}
	if row.RawMessage != "" {
		return rawRequest(t, row.RawMessage, now)
	}
	target, err := url.Parse(row.URL)
	require.NoError(t, err)
	sent := *target // as it is in the request's first line
	sent.Scheme, sent.Host, sent.User, sent.RawQuery = "", "", nil, row.query(target)
	req := source.Request{
		Method: row.Method, URL: &sent, Host: target.Host, TLS: target.Scheme == "https",
		Header: http.Header{}, Body: []byte(row.Body), Now: now,
	}
	for name, value := range row.Headers {
		req.Header.Set(name, fmt.Sprint(value))
	}
	if row.Form != nil {
		form := url.Values{}
		for name, value := range row.Form {
			form.Set(name, fmt.Sprint(value))
		}
		req.Body = []byte(form.Encode())
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if row.Scheme == "jwt" && row.Token != "" {
		if row.Params.Header == "" {
			req.Header.Set("Authorization", "Bearer "+row.Token)
		} else {
			req.Header.Set(row.Params.Header, row.Token)
		}
	}
	return req
}

func (row vector) query(target *url.URL) string {
	if row.Query != "" {
		return row.Query
	}
	return target.RawQuery
}

func rawRequest(t *testing.T, message string, now time.Time) source.Request {
	t.Helper()
	head, body, _ := strings.Cut(strings.ReplaceAll(message, "\r\n", "\n"), "\n\n")
	read, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)))
	require.NoError(t, err)
	all, err := io.ReadAll(read.Body)
	require.NoError(t, err)
	return source.Request{
		Method: read.Method, URL: read.URL, Host: read.Host, TLS: true, Header: read.Header, Body: bytes.TrimRight(all, "\n"), Now: now,
	}
}

func requireChallengeAnswered(t *testing.T, row vector) {
	t.Helper()
	settings, err := loadVerify(t, row, map[string]any{"type": "hmac", "header": "X-Signature", "secrets": []string{"env:SECRET"}})
	require.NoError(t, err)
	shake, err := handshake.New(handshake.Config{Type: "crc"}, handshake.Deps{Secrets: settings.Secrets})
	require.NoError(t, err)
	reply, ok, err := shake.Answer(context.Background(), source.Request{
		Method: http.MethodGet, URL: &url.URL{Path: "/v1/hooks/sender", RawQuery: "crc_token=" + url.QueryEscape(row.Challenge)}, Header: http.Header{},
	})
	require.NoError(t, err)
	require.True(t, ok)
	require.JSONEq(t, `{"response_token":"`+row.ExpectedResponse+`"}`, string(reply.Body))
}
