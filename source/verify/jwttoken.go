package verify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// What is wrong with a token. The texts hold nothing of it.
var (
	errTokenForm      = errors.New("the token is not a signed JWT in compact form")
	errTokenAlgorithm = errors.New("the token's algorithm is not an accepted one")
	errTokenType      = errors.New("the token's type is not the required one")
	errTokenKey       = errors.New("the token is signed with a key that its issuer does not have")
	errTokenSignature = errors.New("the token's signature does not match")
)

// Bounds of what is read of a token.
const (
	maxKeyID   = 256
	maxMembers = 256
)

// token is a JWS in compact form (RFC 7515, section 7.1) with claims in it, not yet verified.
//
// It is split here and not by jwt.Parser, which takes algorithms from a table of the whole
// process, keeps the last of two equal keys and knows nothing of crit. The signatures
// themselves are jwt's.
type token struct {
	alg, typ, kid string
	claims        jwt.MapClaims
	signed        string
	signature     []byte
}

// parseToken reads a token. Header parameters that point at a key (jku, x5u, jwk, x5c) are
// ignored: keys come from the settings only.
func parseToken(text string) (token, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return token{}, errTokenForm
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return token{}, errTokenForm
		}
	}
	t, err := readHeader(decoded[0])
	if err != nil {
		return token{}, err
	}
	t.signed, t.signature = text[:len(parts[0])+1+len(parts[1])], decoded[2]
	if _, err := members(decoded[1]); err != nil {
		return token{}, errTokenForm
	}
	decoder := json.NewDecoder(bytes.NewReader(decoded[1]))
	decoder.UseNumber()
	if err := decoder.Decode(&t.claims); err != nil {
		return token{}, errTokenForm
	}
	return t, nil
}

func readHeader(text []byte) (token, error) {
	header, err := members(text)
	if err != nil {
		return token{}, errTokenForm
	}
	// crit names extensions that a reader must understand, and we know none (RFC 7515, 4.1.11).
	if _, extended := header["crit"]; extended {
		return token{}, errTokenForm
	}
	var t token
	for name, field := range map[string]*string{"alg": &t.alg, "typ": &t.typ, "kid": &t.kid} {
		if text, given := header[name]; given && json.Unmarshal(text, field) != nil {
			return token{}, errTokenForm
		}
	}
	if t.alg == "" || len(t.kid) > maxKeyID {
		return token{}, errTokenForm
	}
	return t, nil
}

// checkKind refuses an algorithm that is not listed, and another type than the one wanted
// ("" for any). RFC 7515, 4.1.9: "application/" may be left out, and case is no matter.
func (t token) checkKind(algorithms []string, typ string) error {
	if signingMethod(t.alg) == nil || !slices.Contains(algorithms, t.alg) {
		return errTokenAlgorithm
	}
	if typ != "" && shortType(t.typ) != shortType(typ) {
		return errTokenType
	}
	return nil
}

func shortType(typ string) string {
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}

// checkSignature refuses a token that none of keys signed. The keys must fit its algorithm.
func (t token) checkSignature(keys []tokenKey) error {
	method := signingMethod(t.alg)
	for _, key := range keys {
		if method.Verify(t.signed, t.signature, key.key) == nil {
			return nil
		}
	}
	return errTokenSignature
}

// members reads a JSON object's members and refuses what two readers could understand
// differently: a name given twice, invalid UTF-8, anything behind the object.
func members(text []byte) (map[string]json.RawMessage, error) {
	errForm := errors.New("not one JSON object with each name once")
	if !utf8.Valid(text) {
		return nil, errForm
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, errForm
	}
	found := make(map[string]json.RawMessage)
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, errForm
		}
		name, _ := key.(string)
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errForm
		}
		if _, twice := found[name]; twice || len(found) == maxMembers {
			return nil, errForm
		}
		found[name] = value
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return nil, errForm
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errForm
	}
	return found, nil
}
