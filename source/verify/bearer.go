package verify

import (
	"net/http"
	"net/url"

	"sever/source"
)

// bearerToken gives the token of RFC 6750: from the Authorization header, or from the
// query parameter of the given name, if that is not "". CloudEvents senders may use
// access_token (https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md).
// A request must not use both (RFC 6750, section 2).
func bearerToken(name string) finder {
	return func(req source.Request) (string, error) {
		if name == "" {
			return authorization(req, "Bearer")
		}
		fromQuery, err := parameters(req, name)
		switch {
		case err != nil:
			return "", err
		case len(fromQuery) == 0:
			return authorization(req, "Bearer")
		case len(req.Header["Authorization"]) > 0:
			return "", errManySecrets
		default:
			return single(fromQuery)
		}
	}
}

// parameters gives the values of a query parameter.
func parameters(req source.Request, name string) ([]string, error) {
	if req.URL == nil {
		return nil, nil
	}
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return nil, errUnreadableSecret // the error would tell what was sent
	}
	return query[name], nil
}

func addQuery(req *http.Request, name, value string) {
	query := req.URL.Query()
	query.Set(name, value)
	req.URL.RawQuery = query.Encode()
}
