package verify

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"sever/source"
)

const maxIDLength = 256

// signed verifies a signature over text that a template makes of the request.
type signed struct {
	form      signatureForm
	template  template
	base      string
	timestamp *Timestamp
	timePlace bodyPlace // of timestamp.body
	id        *Place
	idPlace   bodyPlace // of id.body
	dotlessID bool      // a dot would let the id run into what follows it
	dotlessAt bool      // the same of the timestamp
	labels    *Labels
	proofs    []proof // one for each secret or key
}

func newSigned(config Config) (source.Verifier, error) { //nolint:ireturn // one of the constructors of New
	v, err := config.signedForm()
	if err != nil {
		return nil, err
	}
	if v.proofs, err = config.proofs(); err != nil {
		return nil, err
	}
	if v.labels != nil && len(v.labels.Names) != len(v.proofs) {
		return nil, errors.New("verify.labels.names: are not as many as the secrets")
	}
	return v, nil
}

// signedForm makes all of a verifier but the secrets: what signing shares with it.
func (c Config) signedForm() (*signed, error) {
	v := &signed{
		form: c.signatureForm(), base: withoutQuery(c.URL),
		timestamp: c.Timestamp, id: c.ID, labels: c.Labels,
	}
	var err error
	if v.template, err = compileTemplate(c.Signed); err != nil {
		return nil, fmt.Errorf("verify.signed: %w", err)
	}
	if c.Timestamp != nil && c.Timestamp.Body != "" {
		if v.timePlace, err = parseBodyPlace(c.Timestamp.Body); err != nil {
			return nil, fmt.Errorf("verify.timestamp.body: %w", err)
		}
	}
	if c.ID != nil && c.ID.Body != "" {
		if v.idPlace, err = parseBodyPlace(c.ID.Body); err != nil {
			return nil, fmt.Errorf("verify.id.body: %w", err)
		}
	}
	v.dotlessID = v.template.dotAfter("id")
	// Digits hold no dot, and RFC 3339 ends in a zone, which no dot can follow.
	v.dotlessAt = v.template.dotAfter("timestamp") && c.Timestamp != nil && c.Timestamp.Unit == "layout"
	return v, nil
}

// Early refuses a request without signature, or with a timestamp or label that is not good. One that is only too
// old may be genuine.
func (v *signed) Early(req source.Request) error {
	in, err := v.read(req)
	if err != nil {
		return err
	}
	if v.timePlace == nil {
		if _, _, err := v.readTimestamp(req, &in); err != nil {
			return err
		}
	}
	if v.idPlace == nil {
		if _, err := v.readID(req); err != nil {
			return err
		}
	}
	_, err = v.chosen(req)
	return err
}

// read finds the signatures, and makes sure that every header that is signed is there.
func (v *signed) read(req source.Request) (found, error) {
	in, err := v.form.find(req)
	if err != nil {
		return found{}, fmt.Errorf("signature header: %w", err)
	}
	for _, p := range v.template {
		if p.kind != "header" {
			continue
		}
		if _, err := headerValue(req, p.text); err != nil {
			return found{}, fmt.Errorf("signed header: %w", err)
		}
	}
	return in, nil
}

// Verify decides, whether Early was asked or not. It asks every secret about every
// signature, so that the time it takes tells nothing about which one was near.
func (v *signed) Verify(_ context.Context, req source.Request) (source.Verified, error) {
	in, err := v.read(req)
	if err != nil {
		return source.Verified{}, err
	}
	m, err := v.fill(req, &in)
	if err != nil {
		return source.Verified{}, err
	}
	proofs, err := v.chosen(req)
	if err != nil {
		return source.Verified{}, err
	}
	signatures := v.form.decode(&in)
	match := false
	for _, p := range proofs {
		match = p.match(m, signatures) || match
	}
	if !match {
		return source.Verified{}, fmt.Errorf("signature: %w", ErrMismatch)
	}
	verified, err := v.readBody(m)
	if err != nil {
		return source.Verified{}, err
	}
	if m.stale != nil {
		return source.Verified{}, &source.StaleError{Verified: verified, Cause: m.stale}
	}
	return verified, nil
}

