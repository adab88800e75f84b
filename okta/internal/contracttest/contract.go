// Package contracttest holds requests and answers of Okta's API against Okta's own OpenAPI descriptions, for tests only.
//
// The descriptions lie in an optional folder of shared data beside the module; without it the tests that ask for them are
// skipped. Where the descriptions and Okta differ is told in deviations.go and nowhere else.
package contracttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"
)

// Contract is what Okta documents. It is safe for concurrent use.
type Contract struct {
	documents []*openapi3.T
}

// Load reads the descriptions and corrects them. It skips the test when they are not there.
func Load(t *testing.T) *Contract {
	t.Helper()
	folder := filepath.Join(moduleRoot(t), "..", "shared", "data", "okta")
	management, err := withEndUserSessions(read(t, folder, "openapi-management.json"), read(t, folder, "openapi-end-user-sessions.json"))
	require.NoError(t, err)
	return &Contract{documents: []*openapi3.T{
		parse(t, management, correctManagement),
		parse(t, read(t, folder, "openapi-oauth.json"), correctOAuth),
	}}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, parent, dir, "no go.mod above the test")
		dir = parent
	}
}

func read(t *testing.T, folder, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("Okta's OpenAPI description %s is not in the shared data folder", name)
	}
	require.NoError(t, err)
	return raw
}

func parse(t *testing.T, raw []byte, correct func(*openapi3.T)) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	require.NoError(t, err)
	correct(doc)
	return doc
}

// CheckRequest holds a request against its operation: method, path, query, headers, credential and body. The body is what the
// request carries; the request itself is left as it is.
func (c *Contract) CheckRequest(ctx context.Context, req *http.Request, body []byte) error {
	route, params, err := c.route(req)
	if err != nil {
		return err
	}
	if err := checkQuery(req.URL, route); err != nil {
		return err
	}
	input := requestInput(ctx, req, body, route, params)
	if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	return nil
}

// CheckAnswer holds an answer against the operation that was asked for: status, headers, content type and body.
func (c *Contract) CheckAnswer(ctx context.Context, req *http.Request, status int, header http.Header, body []byte) error {
	route, params, err := c.route(req)
	if err != nil {
		return err
	}
	if isChallenge(status, header, body) {
		return nil
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: requestInput(ctx, req, nil, route, params),
		Status:                 status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Options: options(),
	}
	if err := openapi3filter.ValidateResponse(ctx, input); err != nil {
		return fmt.Errorf("answer %d: %w", status, err)
	}
	return nil
}

// Operation names the documented operation a request is for, such as "GET /api/v1/users/{id}".
func (c *Contract) Operation(req *http.Request) string {
	route, _, err := c.route(req)
	if err != nil {
		return "undocumented " + req.Method + " " + req.URL.EscapedPath()
	}
	return route.Method + " " + route.Path
}

func requestInput(
	ctx context.Context, req *http.Request, body []byte, route *routers.Route, params map[string]string,
) *openapi3filter.RequestValidationInput {
	own := req.Clone(ctx) // the validator reads the body and may replace it
	own.Body, own.ContentLength = http.NoBody, int64(len(body))
	if len(body) > 0 {
		own.Body = io.NopCloser(bytes.NewReader(body))
	}
	own.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return &openapi3filter.RequestValidationInput{Request: own, PathParams: params, Route: route, Options: options()}
}

func options() *openapi3filter.Options {
	opts := &openapi3filter.Options{
		AuthenticationFunc: authenticate, IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
	}
	// The validator's own text repeats the value, which may be a secret, and pages of schema.
	opts.WithCustomSchemaErrorFunc(func(err *openapi3.SchemaError) string {
		return fmt.Sprintf("at %q: %s", "/"+strings.Join(err.JSONPointer(), "/"), err.Reason)
	})
	return opts
}

// route finds the operation. A path without parameters goes before one that has some.
func (c *Contract) route(req *http.Request) (*routers.Route, map[string]string, error) {
	var found *routers.Route
	var params map[string]string
	for _, doc := range c.documents {
		for template, item := range doc.Paths.Map() {
			values, ok := match(template, req.URL.EscapedPath())
			operation := item.GetOperation(req.Method)
			if !ok || operation == nil || found != nil && len(params) <= len(values) {
				continue
			}
			found = &routers.Route{Spec: doc, Path: template, PathItem: item, Method: req.Method, Operation: operation}
			params = values
		}
	}
	if found == nil {
		return nil, nil, fmt.Errorf("%s %s is not documented", req.Method, req.URL.EscapedPath())
	}
	return found, params, nil
}

// match reads the parameters of a path template. Each stands for exactly one segment, as it goes over the wire.
func match(template, path string) (map[string]string, bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, segment := range want {
		name, isParam := strings.CutPrefix(segment, "{")
		if !isParam {
			if segment != got[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(got[i])
		if err != nil || value == "" {
			return nil, false
		}
		params[strings.TrimSuffix(name, "}")] = value
	}
	return params, true
}

// checkQuery refuses what the validator lets pass: parameters nobody documented, and repeated ones.
func checkQuery(u *url.URL, route *routers.Route) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	for name, values := range query {
		inOperation := route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name)
		inPath := route.PathItem.Parameters.GetByInAndName(openapi3.ParameterInQuery, name)
		switch {
		case inOperation == nil && inPath == nil:
			return fmt.Errorf("query parameter %q is not documented for %s %s", name, route.Method, route.Path)
		case len(values) != 1:
			return fmt.Errorf("query parameter %q stands %d times", name, len(values))
		}
	}
	return nil
}
