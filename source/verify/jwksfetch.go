package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/MicahParks/jwkset"
)

const (
	keysTimeout = 10 * time.Second
	maxKeySet   = 1 << 20 // bytes
	maxKeys     = 100
)

func fetchKeys(ctx context.Context, client *http.Client, url string) ([]tokenKey, error) {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	text, err := fetch(ctx, client, url, maxKeySet)
	if err != nil {
		return nil, fmt.Errorf("fetch the keys: %w", err)
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	return keys, nil
}

// fetch gets what is at a URL, if that is answered 200 and has at most limit bytes.
func fetch(ctx context.Context, client *http.Client, url string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, errors.New("not a usable URL")
	}
	answer, err := client.Do(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // *url.Error says what was done
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered with status %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("the answer is larger than %d bytes", limit)
	}
	return text, nil
}

// parseKeys reads the usable keys of a JWKS. Others, such as those for encryption, are left
// out; an empty set is an issuer that withdrew all.
func parseKeys(text []byte) ([]tokenKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil || set.Keys == nil {
		return nil, errors.New("not a JSON Web Key Set")
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	var keys []tokenKey
	for _, text := range set.Keys {
		if key, ok := parseKey(text); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func parseKey(text json.RawMessage) (tokenKey, bool) {
	var written jwkset.JWKMarshal
	if json.Unmarshal(text, &written) != nil {
		return tokenKey{}, false
	}
	forSigning := written.USE == "" || written.USE == jwkset.UseSig
	forVerifying := len(written.KEYOPS) == 0 || slices.Contains(written.KEYOPS, jwkset.KeyOpsVerify)
	if !forSigning || !forVerifying {
		return tokenKey{}, false
	}
	// Certificates are left out: we do not check them, and jwkset would fetch an x5u.
	written.X5C, written.X5U, written.X5T, written.X5TS256 = nil, "", "", ""
	// Private is off, so shared and private keys are refused.
	jwk, err := jwkset.NewJWKFromMarshal(written, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipAll: true})
	if err != nil || strongEnough(jwk.Key()) != nil {
		return tokenKey{}, false
	}
	return tokenKey{key: jwk.Key(), id: written.KID, alg: written.ALG.String()}, true
}
