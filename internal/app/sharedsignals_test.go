package app_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

const (
	transmitterIssuer = "https://transmitter.example.com/"
	setAudience       = "https://sever.example.com/ssf"
	pushAuthorization = "Bearer stream-header-Lw6hC3"
	pollToken         = "poll-token-Ym2xD7"
	streamID          = "stream-1"

	sessionRevoked  = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
	accountDisabled = "https://schemas.openid.net/secevent/risc/event-type/account-disabled"
	verification    = "https://schemas.openid.net/secevent/ssf/event-type/verification"
)

// transmitter signs, and serves its keys.
type transmitter struct {
	key     *rsa.PrivateKey
	jwks    string
	fetches atomic.Int64 // of the keys
}

func newTransmitter(t *testing.T) *transmitter {
	t.Helper()
	made := &transmitter{key: otherKey(t)}
	encode := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(yamlMap{"keys": []any{yamlMap{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "practice",
		"n": encode(made.key.N.Bytes()), "e": encode(big.NewInt(int64(made.key.E)).Bytes()),
	}}})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		made.fetches.Add(1)
		_, _ = w.Write(set)
	}))
	t.Cleanup(server.Close)
	made.jwks = server.URL
	return made
}

// verify are the settings of a source that trusts it.
func (m *transmitter) verify(issuer string) yamlMap {
	return yamlMap{"jwt": yamlMap{"jwks": m.jwks, "issuer": issuer, "audience": []string{setAudience}}}
}

// claims are those of a token about a person, with changes; a change to nil takes one away.
func claims(jti, event string, subject, changes yamlMap) yamlMap {
	made := yamlMap{
		"iss": transmitterIssuer, "aud": setAudience, "jti": jti, "iat": time.Now().Unix(),
		"sub_id": subject, "events": yamlMap{event: yamlMap{"event_timestamp": time.Now().Unix()}},
	}
	maps.Copy(made, changes)
	maps.DeleteFunc(made, func(_ string, value any) bool { return value == nil })
	return made
}

func byEmail(address string) yamlMap { return yamlMap{"format": "email", "email": address} }

func aboutStream(id string) yamlMap { return yamlMap{"format": "opaque", "id": id} }

// sign makes a token with this header's changes.
func sign(t *testing.T, key *rsa.PrivateKey, header, claims yamlMap) string {
	t.Helper()
	head := yamlMap{"alg": "RS256", "typ": "secevent+jwt", "kid": "practice"}
	maps.Copy(head, header)
	text := encoded(t, head) + "." + encoded(t, claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	require.NoError(t, err)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString(text)
}

// newReceiver runs Sever with a pushing transmitter as the source ssf, and our own org's
// as the source echo.
func newReceiver(t *testing.T) (*rig, *transmitter) {
	t.Helper()
	sender, okta := newTransmitter(t), newOkta(t)
	r := prepareSources(t, okta, yamlMap{
		"ssf": yamlMap{
			"type": "ssf", "org": "acme", "verify": sender.verify(transmitterIssuer),
			"ssf": yamlMap{"authorization": "env:PUSH_AUTHORIZATION", "stream_id": streamID},
		},
		"echo":  yamlMap{"type": "ssf", "org": "acme", "verify": sender.verify(okta.url)},
		"fence": fenceSource(),
	}, map[string]string{"PUSH_AUTHORIZATION": pushAuthorization, "FENCE_SECRET": fenceSecret})
	r.start()
	return r, sender
}

// push sends a token as RFC 8935 has it.
func (r *rig) push(name, token string, changes http.Header) answer {
	r.t.Helper()
	header := http.Header{
		"Content-Type": {"application/secevent+jwt"}, "Accept": {"application/json"}, "Authorization": {pushAuthorization},
	}
	maps.Copy(header, changes)
	return r.ask(http.MethodPost, name, header, token)
}

// requireTaken is RFC 8935, section 2.2: 202 and nothing else.
func requireTaken(t *testing.T, given answer) {
	t.Helper()
	require.Equal(t, http.StatusAccepted, given.status, given.body)
	require.Empty(t, given.body)
}

// requireSETError is RFC 8935, section 2.3.
func requireSETError(t *testing.T, given answer, code string) {
	t.Helper()
	said := decode[struct{ Err, Description string }](t, given, http.StatusBadRequest)
	require.Equal(t, code, said.Err)
	require.NotEmpty(t, said.Description)
	require.Equal(t, "application/json", given.header.Get("Content-Type"))
	require.NotEmpty(t, given.header.Get("Content-Language"))
}

func TestAPushedEventRevokesOnce(t *testing.T) {
	t.Parallel()
	r, sender := newReceiver(t)
	r.knows(person(1), "ada@acme.example")
	token := sign(t, sender.key, nil, claims("jti-1", sessionRevoked, byEmail("ada@acme.example"), nil))
	requireTaken(t, r.push("ssf", token, nil))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)

	requireTaken(t, r.push("ssf", token, nil))
	later := yamlMap{"iat": time.Now().Add(-time.Minute).Unix(), "txn": "signed anew"}
	requireTaken(t, r.push("ssf", sign(t, sender.key, nil, claims("jti-1", sessionRevoked, byEmail("ada@acme.example"), later)), nil))
	r.fence(person(99))
	require.Equal(t, map[string]int{person(1): 1, person(99): 1}, deletes(r.okta.Calls()))
	require.Len(t, r.seen.find(step(revocation.StepEnqueued)), 2)

	requireTaken(t, r.push("ssf", sign(t, sender.key, nil, claims("jti-2", sessionRevoked, byEmail("ada@acme.example"), nil)), nil))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 3)
	require.Equal(t, 2, deletes(r.okta.Calls())[person(1)], "another jti is another event")
}

