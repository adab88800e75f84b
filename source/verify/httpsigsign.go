package verify

import (
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/dunglas/httpsfv"

	"sever/source"
)

// signHTTPSignature adds Content-Digest, Signature-Input and Signature, over the components
// of covers, or of @method, @authority, @path, @query and content-digest.
func signHTTPSignature(config Config, key crypto.Signer, req *http.Request, body []byte, now time.Time) error {
	covers := config.Covers
	if len(covers) == 0 {
		covers = []string{"@method", "@authority", "@path", "@query", contentDigest}
	}
	if slices.Contains(covers, contentDigest) {
		digests := httpsfv.NewDictionary()
		digests.Add("sha-256", httpsfv.NewItem(bodyDigest("sha-256", body)))
		text, err := httpsfv.Marshal(digests)
		if err != nil {
			return fmt.Errorf("write Content-Digest: %w", err)
		}
		req.Header.Set("Content-Digest", text)
	}
	covered, err := coveredList(covers, now)
	if err != nil {
		return err
	}
	known, err := config.knownURL()
	if err != nil {
		return err
	}
	message := requestMessage(source.Request{
		Method: req.Method, URL: req.URL, Host: orDefault(req.Host, req.URL.Host), TLS: req.URL.Scheme == "https", Header: req.Header,
	}, known)
	base, err := message.signatureBase(covered)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	signature, err := config.signBase(key, base)
	if err != nil {
		return err
	}
	label := orDefault(config.Label, "sig1")
	return setSignature(req.Header, label, covered, signature)
}

func coveredList(covers []string, now time.Time) (httpsfv.InnerList, error) {
	covered := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for i, text := range covers {
		id, err := componentID(text)
		if err != nil {
			return covered, fmt.Errorf("sign: verify.covers[%d]: %w", i, err)
		}
		item, err := httpsfv.UnmarshalItem([]string{id})
		if err != nil {
			return covered, fmt.Errorf("sign: verify.covers[%d]: %w", i, err)
		}
		covered.Items = append(covered.Items, item)
	}
	covered.Params.Add("created", now.Unix())
	return covered, nil
}

func (c Config) signBase(key crypto.Signer, base string) ([]byte, error) {
	if key != nil {
		algorithms := algorithmsOf(key.Public())
		if algorithms == nil {
			return nil, errors.New("sign: RFC 9421 has no algorithm for the key")
		}
		return signRaw(algorithms[0], key, []byte(base))
	}
	if len(c.Secrets) == 0 {
		return nil, fmt.Errorf("sign: %w", ErrNoKey)
	}
	shared, err := c.secretBytes(c.Secrets[0])
	if err != nil {
		return nil, fmt.Errorf("sign: verify.secrets[0]: %w", err)
	}
	return macSHA256(shared, []byte(base)), nil
}

func setSignature(header http.Header, label string, covered httpsfv.InnerList, signature []byte) error {
	inputs, signatures := httpsfv.NewDictionary(), httpsfv.NewDictionary()
	inputs.Add(label, covered)
	signatures.Add(label, httpsfv.NewItem(signature))
	input, err := httpsfv.Marshal(inputs)
	if err != nil {
		return fmt.Errorf("write Signature-Input: %w", err)
	}
	text, err := httpsfv.Marshal(signatures)
	if err != nil {
		return fmt.Errorf("write Signature: %w", err)
	}
	header.Set("Signature-Input", input)
	header.Set("Signature", text)
	return nil
}
