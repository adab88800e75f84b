package verify_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

// signedVector is a row of the shared vectors, of a scheme that signs text.
type signedVector struct {
	ID      string            `json:"id"`
	Scheme  string            `json:"scheme"`
	Sender  string            `json:"sender"`
	Secret  string            `json:"secret"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Query   string            `json:"query"`
	Body    string            `json:"body"`
	Valid   bool              `json:"valid"`
	Headers map[string]string `json:"headers"`
	Form    map[string]string `json:"form"`
	Now     int64             `json:"now_unix"`
	Seconds int64             `json:"tolerance_s"`
	Params  struct {
		Hash     string `json:"hash"`
		Encoding string `json:"encoding"`
		Header   string `json:"signature_header"`
		Format   struct {
			Kind   string `json:"kind"`
			Prefix string `json:"prefix"`
			Field  string `json:"field"`
			Item   string `json:"item_sep"`
			Pair   string `json:"kv_sep"`
		} `json:"signature_format"`
		IDHeader  string `json:"id_header"`
		Timestamp *struct {
			Header string `json:"header"`
			Field  string `json:"field"`
			Unit   string `json:"unit"`
		} `json:"timestamp"`
		Signed         string   `json:"signed_content"`
		SecretEncoding string   `json:"secret_encoding"`
		Prefixes       []string `json:"secret_strip_prefix"`
	} `json:"params"`
}

// config is what a person would write for the row's sender.
func (v signedVector) config() verify.Config {
	p := v.Params
	config := verify.Config{
		Type:   map[string]string{"hmac": "hmac", "twilio": "hmac", "plain-hash": "hash", "ed25519": "ed25519", "ecdsa-p256": "ecdsa"}[v.Scheme],
		Header: p.Header, Encoding: p.Encoding, Prefix: p.Format.Prefix, Signed: p.Signed,
		SecretEncoding: p.SecretEncoding, SecretPrefixes: p.Prefixes, URL: v.URL,
	}
	if v.Scheme == "ed25519" || v.Scheme == "ecdsa-p256" {
		config.PublicKeys = []secret.Secret{secret.New(v.Secret)}
	} else {
		config.Secrets = []secret.Secret{secret.New(v.Secret)}
		config.Hash = p.Hash
		config.Weak = p.Hash == "sha1" || p.Hash == "md5" || v.Scheme == "plain-hash"
	}
	if p.Format.Kind == "kv" {
		config.List = &verify.List{Item: p.Format.Item, Pair: p.Format.Pair, Field: p.Format.Field}
	}
	if p.IDHeader != "" {
		config.ID = &verify.Place{Header: p.IDHeader}
	}
	if p.Timestamp != nil {
		config.Timestamp = &verify.Timestamp{
			Header: p.Timestamp.Header, Field: p.Timestamp.Field, Unit: p.Timestamp.Unit,
			Tolerance: time.Duration(v.Seconds) * time.Second,
		}
	}
	switch {
	case v.Scheme == "twilio":
		config.Header, config.Hash, config.Weak, config.Encoding = "X-Twilio-Signature", "sha1", true, "base64"
		config.Signed, config.Insecure = "{url}{form}", true
	case strings.HasPrefix(v.Sender, "MessageBird legacy"):
		// The row's note: the query is signed sorted, which it need not be when it comes.
		config.Signed = strings.ReplaceAll(config.Signed, "{query}", "{sorted_query}")
	}
	return config
}

func (v signedVector) request(t *testing.T) source.Request {
	t.Helper()
	req := source.Request{
		Method: v.Method, URL: &url.URL{Path: "/v1/hooks/sender", RawQuery: v.Query},
		Host: "sever.example.com", TLS: true, Header: http.Header{}, Body: []byte(v.Body), Now: time.Unix(v.Now, 0),
	}
	if v.URL != "" {
		at, err := url.Parse(v.URL)
		require.NoError(t, err)
		req.URL.RawQuery = at.RawQuery
	}
	if v.Form != nil {
		form := url.Values{}
		for name, value := range v.Form {
			form.Set(name, value)
		}
		req.Body = []byte(form.Encode())
	}
	for name, value := range v.Headers {
		req.Header.Set(name, value)
	}
	return req
}

func TestSignedSharedVectors(t *testing.T) {
	t.Parallel()
	tested := 0
	for _, row := range signedVectors(t) {
		tested++
		t.Run(row.ID, func(t *testing.T) {
			t.Parallel()
			verifier, err := verify.New(row.config(), verify.Deps{})
			require.NoError(t, err)
			req := row.request(t)
			verified, err := verifier.Verify(t.Context(), req)
			if !row.Valid {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.NoError(t, verifier.Early(req))
			require.Equal(t, req.Header.Get(row.Params.IDHeader), verified.ID)
			signedChangesRefused(t, verifier, req, row.config())
		})
	}
	require.Positive(t, tested)
}

func signedVectors(t *testing.T) []signedVector {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		require.NotEqual(t, filepath.Dir(dir), dir, "no go.mod above the test")
		dir = filepath.Dir(dir)
	}
	text, err := os.ReadFile(filepath.Join(dir, "..", "shared", "data", "signature-vectors.json"))
	if os.IsNotExist(err) {
		t.Skip("no shared data folder beside the checkout: the vectors in it are not checked")
	}
	require.NoError(t, err)
	var file struct {
		Vectors []json.RawMessage `json:"vectors"`
	}
	require.NoError(t, json.Unmarshal(text, &file))
	var rows []signedVector
	for _, raw := range file.Vectors {
		var kind struct {
			Scheme string `json:"scheme"`
		}
		require.NoError(t, json.Unmarshal(raw, &kind))
		switch kind.Scheme {
		case "hmac", "ed25519", "ecdsa-p256", "plain-hash", "twilio":
			var row signedVector
			require.NoError(t, json.Unmarshal(raw, &row), string(raw))
			rows = append(rows, row)
		}
	}
	return rows
}
