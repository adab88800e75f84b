package hooks

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

// ProbeError says what an endpoint does wrong, and how to mend it.
type ProbeError struct {
	Reason string
	Fix    string
	Silent bool // nothing answered at all
}

func (e *ProbeError) Error() string { return e.Reason + "; " + e.Fix }

const maxAnswer = 64 << 10

// Probe asks an endpoint for what Okta's verification asks for: one GET with a challenge and the secret. The client decides
// about time, and must not follow redirects, which Okta does not either. The error is a [*ProbeError].
//
// https://developer.okta.com/docs/concepts/event-hooks/#one-time-verification-request
func Probe(ctx context.Context, client *http.Client, uri, header, secret string) error {
	challenge := rand.Text()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, http.NoBody)
	if err != nil {
		return &ProbeError{Reason: "the address is no URL", Fix: "correct hook.url"}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set(header, secret)
	req.Header.Set("X-Okta-Verification-Challenge", challenge)
	resp, err := client.Do(req)
	if err != nil {
		return silence(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return silence(err)
	}
	if problem := refusal(resp.StatusCode); problem != nil {
		return problem
	}
	var echo struct {
		Verification string `json:"verification"`
	}
	if json.Unmarshal(body, &echo) != nil || echo.Verification != challenge {
		return &ProbeError{
			Reason: fmt.Sprintf("the endpoint answers %d without the challenge", resp.StatusCode),
			Fix:    "something other than Sever answers there: let the proxy pass GET /v1/hooks/... and its headers on",
		}
	}
	return nil
}

func refusal(status int) error {
	problem := &ProbeError{Reason: fmt.Sprintf("the endpoint answers %d", status)}
	switch {
	case status >= 200 && status < 300:
		return nil
	case status < 400:
		problem.Fix = "Okta follows no redirects: give the final https address in hook.url"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		problem.Fix = "the running Sever has another secret or header than this configuration: restart it with this one, " +
			"or find the proxy that refuses the request"
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		problem.Fix = "the path is not this source's: let hook.url end in /v1/hooks/NAME, with the source's name, and restart Sever if the source is new"
	case status >= 500:
		problem.Fix = "Sever or the proxy in front of it is in trouble: see `sever doctor` there and the proxy's log"
	default:
		problem.Fix = "let the proxy pass GET requests with the header X-Okta-Verification-Challenge on"
	}
	return problem
}

// silence explains a request that got no answer. It never repeats the error, which holds the URL.
func silence(err error) *ProbeError {
	reason, fix := "there is no answer", "check the address, the network and the proxy in front of Sever"
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &dns):
		reason, fix = "the host's name does not resolve", "correct the host, or add it to DNS"
	case errors.As(err, &certificate):
		reason, fix = "the TLS certificate is not valid: "+certificate.Err.Error(), "renew it, or serve the whole chain"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		reason, fix = "the port does not speak TLS", "correct the scheme or the port"
	case errors.Is(err, syscall.ECONNREFUSED):
		reason, fix = "nothing listens there", "start `sever serve`, or correct the address"
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		reason, fix = "there is no answer in time", "open the way through the firewall; Okta waits 3 s"
	}
	return &ProbeError{Reason: reason, Fix: fix, Silent: true}
}

// Silence explains in the same words why any other request got no answer.
func Silence(err error) (reason, fix string) {
	problem := silence(err)
	return problem.Reason, problem.Fix
}
