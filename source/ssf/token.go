package ssf

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

const (
	// maxEvents bounds the events of one SET; the framework wants exactly one.
	maxEvents = 100
	// maxName bounds the claims that name things: iss and jti.
	maxName = 2048
)

// token is what a SET says, as far as it matters here.
type token struct {
	issuer   string
	id       string    // jti
	issued   time.Time // iat
	occurred time.Time // toe
	subject  object    // sub_id; nil before the final Shared Signals Framework 1.0
	events   []event   // by type
}

// event is one entry of the claim events.
type event struct {
	uri     string
	payload object
}

// readToken reads a compact JWS whose signature was verified before.
func readToken(jws []byte) (token, error) {
	parts := bytes.Split(bytes.TrimSpace(jws), []byte("."))
	if len(parts) != 3 {
		return token{}, errors.New("not a compact JWS of three parts")
	}
	payload, err := base64.RawURLEncoding.AppendDecode(nil, parts[1])
	if err != nil {
		return token{}, errors.New("payload is not base64url")
	}
	claims, err := parseObject(payload)
	if err != nil {
		return token{}, fmt.Errorf("claims: %w", err)
	}
	return newToken(claims)
}

func newToken(claims object) (token, error) {
	read := token{
		issuer: claims.text("iss"), id: claims.text("jti"), subject: claims.object("sub_id"),
		issued: moment(claims["iat"]), occurred: moment(claims["toe"]),
	}
	if _, given := claims["sub_id"]; given && read.subject == nil {
		return token{}, errors.New("claim sub_id is no object")
	}
	if !isName(read.issuer) || !isName(read.id) {
		return token{}, errors.New("claims iss and jti must be texts of a sensible length")
	}
	events := claims.object("events")
	if len(events) == 0 || len(events) > maxEvents {
		return token{}, fmt.Errorf("claim events holds %d events; 1 to %d are read", len(events), maxEvents)
	}
	for _, uri := range slices.Sorted(maps.Keys(events)) {
		payload := events.object(uri)
		if payload == nil {
			return token{}, fmt.Errorf("event %.100q is no object", uri)
		}
		read.events = append(read.events, event{uri: uri, payload: payload})
	}
	return read, nil
}

func isName(text string) bool { return text != "" && len(text) <= maxName }

// milliseconds starts where a number can only mean milliseconds since 1970: as seconds it
// would be the year 5138. CAEP 1.0 has seconds, Okta sends milliseconds.
const milliseconds = 1e11

// moment reads a time in seconds or milliseconds since 1970; anything else is no time.
func moment(value any) time.Time {
	number, _ := value.(json.Number)
	since, err := strconv.ParseFloat(string(number), 64)
	switch {
	case err != nil || math.IsNaN(since) || since <= 0 || since > milliseconds*1000:
		return time.Time{}
	case since > milliseconds:
		return time.UnixMilli(int64(since)).UTC()
	default:
		return time.UnixMilli(int64(since * 1000)).UTC()
	}
}
