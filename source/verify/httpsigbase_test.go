package verify

import (
	"bufio"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/stretchr/testify/require"

	"sever/internal/secret"
)

// signatureRows are the shared rows of RFC 9421, appendix B.2.
func signatureRows(t *testing.T) []signatureRow {
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
	text, err := os.ReadFile(filepath.Join(root, "..", "shared", "data", "signature-vectors.json"))
	if err != nil {
		t.Skipf("the shared data is not there: %v", err)
	}
	var file struct {
		Vectors []json.RawMessage `json:"vectors"`
	}
	require.NoError(t, json.Unmarshal(text, &file))
	var rows []signatureRow
	for _, text := range file.Vectors {
		var row signatureRow
		if json.Unmarshal(text, &row) == nil && row.Scheme == "rfc9421" { //nolint:musttag // its names are the fields'
			rows = append(rows, row)
		}
	}
	require.NotEmpty(t, rows)
	return rows
}

type signatureRow struct {
	ID, Scheme, Secret string

	Valid     bool
	Raw       string `json:"raw_http_message"`
	Base      string `json:"signature_base"`
	Signature string `json:"signature_b64"`
	Now       int64  `json:"now_unix"`
	Params    struct{ Alg, Label string }
}

// message reads the row's message; one is a response.
func (row signatureRow) message(t *testing.T) httpMessage {
	t.Helper()
	if strings.HasPrefix(row.Raw, "HTTP/") {
		answer, err := http.ReadResponse(bufio.NewReader(strings.NewReader(row.Raw)), nil)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return httpMessage{status: answer.StatusCode, header: answer.Header}
	}
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(row.Raw)))
	require.NoError(t, err)
	return httpMessage{method: req.Method, scheme: "https", host: req.Host, url: req.URL, header: req.Header}
}

func TestSignatureBaseOfSharedVectors(t *testing.T) {
	t.Parallel()
	for _, row := range signatureRows(t) {
		t.Run(row.ID, func(t *testing.T) {
			t.Parallel()
			message := row.message(t)
			inputs, err := httpsfv.UnmarshalDictionary(message.header["Signature-Input"])
			require.NoError(t, err)
			signatures, err := httpsfv.UnmarshalDictionary(message.header["Signature"])
			require.NoError(t, err)
			input, err := pair(inputs, signatures, row.Params.Label)
			require.NoError(t, err)
			base, err := message.signatureBase(input.covered)
			require.NoError(t, err)
			require.Equal(t, row.Base, base)
			require.Equal(t, row.Signature, base64.StdEncoding.EncodeToString(input.signature))

			key := row.key(t)
			require.Contains(t, algorithmsOf(key), row.Params.Alg)
			require.NoError(t, input.checkTime(time.Unix(row.Now, 0), signatureTolerance))
			err = input.checkKeys([]crypto.PublicKey{key}, base)
			require.Equal(t, row.Valid, err == nil)
			require.Error(t, input.checkKeys([]crypto.PublicKey{key}, base+" "))
		})
	}
}

func (row signatureRow) key(t *testing.T) crypto.PublicKey {
	t.Helper()
	config := Config{SecretEncoding: "base64"}
	if !strings.HasPrefix(row.Secret, "-----BEGIN") {
		shared, err := config.secretBytes(secret.New(row.Secret))
		require.NoError(t, err)
		return shared
	}
	key, err := config.publicKey(secret.New(row.Secret))
	require.NoError(t, err)
	return key
}

// The values are those of RFC 9421, sections 2.1 and 2.2.
func TestSignatureComponents(t *testing.T) {
	t.Parallel()
	target, err := url.Parse("/path%2Fx?param=value&foo=bar&baz=bat%2Dman&twice=1&twice=2&var=this%20is%20a%20big%0Avalue&fa%C3%A7ade=x")
	require.NoError(t, err)
	request := httpMessage{method: "POST", scheme: "https", host: "www.Example.com:443", url: target, header: http.Header{
		"X-Ows": {"  Leading and trailing whitespace.   "}, "Cache-Control": {"max-age=60", "   must-revalidate"},
		"X-Empty": {""}, "X-Crlf": {"a\n\"@method\": GET"},
	}}
	response := httpMessage{status: 200, header: http.Header{"X-Ows": {"x"}}}
	bare := httpMessage{method: "GET", scheme: "http", host: "example.com:80", url: &url.URL{}}
	for name, test := range map[string]struct {
		message httpMessage
		id      string
		want    string // "-" for one that cannot be built
	}{
		"method":         {request, `"@method"`, "POST"},
		"authority":      {request, `"@authority"`, "www.example.com"},
		"scheme":         {request, `"@scheme"`, "https"},
		"path":           {request, `"@path"`, "/path%2Fx"},
		"empty path":     {bare, `"@path"`, "/"},
		"port of http":   {bare, `"@authority"`, "example.com"},
		"empty query":    {bare, `"@query"`, "?"},
		"target":         {bare, `"@request-target"`, "/"},
		"target URI":     {bare, `"@target-uri"`, "http://example.com:80/"},
		"param":          {request, `"@query-param";name="baz"`, "bat-man"},
		"param encoded":  {request, `"@query-param";name="var"`, "this%20is%20a%20big%0Avalue"},
		"param name":     {request, `"@query-param";name="fa%C3%A7ade"`, "x"},
		"param twice":    {request, `"@query-param";name="twice"`, "-"},
		"param missing":  {request, `"@query-param";name="none"`, "-"},
		"param no name":  {request, `"@query-param"`, "-"},
		"param number":   {request, `"@query-param";name=1`, "-"},
		"param and more": {request, `"@query-param";name="baz";req`, "-"},
		"trimmed":        {request, `"x-ows"`, "Leading and trailing whitespace."},
		"joined":         {request, `"cache-control"`, "max-age=60, must-revalidate"},
		"empty":          {request, `"x-empty"`, ""},
		"host":           {request, `"host"`, "www.Example.com:443"},
		"missing":        {request, `"x-none"`, "-"},
		"line end":       {request, `"x-crlf"`, "-"},
		"capitals":       {request, `"X-Ows"`, "-"},
		"token":          {request, `x-ows`, "-"},
		"parameter":      {request, `"x-ows";sf`, "-"},
		"other request":  {request, `"@method";req`, "-"},
		"unknown":        {request, `"@nonsense"`, "-"},
		"itself":         {request, `"@signature-params"`, "-"},
		"status":         {request, `"@status"`, "-"},
		"of a response":  {response, `"@status"`, "200"},
		"not of one":     {response, `"@method"`, "-"},
		"field of one":   {response, `"x-ows"`, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			item, err := httpsfv.UnmarshalItem([]string{test.id})
			require.NoError(t, err)
			value, err := test.message.component(item)
			if test.want == "-" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, value)
		})
	}
}
