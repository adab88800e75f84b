package ssf_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/ssf"
	"sever/source/verify"
)

// receiver takes pushes as the service does: verify, then the verification handshake, then
// store. The service's own handler is tested where it is; this shows what these packages
// answer, in the terms of RFC 8935.
type receiver struct {
	verifier     source.Verifier
	verification source.Handshake
	stored       *stored
}

func newReceiver(t *testing.T, from *transmitter, states *ssf.States, authorization string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(&receiver{realVerifier(t, from, authorization), ssf.NewVerification(states, "stream-1"), &stored{}})
	t.Cleanup(server.Close)
	return server
}

// realVerifier knows the transmitter's first key.
func realVerifier(t *testing.T, from *transmitter, authorization string) source.Verifier { //nolint:ireturn // as package verify gives it
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(keyPairs[0]().Public())
	require.NoError(t, err)
	config := verify.Config{
		Type: "set", PublicKeys: []secret.Secret{secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))},
		JWT: &verify.JWT{Issuer: from.issuer(), Audience: []string{audience}, Leeway: 30 * time.Second},
	}
	if authorization != "" {
		config.Secrets = []secret.Secret{secret.New(authorization)}
	}
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	return verifier
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	asked := source.Request{Method: req.Method, URL: req.URL, Header: req.Header, Body: body, Now: time.Now()}
	err := r.verifier.Early(asked)
	if err == nil {
		_, err = r.verifier.Verify(req.Context(), asked)
	}
	done, reply := false, source.Reply{Status: http.StatusAccepted}
	if err == nil {
		reply, done, err = r.verification.Answer(req.Context(), asked)
	}
	if refused, ok := errors.AsType[*source.SETError](err); ok {
		answerJSON(w, http.StatusBadRequest, map[string]string{"err": refused.Code, "description": refused.Description})
		return
	}
	if !done {
		_ = r.stored.Accept(req.Context(), body)
		reply.Status = http.StatusAccepted
	}
	w.WriteHeader(reply.Status)
}

// TestConformanceOfPush follows the receiver test plans of the OpenID conformance suite,
// module by module (openid-ssf-receiver-*), as far as they are about what is answered.
func TestConformanceOfPush(t *testing.T) {
	t.Parallel()
	from, states := newTransmitter(t, ""), ssf.NewStates(time.Now)
	require.NoError(t, states.Expect("asked"))
	at := newReceiver(t, from, states, "")
	changed := func(set claims, name string, value any) claims { set[name] = value; return set }
	valid := from.sign(from.revoked("valid"))
	for _, row := range []struct {
		module, what string
		jws          string
		status       int
		err          string
	}{
		{"happy-path", "session-revoked", valid, 202, ""},
		{"redelivered-set", "the same again", valid, 202, ""},
		{"stream-caep-interop", "credential-change", from.sign(from.event("cc", caep+"credential-change", claims{"change_type": "create"})), 202, ""},
		{"supported-events", "a type that means nothing here", from.sign(from.event("se", caep+"session-established", claims{})), 202, ""},
		{"supported-events", "a type nobody knows", from.sign(from.event("u", "https://example.com/event", claims{})), 202, ""},
		{"removed-subject-event", "a person who is not known", from.sign(changed(from.revoked("r"), "sub_id", claims{"format": "opaque", "id": "x"})), 202, ""},
		{"stream-verification", "the state asked for", from.sign(from.verification("stream-1", "asked")), 202, ""},
		{"unsolicited-stream-verification", "no state", from.sign(from.verification("stream-1", "")), 202, ""},
		{"verification-wrong-state", "a state nobody asked for", from.sign(from.verification("stream-1", "other")), 400, "invalid_state"},
		{"verification-wrong-subject", "another stream", from.sign(from.verification("stream-2", "asked")), 400, "invalid_request"},
		{"transmitter-initiated-status-change", "stream-updated", from.sign(from.event("up", fram+"stream-updated", claims{"status": "paused"})), 202, ""},
		{"invalid-set-rejection", "INVALID_SIGNATURE", valid[:len(valid)-8] + "AAAAAAAA", 400, "invalid_key"},
		{"invalid-set-rejection", "UNKNOWN_KID", signWith(t, 1, from.revoked("k")), 400, "invalid_key"},
		{"invalid-set-rejection", "WRONG_ISSUER", from.sign(changed(from.revoked("i"), "iss", from.issuer()+"/other")), 400, "invalid_issuer"},
		{"invalid-set-rejection", "WRONG_AUDIENCE", from.sign(changed(from.revoked("a"), "aud", "https://someone.example")), 400, "invalid_audience"},
		{"(framework 4.1.7)", "exp", from.sign(changed(from.revoked("e"), "exp", 4102444800)), 400, "invalid_request"},
		{"(framework 4.1.2)", "sub", from.sign(changed(from.revoked("s"), "sub", "ada")), 400, "invalid_request"},
		{"(RFC 8935, 2.4)", "no SET", "hello", 400, "invalid_request"},
	} {
		status, said := push(at.URL, "", row.jws)
		require.Equal(t, row.status, status, "%s: %s: %v", row.module, row.what, said)
		if row.err == "" {
			require.Nil(t, said, "%s: %s: 202 has no body", row.module, row.what)
			continue
		}
		require.Equal(t, row.err, said["err"], "%s: %s", row.module, row.what)
		require.NotEmpty(t, said["description"], "%s: %s", row.module, row.what)
	}
	require.True(t, states.Seen("asked"))
}

