package ssf_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source"
	"sever/source/ssf"
)

func TestVerificationIsNotOpen(t *testing.T) {
	t.Parallel()
	require.False(t, ssf.NewVerification(ssf.NewStates(time.Now), "").Open(), "anybody could say which states there are")
}

func TestVerification(t *testing.T) {
	t.Parallel()
	const stream = "stream-1"
	about := func(subject any) func(claims) { return func(c claims) { c["sub_id"] = subject } }
	opaque := func(id string) claims { return claims{"format": "opaque", "id": id} }
	for name, row := range map[string]struct {
		event  any
		change func(claims)
		code   string // of the SETError; "" for accepted
	}{
		"asked for":                  {claims{"state": "mine"}, about(opaque(stream)), ""},
		"sent by the transmitter":    {claims{}, about(opaque(stream)), ""},
		"state null":                 {claims{"state": nil}, about(opaque(stream)), ""},
		"not asked for":              {claims{"state": "other"}, about(opaque(stream)), "invalid_state"},
		"in another case":            {claims{"state": "MINE"}, about(opaque(stream)), "invalid_state"},
		"empty":                      {claims{"state": ""}, about(opaque(stream)), "invalid_state"},
		"state no text":              {claims{"state": 7}, about(opaque(stream)), "invalid_state"},
		"another stream":             {claims{"state": "mine"}, about(opaque("stream-2")), "invalid_request"},
		"another stream, no state":   {claims{}, about(opaque("stream-2")), "invalid_request"},
		"not opaque":                 {claims{"state": "mine"}, about(claims{"format": "email", "email": stream, "id": stream}), "invalid_request"},
		"about nothing":              {claims{"state": "mine"}, func(c claims) { delete(c, "sub_id") }, "invalid_request"},
		"subject inside, as drafts":  {claims{"state": "mine", "subject": opaque(stream)}, func(c claims) { delete(c, "sub_id") }, ""},
		"another inside, sub_id too": {claims{"state": "mine", "subject": opaque(stream)}, about(opaque("stream-2")), "invalid_request"},
	} {
		states := ssf.NewStates(time.Now)
		require.NoError(t, states.Expect("mine"))
		body := set(fram+"verification", nil)
		body["events"] = claims{fram + "verification": row.event}
		row.change(body)
		reply, done, err := ssf.NewVerification(states, stream).Answer(t.Context(), source.Request{Method: "POST", Body: unsigned(t, body)})
		require.True(t, done, name)
		if row.code == "" {
			require.NoError(t, err, name)
			require.Equal(t, source.Reply{Status: 202}, reply, "%s: RFC 8935, 2.2: 202 without a body", name)
			continue
		}
		var refused *source.SETError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, row.code, refused.Code, name)
		require.NotEmpty(t, refused.Description, name)
		require.NotContains(t, refused.Description, "stream-2", "%s: nothing of what was sent", name)
		require.False(t, states.Seen("mine"), name)
	}
}

func TestVerificationWithoutStreamID(t *testing.T) {
	t.Parallel()
	states := ssf.NewStates(time.Now)
	require.NoError(t, states.Expect("s"))
	require.NoError(t, verified(t, states, "s"), "whatever stream it names")
}

func TestWhatIsNoVerification(t *testing.T) {
	t.Parallel()
	handshake := ssf.NewVerification(ssf.NewStates(time.Now), "")
	good := unsigned(t, set(fram+"verification", claims{}))
	mixed := set(fram+"verification", claims{})
	// Another event may sort before it or behind it.
	mixed["events"] = claims{fram + "verification": claims{}, caep + "session-revoked": claims{}}
	behind := set(fram+"verification", claims{})
	behind["events"] = claims{fram + "verification": claims{}, "urn:example:event": claims{}}
	for name, req := range map[string]source.Request{
		"GET":             {Method: "GET", Body: good},
		"OPTIONS":         {Method: "OPTIONS", Body: good},
		"no body":         {Method: "POST"},
		"not signed":      {Method: "POST", Body: []byte(`{"events":{}}`)},
		"another event":   {Method: "POST", Body: unsigned(t, set(caep+"session-revoked", claims{"state": "s"}))},
		"stream-updated":  {Method: "POST", Body: unsigned(t, set(fram+"stream-updated", claims{}))},
		"an event behind": {Method: "POST", Body: unsigned(t, behind)},
		"events beside":   {Method: "POST", Body: unsigned(t, mixed)},
		"event a text":    {Method: "POST", Body: unsigned(t, `{"iss":"a","jti":"b","events":{"`+fram+`verification":"state"}}`)},
		"twice one state": {Method: "POST", Body: unsigned(t, `{"iss":"a","jti":"b","events":{"`+fram+`verification":{"state":"a","state":"b"}}}`)},
	} {
		_, done, err := handshake.Answer(t.Context(), req)
		require.NoError(t, err, name)
		require.False(t, done, name)
	}
}