// knows makes sure that the simulated Okta has a person.
func (r *rig) knows(id, login string) {
	r.t.Helper()
	require.NoError(r.t, r.okta.PutUser(userOf(id, login)))
}

func TestABadTokenIsToldInTheTransmittersTerms(t *testing.T) {
	t.Parallel()
	r, sender := newReceiver(t)
	r.knows(person(1), "ada@acme.example")
	made := func(changes yamlMap) yamlMap {
		return claims("jti-bad", sessionRevoked, byEmail("ada@acme.example"), changes)
	}
	good := sign(t, sender.key, nil, made(nil))
	none := http.Header{"Authorization": nil}
	for name, bad := range map[string]struct {
		token  string
		header http.Header
		code   string
	}{
		"another audience":     {sign(t, sender.key, nil, made(yamlMap{"aud": "https://other.example.com"})), nil, "invalid_audience"},
		"no audience":          {sign(t, sender.key, nil, made(yamlMap{"aud": nil})), nil, "invalid_audience"},
		"another issuer":       {sign(t, sender.key, nil, made(yamlMap{"iss": "https://evil.example.net/"})), nil, "invalid_issuer"},
		"another key":          {sign(t, otherKey(t), nil, made(nil)), nil, "invalid_key"},
		"an unknown key":       {sign(t, otherKey(t), yamlMap{"kid": "theirs"}, made(nil)), nil, "invalid_key"},
		"alg none":             {encoded(t, yamlMap{"alg": "none", "typ": "secevent+jwt"}) + "." + encoded(t, made(nil)) + ".", nil, ""},
		"alg HS256":            {sign(t, sender.key, yamlMap{"alg": "HS256"}, made(nil)), nil, "invalid_key"},
		"another typ":          {sign(t, sender.key, yamlMap{"typ": "JWT"}, made(nil)), nil, "invalid_request"},
		"with exp":             {sign(t, sender.key, nil, made(yamlMap{"exp": time.Now().Add(time.Hour).Unix()})), nil, "invalid_request"},
		"with sub":             {sign(t, sender.key, nil, made(yamlMap{"sub": "ada@acme.example"})), nil, "invalid_request"},
		"no jti":               {sign(t, sender.key, nil, made(yamlMap{"jti": nil})), nil, "invalid_request"},
		"no events":            {sign(t, sender.key, nil, made(yamlMap{"events": yamlMap{}})), nil, "invalid_request"},
		"iat ahead":            {sign(t, sender.key, nil, made(yamlMap{"iat": time.Now().Add(time.Hour).Unix()})), nil, "invalid_request"},
		"iat long ago":         {sign(t, sender.key, nil, made(yamlMap{"iat": time.Now().Add(-8 * 24 * time.Hour).Unix()})), nil, "invalid_request"},
		"no token":             {`{"events":{}}`, nil, "invalid_request"},
		"nothing":              {"", nil, "invalid_request"},
		"no header":            {good, none, "authentication_failed"},
		"another header":       {good, http.Header{"Authorization": {"Bearer guessed"}}, "authentication_failed"},
		"the header twice":     {good, http.Header{"Authorization": {pushAuthorization, pushAuthorization}}, "authentication_failed"},
		"a state nobody asked": {sign(t, sender.key, nil, claims("jti-v", verification, aboutStream(streamID), yamlMap{"events": yamlMap{verification: yamlMap{"state": "made up"}}})), nil, "invalid_state"},
		"of another stream":    {sign(t, sender.key, nil, claims("jti-v", verification, aboutStream("stream-2"), yamlMap{"events": yamlMap{verification: yamlMap{}}})), nil, "invalid_request"},
	} {
		given := r.push("ssf", bad.token, bad.header)
		if bad.code == "" {
			require.Equal(t, http.StatusBadRequest, given.status, name)
			continue
		}
		t.Log(name, given.body)
		requireSETError(t, given, bad.code)
		require.NotContains(t, given.body, "evil", "nothing of what was sent")
	}
	require.Empty(t, r.seen.find(step(revocation.StepAccepted)))
	require.Empty(t, r.okta.Calls())

	given := r.push("ssf", good, http.Header{"Content-Type": {"application/json"}})
	require.Equal(t, http.StatusUnsupportedMediaType, given.status)
	require.Contains(t, given.body, `"err":"invalid_request"`)
	require.Empty(t, r.seen.find(step(revocation.StepAccepted)))
	requireTaken(t, r.push("ssf", good, nil)) // the same, rightly sent, is good
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
}