// TestConformanceOfStreams is openid-ssf-receiver-stream-control: create, read, verify by
// push with the authorization header that was asked for, and delete.
func TestConformanceOfStreams(t *testing.T) {
	t.Parallel()
	from, states := newTransmitter(t, ""), ssf.NewStates(time.Now)
	at := newReceiver(t, from, states, "Bearer push")
	client := from.discover(t)
	stream, err := client.Create(t.Context(), ssf.StreamRequest{Endpoint: at.URL, Authorization: secret.New("Bearer push"), Events: ssf.DefaultEvents()})
	require.NoError(t, err)
	require.NoError(t, states.Expect("asked"))
	require.NoError(t, client.Verify(t.Context(), stream.ID, "asked"))
	require.Eventually(t, func() bool { return states.Seen("asked") }, soon, 5*time.Millisecond)
	require.NoError(t, client.Delete(t.Context(), stream.ID))

	for _, wrong := range []string{"", "Bearer other", "push"} {
		status, said := push(at.URL, wrong, from.sign(from.revoked("1")))
		require.Equal(t, http.StatusBadRequest, status)
		require.Equal(t, "authentication_failed", said["err"])
	}
}

// TestConformanceOfPoll is the same for poll (RFC 8936): what is refused is named in
// setErrs and never in ack.
func TestConformanceOfPoll(t *testing.T) {
	t.Parallel()
	from, accepted, states := newTransmitter(t, ""), &stored{}, ssf.NewStates(time.Now)
	require.NoError(t, states.Expect("asked"))
	from.enqueue(from.revoked("valid"))
	from.enqueue(from.verification("stream-1", "other"))
	from.enqueue(from.verification("stream-1", "asked")) // behind queued events
	from.enqueueAs("unknown-kid", signWith(t, 1, from.revoked("unknown-kid")))
	config := from.pollConfig(accepted, &logged{})
	config.Verifier = realVerifier(t, from, "Bearer of a push, which a poll has not")
	config.MaxEvents, config.Verification = 10, ssf.NewVerification(states, "stream-1")
	running(t, config)
	from.report(t)
	report := from.report(t)
	require.ElementsMatch(t, []string{"valid", "v-asked"}, report.Ack)
	require.Len(t, report.SetErrs, 2)
	require.Equal(t, "invalid_state", report.SetErrs["v-other"]["err"])
	require.Equal(t, "invalid_key", report.SetErrs["unknown-kid"]["err"])
	require.Len(t, accepted.all(), 1)
}

// TestKeysRotateUnderPush pushes with one key, then with the next.
func TestKeysRotateUnderPush(t *testing.T) {
	t.Parallel()
	from := newTransmitter(t, "")
	at := httptest.NewServer(&receiver{from, ssf.NewVerification(ssf.NewStates(time.Now), ""), &stored{}})
	t.Cleanup(at.Close)
	for range 3 {
		status, said := push(at.URL, "", from.sign(from.revoked("1")))
		require.Equal(t, 202, status, said)
		from.rotate()
	}
	status, _ := push(at.URL, "", signWith(t, 0, from.revoked("2")))
	require.Equal(t, 400, status, "the key that was taken back")
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	good := ssf.Config{Transmitter: "https://tr.example.com", Endpoint: "https://sever.example/v1/hooks/sso", Events: ssf.DefaultEvents(), Authorization: secret.New("Bearer x")}
	require.Empty(t, good.Check())
	require.Empty(t, ssf.Config{}.Check())
	require.Empty(t, ssf.Config{Poll: &ssf.Poll{URL: "https://tr.example.com/poll", MaxEvents: 1, Wait: time.Second}}.Check())
	for field, bad := range map[string]ssf.Config{
		"transmitter":   {Transmitter: "http://user:pw@tr.example.com"},
		"endpoint":      {Endpoint: "sever.example"},
		"authorization": {Authorization: secret.New("Bearer x\n")},
		"events[1]":     {Events: []string{caep + "session-revoked", "session-revoked"}},
		"poll.url":      {Poll: &ssf.Poll{URL: "ftp://x", Wait: time.Second}},
		"poll.wait":     {Poll: &ssf.Poll{URL: "https://tr.example.com/poll"}},
		"poll":          {Endpoint: good.Endpoint, Poll: &ssf.Poll{URL: "https://tr.example.com/poll", Wait: time.Second}},
	} {
		problems := bad.Check()
		require.Len(t, problems, 1, field)
		require.Equal(t, field, problems[0].Field)
		require.NotEmpty(t, problems[0].Fix)
		require.NotContains(t, fmt.Sprint(problems), "pw", "no secret")
	}
	two := ssf.Config{Transmitter: "x", Endpoint: "y"}.Check()
	require.Equal(t, "transmitter", two[0].Field, "in the same order each time")
}

// TestNoSecretInErrors is about every error that a transmitter can cause.
func TestNoSecretInErrors(t *testing.T) {
	t.Parallel()
	from := newTransmitter(t, "")
	client := from.discover(t)
	from.server.Close()
	_, err := client.Create(t.Context(), ssf.StreamRequest{Endpoint: "https://sever.example/x", Authorization: secret.New("Bearer push")})
	require.ErrorContains(t, err, "create the stream: reach the transmitter: ")
	for _, text := range []string{managingToken, "Bearer", "stream_id"} {
		require.NotContains(t, err.Error(), text)
	}
}
