package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
)

const (
	maxSummary = 512
	maxCauses  = 10
)

var (
	errorCodePattern = regexp.MustCompile(`^E[0-9]{7}$`)
	userinfoPattern  = regexp.MustCompile(`://[^"]*@`)
	queryPattern     = regexp.MustCompile(`\?[^\s"]*`)
)

// Error is an answer of Okta that is not the success the operation wants, or a refusal by the local budget.
//
// https://developer.okta.com/docs/reference/error-codes/
type Error struct {
	Op        string
	Status    int      // HTTP status
	Code      string   // such as "E0000007"; empty when the body held none, which OAuth failures never do
	Summary   string   // vendor text: untrusted, at most 512 bytes
	Causes    []string // vendor text: untrusted, at most ten
	ErrorID   string
	RequestID string
	Rate      Rate
	Challenge Challenge // from WWW-Authenticate; zero without that header
	Local     bool      // refused by the client's own budget; nothing was sent
	Err       error     // what was wrong with an answer of a good status, else nil
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "okta: %s: ", e.Op)
	if e.Local {
		b.WriteString("not sent: rate budget is used up")
		return b.String()
	}
	fmt.Fprintf(&b, "status %d", e.Status)
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Summary != "" {
		b.WriteString(" " + excerpt(e.Summary, 200))
	}
	for _, cause := range e.Causes[:min(len(e.Causes), 3)] {
		b.WriteString(", cause " + excerpt(cause, 100))
	}
	if e.Challenge.Error != "" {
		fmt.Fprintf(&b, ", %s %s", excerpt(e.Challenge.Error, 50), excerpt(e.Challenge.Description, 200))
	}
	if e.RequestID != "" {
		b.WriteString(", request " + excerpt(e.RequestID, 128))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// newError reads an error answer. The replacer removes our credentials from everything that came back.
func newError(op string, resp *http.Response, receipt Receipt, body []byte, clean *strings.Replacer) *Error {
	e := &Error{
		Op: op, Status: receipt.Status, RequestID: clean.Replace(receipt.RequestID), Rate: receipt.Rate,
		Challenge: parseChallenges(resp.Header.Values("WWW-Authenticate"), clean),
	}
	var answer struct {
		Code    string          `json:"errorCode"`
		Summary string          `json:"errorSummary"`
		ID      string          `json:"errorId"`
		Causes  json.RawMessage `json:"errorCauses"`
	}
	// A body that is no Okta error, a proxy's page for one, leaves the fields empty; a field of a wrong type only itself.
	if err := json.Unmarshal(body, &answer); err != nil && !isTypeError(err) {
		return e
	}
	if errorCodePattern.MatchString(answer.Code) {
		e.Code = answer.Code
	}
	e.Summary = clip(clean.Replace(answer.Summary), maxSummary)
	e.ErrorID = visibleASCII(clean.Replace(answer.ID), 128)
	e.Causes = parseCauses(answer.Causes, clean)
	return e
}

// parseCauses takes an array or a single object: Okta documents the one and also sends the other.
func parseCauses(raw json.RawMessage, clean *strings.Replacer) []string {
	type cause struct {
		Summary string `json:"errorSummary"`
	}
	var causes []cause
	if err := json.Unmarshal(raw, &causes); err != nil {
		var one cause
		if json.Unmarshal(raw, &one) != nil {
			return nil
		}
		causes = []cause{one}
	}
	var texts []string
	for _, c := range causes[:min(len(causes), maxCauses)] {
		if c.Summary != "" {
			texts = append(texts, clip(clean.Replace(c.Summary), maxSummary))
		}
	}
	return texts
}

// unexpectedAnswer is the error for a good status with a body that cannot be what was asked for.
func unexpectedAnswer(op string, receipt Receipt, err error) *Error {
	return &Error{Op: op, Status: receipt.Status, RequestID: receipt.RequestID, Rate: receipt.Rate, Err: err}
}

// withoutSecrets removes what a request's body or cookie held from a text that came back.
func withoutSecrets(err error, secrets ...string) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	clean := func(s string) string {
		for _, secret := range secrets {
			s = strings.ReplaceAll(s, secret, redacted)
		}
		return s
	}
	e.Summary, e.ErrorID, e.RequestID = clean(e.Summary), clean(e.ErrorID), clean(e.RequestID)
	e.Challenge.Error, e.Challenge.Description = clean(e.Challenge.Error), clean(e.Challenge.Description)
	for i := range e.Causes {
		e.Causes[i] = clean(e.Causes[i])
	}
	return err
}

// TransportError says that no whole answer came back. The call may or may not have taken effect. Its text holds no
// credential and no query; Err is the raw cause and may.
type TransportError struct {
	Op  string
	Err error

	text string
}

func (e *TransportError) Error() string {
	return fmt.Sprintf("okta: %s: %s", e.Op, e.text)
}

func (e *TransportError) Unwrap() error { return e.Err }

// Is makes every kind of timeout, the transport's own ones included, a context.DeadlineExceeded.
func (e *TransportError) Is(target error) bool {
	if target != context.DeadlineExceeded {
		return false
	}
	var timeout net.Error
	return errors.As(e.Err, &timeout) && timeout.Timeout()
}

func newTransportError(ctx context.Context, op string, err error, req *http.Request) *TransportError {
	// A transport may answer with the cause of a cancellation only; callers test for the context's error.
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	text := credentials(req).Replace(err.Error())
	text = userinfoPattern.ReplaceAllString(text, "://"+redacted+"@")
	text = queryPattern.ReplaceAllString(text, "?"+redacted)
	return &TransportError{Op: op, Err: err, text: excerpt(text, 300)}
}

func isTypeError(err error) bool {
	var wrongType *json.UnmarshalTypeError
	return errors.As(err, &wrongType)
}