// What our own org says of ended sessions is an echo of our own calls.
func TestOurOwnOrgsEchoLeadsToNothing(t *testing.T) {
	t.Parallel()
	r, sender := newReceiver(t)
	subject := yamlMap{"format": "iss_sub", "iss": r.okta.url, "sub": person(1)}
	requireTaken(t, r.push("echo", sign(t, sender.key, nil, claims("jti-1", sessionRevoked, subject, yamlMap{"iss": r.okta.url})), nil))
	ignored := r.seen.await(t, step(revocation.StepIgnored), 1)
	require.Equal(t, "echo", ignored[0].Reason)
	r.fence(person(99))
	require.Equal(t, map[string]int{person(99): 1}, callsFor(r.calls()))

	// The same person, by what is no echo.
	requireTaken(t, r.push("echo", sign(t, sender.key, nil, claims("jti-2", accountDisabled, subject, yamlMap{"iss": r.okta.url})), nil))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 2)
	require.Equal(t, 1, callsFor(r.calls())[person(1)])
}

func (r *rig) seenState(name, state string) bool {
	r.t.Helper()
	return decode[map[string]bool](r.t, r.admin(http.MethodGet, "/api/v1/sources/"+name+"/ssf/states/"+state, ""), http.StatusOK)["seen"]
}

func (r *rig) expectState(name, state string) {
	r.t.Helper()
	given := r.admin(http.MethodPost, "/api/v1/sources/"+name+"/ssf/states", `{"state":"`+state+`"}`)
	require.Equal(r.t, http.StatusAccepted, given.status, given.body)
}

func verifying(jti, state string) yamlMap {
	return claims(jti, verification, aboutStream(streamID), yamlMap{"events": yamlMap{verification: yamlMap{"state": state}}})
}

func TestAVerificationEventThatWasAskedForIsSeen(t *testing.T) {
	t.Parallel()
	r, sender := newReceiver(t)
	r.expectState("ssf", "state-8Qx")
	require.False(t, r.seenState("ssf", "state-8Qx"))
	// A stranger who knows the state proves nothing.
	requireSETError(t, r.push("ssf", sign(t, otherKey(t), nil, verifying("jti-0", "state-8Qx")), nil), "invalid_key")
	require.False(t, r.seenState("ssf", "state-8Qx"))

	requireTaken(t, r.push("ssf", sign(t, sender.key, nil, verifying("jti-1", "state-8Qx")), nil))
	require.True(t, r.seenState("ssf", "state-8Qx"))
	require.False(t, r.seenState("echo", "state-8Qx"), "each source has its own")
	require.Equal(t, http.StatusBadRequest, r.admin(http.MethodPost, "/api/v1/sources/fence/ssf/states", `{"state":"x"}`).status)
	require.Equal(t, http.StatusBadRequest, r.admin(http.MethodPost, "/api/v1/sources/ssf/ssf/states", `{"state":""}`).status)

	r.clock.jump(11 * time.Minute) // longer than one is expected
	requireSETError(t, r.push("ssf", sign(t, sender.key, nil, verifying("jti-2", "state-8Qx")), nil), "invalid_state")
	require.Empty(t, r.seen.find(step(revocation.StepAccepted)), "it is no delivery")
}
