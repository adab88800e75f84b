package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// newHTTPClient makes a client with a bound on time that follows no redirect: what
// it sends carries a secret.
func newHTTPClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// withoutURL leaves out of an error the URL, which may carry a secret.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

// baseURL checks the address that a flag gives, to which paths are added.
func baseURL(flag, address string) (string, error) {
	base, err := url.Parse(address)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return "", usageError{fmt.Errorf("%s %.100q: write http://HOST:PORT", flag, address)}
	}
	return strings.TrimSuffix(address, "/"), nil
}
