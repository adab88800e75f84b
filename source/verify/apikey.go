package verify

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"sever/internal/secret"
	"sever/source"
)

func queryParameter(name string) finder {
	return func(req source.Request) (string, error) {
		values, err := parameters(req, name)
		if err != nil {
			return "", err
		}
		return single(values)
	}
}

// pathToken gives SECRET of /v1/hooks/NAME/SECRET, decoded once. It insists on that form,
// so that a source's name is never taken for its secret.
func pathToken(req source.Request) (string, error) {
	if req.URL == nil {
		return "", errNoSecret
	}
	parts := strings.Split(req.URL.EscapedPath(), "/")
	if len(parts) != 5 || parts[0] != "" || parts[1] != "v1" || parts[2] != "hooks" || parts[4] == "" {
		return "", errNoSecret
	}
	token, err := url.PathUnescape(parts[4])
	if err != nil {
		return "", errUnreadableSecret // the error would tell what was sent
	}
	return token, nil
}

// addPathToken leaves the rest of the URL as it is.
func addPathToken(req *http.Request, token string) {
	escaped := strings.TrimSuffix(req.URL.EscapedPath(), "/") + "/" + url.PathEscape(token)
	req.URL.Path = strings.TrimSuffix(req.URL.Path, "/") + "/" + token
	req.URL.RawPath = escaped
}

func signAPIKey(config Config, req *http.Request, body []byte, key string) ([]byte, error) {
	switch {
	case config.Field != "":
		return fillField(config.Field, body, key)
	case config.Query != "":
		addQuery(req, config.Query, key)
	case config.Path:
		addPathToken(req, key)
	default:
		req.Header.Set(config.Header, key)
	}
	return body, nil
}

// fieldVerifier finds the secret in the body, as senders give it that let people write
// nothing but the body. The secret is taken out before the body is stored.
type fieldVerifier struct {
	path    []fieldStep
	sums    sums
	secrets []secret.Secret
}

func newFieldVerifier(config Config) (source.Verifier, error) { //nolint:ireturn // one of the constructors of New
	path, err := parseField(config.Field)
	if err != nil {
		return nil, err
	}
	return &fieldVerifier{path: path, sums: sumsOf(config.accepted()), secrets: config.Secrets}, nil
}

// Early cannot tell: the secret is in the body.
func (*fieldVerifier) Early(source.Request) error { return nil }

func (v *fieldVerifier) Verify(_ context.Context, req source.Request) (source.Verified, error) {
	cuts, err := findField(req.Body, v.path)
	if err != nil {
		return source.Verified{}, err
	}
	for _, c := range cuts {
		if err := v.sums.match(c.value); err != nil {
			return source.Verified{}, err
		}
	}
	body, err := v.strip(req.Body, cuts)
	if err != nil {
		return source.Verified{}, err
	}
	return source.Verified{Body: body}, nil
}
