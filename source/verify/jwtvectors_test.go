package verify_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
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

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

// tokenVector is a row of the shared vectors, of the schemes jwt, sns and rfc9421.
type tokenVector struct {
	ID, Scheme, Sender, Secret, Method, URL, Body, Token string

	Certificate string `json:"cert_pem"`
	Raw         string `json:"raw_http_message"`
	Valid       bool
	Headers     map[string]string
	Now         int64 `json:"now_unix"`
	Params      struct {
		Algorithms     []string `json:"algs"`
		CheckTime      bool     `json:"check_time"`
		Leeway         int64    `json:"leeway_s"`
		Header         string
		URLHash        string `json:"url_hash_claim"`
		BodyHash       string `json:"payload_hash_claim"`
		SecretEncoding string `json:"secret_encoding"`
		Label          string
	}
}

// sharedFile opens a file of the shared data, which lies beside the module.
func sharedFile(t *testing.T, name string) []byte {
	t.Helper()
	root, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		require.NotEqual(t, root, filepath.Dir(root), "go.mod not found")
		root = filepath.Dir(root)
	}
	text, err := os.ReadFile(filepath.Join(root, "..", "shared", "data", name))
	if err != nil {
		t.Skipf("the shared data is not there: %v", err)
	}
	return text
}

func tokenVectors(t *testing.T, scheme string) []tokenVector {
	t.Helper()
	var file struct {
		Vectors []json.RawMessage `json:"vectors"`
	}
	require.NoError(t, json.Unmarshal(sharedFile(t, "signature-vectors.json"), &file))
	var rows []tokenVector
	for _, text := range file.Vectors {
		var kind struct {
			Scheme string `json:"scheme"`
		}
		require.NoError(t, json.Unmarshal(text, &kind))
		if kind.Scheme != scheme {
			continue
		}
		var row tokenVector
		require.NoError(t, json.Unmarshal(text, &row)) //nolint:musttag // its names are the fields'
		rows = append(rows, row)
	}
	require.NotEmpty(t, rows)
	return rows
}

// requireVerdict asks as handlers do: first without the body, then with it.
func requireVerdict(t *testing.T, valid bool, verifier source.Verifier, req source.Request) {
	t.Helper()
	early := req
	early.Body = nil
	err := verifier.Early(early)
	_, late := verifier.Verify(t.Context(), req)
	if valid {
		require.NoError(t, err)
		require.NoError(t, late)
		return
	}
	require.Error(t, late, "Verify must refuse even where Early does")
	require.NotErrorIs(t, late, source.ErrUnavailable)
}

// jwtConfig is what a person would write for the row's sender.
func (v tokenVector) jwtConfig() verify.Config {
	p := v.Params
	config := verify.Config{Type: "jwt", SecretEncoding: p.SecretEncoding, JWT: &verify.JWT{
		Header: p.Header, Algorithms: p.Algorithms, URLHash: p.URLHash, BodyHash: p.BodyHash,
		Leeway: time.Duration(p.Leeway) * time.Second, Timeless: !p.CheckTime,
	}}
	if strings.HasPrefix(v.Sender, "MessageBird") {
		config.JWT.Issuer = "MessageBird"
	}
	if slices.Contains(p.Algorithms, "EdDSA") {
		config.JWT.Algorithms = append(slices.Clone(p.Algorithms), "ED25519") // as those tokens spell it
	}
	if strings.HasPrefix(v.Secret, "-----BEGIN") {
		config.PublicKeys = []secret.Secret{secret.New(v.Secret)}
	} else {
		config.Secrets = []secret.Secret{secret.New(cmp.Or(v.Secret, "a row of an unsigned token has none"))}
	}
	return config
}

func TestJWTSharedVectors(t *testing.T) {
	t.Parallel()
	for _, row := range tokenVectors(t, "jwt") {
		t.Run(row.ID, func(t *testing.T) {
			t.Parallel()
			verifier, err := verify.New(row.jwtConfig(), verify.Deps{})
			require.NoError(t, err)
			at, err := url.Parse(row.URL)
			require.NoError(t, err)
			header := http.Header{}
			if row.Params.Header == "" {
				header.Set("Authorization", "Bearer "+row.Token)
			} else {
				header.Set(row.Params.Header, row.Token)
			}
			requireVerdict(t, row.Valid, verifier, source.Request{
				Method: row.Method, URL: &url.URL{Path: at.Path, RawPath: at.RawPath, RawQuery: at.RawQuery},
				Host: at.Host, TLS: at.Scheme == "https", Header: header, Body: []byte(row.Body), Now: time.Unix(row.Now, 0),
			})
		})
	}
}

func TestSNSSharedVectors(t *testing.T) {
	t.Parallel()
	for _, row := range tokenVectors(t, "sns") {
		t.Run(row.ID, func(t *testing.T) {
			t.Parallel()
			var message struct {
				TopicArn string `json:"TopicArn"`
			}
			_ = json.Unmarshal([]byte(row.Body), &message) // a row may be tampered with until it is no JSON
			config := verify.Config{Type: "sns", SNS: &verify.SNS{
				Topics: []string{"arn:aws:sns:eu-west-1:123456789012:other"}, Certificate: secret.New(row.Certificate),
			}}
			if message.TopicArn != "" {
				config.SNS.Topics = []string{message.TopicArn}
			}
			verifier, err := verify.New(config, verify.Deps{})
			require.NoError(t, err)
			header := http.Header{}
			for name, value := range row.Headers {
				header.Set(name, value)
			}
			requireVerdict(t, row.Valid, verifier, source.Request{
				Method: row.Method, URL: &url.URL{Path: "/v1/hooks/sns"}, Header: header, Body: []byte(row.Body),
			})
		})
	}
}

func TestHTTPSignatureSharedVectors(t *testing.T) {
	t.Parallel()
	for _, row := range tokenVectors(t, "rfc9421") {
		if strings.HasPrefix(row.Raw, "HTTP/") {
			continue // a response, which no source sends: TestSignatureBaseOfResponse
		}
		t.Run(row.ID, func(t *testing.T) {
			t.Parallel()
			// Some rows cover less than we ask for.
			config := verify.Config{Type: "http_signature", Label: row.Params.Label, Insecure: true}
			if strings.HasPrefix(row.Secret, "-----BEGIN") {
				config.PublicKeys = []secret.Secret{secret.New(row.Secret)}
			} else {
				config.Secrets, config.SecretEncoding = []secret.Secret{secret.New(row.Secret)}, "base64"
			}
			verifier, err := verify.New(config, verify.Deps{})
			require.NoError(t, err)
			req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader([]byte(row.Raw))))
			require.NoError(t, err)
			body, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			came := source.Request{
				Method: req.Method, URL: req.URL, Host: req.Host, TLS: true, Header: req.Header, Body: body, Now: time.Unix(row.Now, 0),
			}
			requireVerdict(t, row.Valid, verifier, came)
			if strings.Contains(req.Header.Get("Signature-Input"), "content-digest") {
				came.Body = append(bytes.Clone(body), ' ')
				requireVerdict(t, false, verifier, came)
			}
			came.Body, came.Now = body, came.Now.Add(301*time.Second)
			requireVerdict(t, false, verifier, came)
		})
	}
}
