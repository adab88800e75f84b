package verify

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/dunglas/httpsfv"

	"sever/source"
)

const (
	contentDigest      = "content-digest"
	maxSignatures      = 4
	maxSignatureFields = 16 << 10 // bytes, of both headers together
	signatureTolerance = 5 * time.Minute
)

var (
	errNoSignature       = errors.New("there is no HTTP message signature of the wanted label")
	errManySignatures    = errors.New("there are too many or too large HTTP message signatures")
	errSignatureForm     = errors.New("Signature-Input or Signature cannot be read")
	errSignatureTime     = errors.New("the HTTP message signature is expired, too old or from the future")
	errSignatureCovers   = errors.New("the HTTP message signature covers too little")
	errSignatureMismatch = errors.New("the HTTP message signature does not match")
)

// httpSignatureVerifier accepts requests that are signed as in RFC 9421.
type httpSignatureVerifier struct {
	keys      []crypto.PublicKey // []byte for a shared secret
	covers    []string           // serialized component identifiers
	label     string             // "" for any
	tolerance time.Duration      // 0 for no check
	url       *url.URL           // as the sender knows it; nil for as it came
}

// signedInput is one signature and what it covers.
type signedInput struct {
	covered   httpsfv.InnerList
	signature []byte
}

func newHTTPSignature(config Config) (source.Verifier, error) { //nolint:ireturn // as New
	v := &httpSignatureVerifier{label: config.Label, tolerance: signatureTolerance}
	if config.Timestamp != nil {
		v.tolerance = config.Timestamp.Tolerance
	}
	var err error
	if v.url, err = config.knownURL(); err != nil {
		return nil, err
	}
	if v.covers, err = config.coveredComponents(); err != nil {
		return nil, err
	}
	for i, text := range config.Secrets {
		shared, err := config.secretBytes(text)
		if err != nil {
			return nil, fmt.Errorf("verify.secrets[%d]: %w", i, err)
		}
		v.keys = append(v.keys, shared)
	}
	public, err := config.publicTokenKeys()
	if err != nil {
		return nil, err
	}
	for i, key := range public {
		if algorithmsOf(key.key) == nil {
			return nil, fmt.Errorf("verify.public_keys[%d]: has a curve that RFC 9421 has no algorithm for", i)
		}
		v.keys = append(v.keys, key.key)
	}
	return v, nil
}

// Early decides all but the body's digest: the signature covers headers only. What is only too old may be genuine.
func (v *httpSignatureVerifier) Early(req source.Request) error {
	_, _, err := v.signedBy(req)
	return err
}

// Verify checks the signature again, so that no caller can do harm by leaving Early out.
func (v *httpSignatureVerifier) Verify(_ context.Context, req source.Request) (source.Verified, error) {
	input, stale, err := v.signedBy(req)
	if err != nil {
		return source.Verified{}, err
	}
	if input.names()[quoted(contentDigest)] {
		if err := checkContentDigest(req.Header["Content-Digest"], req.Body); err != nil {
			return source.Verified{}, err
		}
	}
	if stale {
		return source.Verified{}, &source.StaleError{Cause: errSignatureTime}
	}
	return source.Verified{}, nil
}

// signedBy finds a signature that is good. Where there are several, one is enough; one of now is better than a
// stale one.
func (v *httpSignatureVerifier) signedBy(req source.Request) (good signedInput, stale bool, err error) {
	inputs, err := v.inputs(req)
	if err != nil {
		return signedInput{}, false, err
	}
	message := requestMessage(req, v.url)
	for _, input := range inputs {
		if err = v.check(message, input, req.Now); err != nil {
			continue
		}
		if input.near(req.Now, v.tolerance) {
			return input, false, nil
		}
		good, stale = input, true
	}
	if stale {
		return good, true, nil
	}
	return signedInput{}, false, err
}

// inputs reads the signatures that have the label, at least one.
func (v *httpSignatureVerifier) inputs(req source.Request) ([]signedInput, error) {
	inputLines, signatureLines := req.Header["Signature-Input"], req.Header["Signature"]
	size := 0
	for _, line := range slices.Concat(inputLines, signatureLines) {
		size += len(line)
	}
	if size > maxSignatureFields {
		return nil, errManySignatures
	}
	described, err := httpsfv.UnmarshalDictionary(inputLines)
	if err != nil {
		return nil, errSignatureForm
	}
	signatures, err := httpsfv.UnmarshalDictionary(signatureLines)
	if err != nil {
		return nil, errSignatureForm
	}
	var inputs []signedInput
	for _, label := range described.Names() {
		if v.label != "" && label != v.label {
			continue
		}
		input, err := pair(described, signatures, label)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, input)
	}
	switch {
	case len(inputs) == 0:
		return nil, errNoSignature
	case len(inputs) > maxSignatures:
		return nil, errManySignatures
	}
	return inputs, nil
}

func pair(described, signatures *httpsfv.Dictionary, label string) (signedInput, error) {
	description, _ := described.Get(label)
	covered, ok := description.(httpsfv.InnerList)
	if !ok {
		return signedInput{}, errSignatureForm
	}
	member, _ := signatures.Get(label)
	item, _ := member.(httpsfv.Item)
	signature, ok := item.Value.([]byte)
	if !ok {
		return signedInput{}, errSignatureForm
	}
	return signedInput{covered: covered, signature: signature}, nil
}

func (v *httpSignatureVerifier) check(message httpMessage, input signedInput, now time.Time) error {
	if err := input.checkTime(now, v.tolerance); err != nil {
		return err
	}
	names := input.names()
	for _, name := range v.covers {
		if !names[name] {
			return errSignatureCovers
		}
	}
	base, err := message.signatureBase(input.covered)
	if err != nil {
		return err
	}
	return input.checkKeys(v.keys, base)
}

// names are the serialized identifiers of the components that a signature covers.
func (s signedInput) names() map[string]bool {
	names := make(map[string]bool, len(s.covered.Items))
	for _, item := range s.covered.Items {
		if name, err := httpsfv.Marshal(item); err == nil {
			names[name] = true
		}
	}
	return names
}

// checkTime wants an expires that is not past if there is one, and a created where it matters.
func (s signedInput) checkTime(now time.Time, tolerance time.Duration) error {
	if expires, given := s.covered.Params.Get("expires"); given {
		at, ok := expires.(int64)
		if !ok || now.Unix() > at {
			return errSignatureTime
		}
	}
	if tolerance == 0 {
		return nil
	}
	if _, given := s.created(); !given {
		return errSignatureTime
	}
	return nil
}

// near reports whether it was created within the tolerance.
func (s signedInput) near(now time.Time, tolerance time.Duration) bool {
	created, _ := s.created()
	return tolerance == 0 || now.Sub(created).Abs() <= tolerance
}

func (s signedInput) created() (at time.Time, given bool) {
	created, _ := s.covered.Params.Get("created")
	seconds, given := created.(int64)
	return time.Unix(seconds, 0), given
}

// checkKeys tries every key. alg, if it is given, must be one of the key's.
func (s signedInput) checkKeys(keys []crypto.PublicKey, base string) error {
	alg, given := s.covered.Params.Get("alg")
	match := false
	for _, key := range keys {
		for _, candidate := range algorithmsOf(key) {
			if given && alg != candidate {
				continue
			}
			match = checkRaw(candidate, key, []byte(base), s.signature) || match
		}
	}
	if !match {
		return errSignatureMismatch
	}
	return nil
}