// readBody reads what only the body tells, now that the body is known to be genuine.
func (v *signed) readBody(m *filled) (source.Verified, error) {
	if v.onlyInBody(v.timePlace, "timestamp") {
		var err error
		if _, m.stale, err = v.readTimestamp(m.req, nil); err != nil {
			return source.Verified{}, err
		}
	}
	if v.onlyInBody(v.idPlace, "id") {
		var err error
		if m.id, err = v.readID(m.req); err != nil {
			return source.Verified{}, err
		}
	}
	return source.Verified{ID: m.id}, nil
}

// onlyInBody reports whether what is at a place is signed with the body and not once more.
func (v *signed) onlyInBody(place bodyPlace, placeholder string) bool {
	return place != nil && !v.template.has(placeholder)
}

func (v *signed) fill(req source.Request, in *found) (*filled, error) {
	m := &filled{template: v.template, req: req, base: v.base}
	var err error
	if !v.onlyInBody(v.timePlace, "timestamp") {
		if m.timestamp, m.stale, err = v.readTimestamp(req, in); err != nil {
			return nil, err
		}
	}
	if !v.onlyInBody(v.idPlace, "id") {
		if m.id, err = v.readID(req); err != nil {
			return nil, err
		}
	}
	if v.template.has("form") {
		if m.form, err = sortedForm(req.Body); err != nil {
			return nil, fmt.Errorf("form: %w", err)
		}
	}
	return m, nil
}

// readTimestamp gives the text of the timestamp, and says if its time is not near enough.
func (v *signed) readTimestamp(req source.Request, in *found) (text string, stale, err error) {
	switch {
	case v.timestamp == nil:
		return "", nil, nil
	case v.timePlace != nil:
		text, err = v.timePlace.find(req.Body)
	case v.timestamp.Header != "":
		text, err = headerValue(req, canonical(v.timestamp.Header))
	default:
		text = in.timestamp
	}
	if err == nil {
		err = v.timestamp.within(text, req.Now)
	}
	if v.dotlessAt && strings.Contains(text, ".") {
		err = ErrMalformed
	}
	if err != nil {
		err = fmt.Errorf("timestamp: %w", err)
	}
	if errors.Is(err, ErrStale) {
		return text, err, nil
	}
	return text, nil, err
}

// readID gives the sender's id. It may only be missing where it is not signed, as in a
// sender's test message of another shape: then the delivery is known by its body.
func (v *signed) readID(req source.Request) (text string, err error) {
	if v.id == nil {
		return "", nil
	}
	if v.idPlace != nil {
		text, err = v.idPlace.find(req.Body)
	} else {
		text, err = headerValue(req, canonical(v.id.Header))
	}
	signed := v.template.has("id")
	switch {
	case err != nil && !signed && (v.idPlace != nil || errors.Is(err, ErrMissing)):
		return "", nil
	case err != nil:
	case text == "":
		err = ErrMissing
	case len(text) > maxIDLength, !printable(text), v.dotlessID && strings.Contains(text, "."):
		err = ErrMalformed
	}
	if err != nil {
		return "", fmt.Errorf("id: %w", err)
	}
	return text, nil
}

// chosen gives the proofs to ask: the one that the request names, or all.
func (v *signed) chosen(req source.Request) ([]proof, error) {
	if v.labels == nil {
		return v.proofs, nil
	}
	lines := req.Header[canonical(v.labels.Header)]
	if len(lines) == 0 {
		return v.proofs, nil
	}
	at := slices.Index(v.labels.Names, lines[0])
	if len(lines) > 1 || at < 0 {
		return nil, fmt.Errorf("label: %w", ErrMismatch)
	}
	return v.proofs[at : at+1], nil
}

// headerValue gives the value of a header that must be there once.
func headerValue(req source.Request, name string) (string, error) {
	if name == "Host" { // which net/http takes out of the headers
		return req.Host, nil
	}
	lines := req.Header[name]
	switch len(lines) {
	case 0:
		return "", ErrMissing
	case 1:
		return lines[0], nil
	default:
		return "", ErrMalformed
	}
}

func canonical(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }

func withoutQuery(url string) string {
	base, _, _ := strings.Cut(url, "?")
	return base
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
