package notice

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

// receiver is a channel's other end on loopback. It answers with the given statuses in
// turn, and then with 200.
type receiver struct {
	*httptest.Server

	requests []*http.Request
	bodies   []string
}

func receive(t *testing.T, header http.Header, statuses ...int) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.requests = append(r.requests, req)
		r.bodies = append(r.bodies, string(body))
		for name := range header {
			w.Header().Set(name, header.Get(name))
		}
		if len(r.requests) <= len(statuses) {
			w.WriteHeader(statuses[len(r.requests)-1])
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) webhook() Channel {
	return Channel{Type: typeWebhook, URL: secret.New(r.URL + "/in?token=hush"), Secret: secret.New(testKey), MaxPerHour: 20}
}

func (r *receiver) slack() Channel {
	return Channel{Type: typeSlack, URL: secret.New(r.URL + "/services/hush"), MaxPerHour: 20}
}

// sendHeld sends a notice of one hold, once.
func sendHeld(t *testing.T, channel Channel) error {
	t.Helper()
	out, err := newOutlet("chat", Config{Channels: map[string]Channel{"chat": channel}, Links: sampleLinks})
	require.NoError(t, err)
	event := held("hold_1")
	event.Hold.Hold.Reason = "more than 5 & <!channel>"
	in, _ := incidentOf(event)
	return out.try(t.Context(), batch{id: "msg_1", kind: KindHeld, org: "acme", count: 1, since: time.Unix(1767225600, 0), incidents: []incident{in}})
}

// standardWebhooks is how Sever itself checks such a sender.
func standardWebhooks(t *testing.T, key string) source.Verifier { //nolint:ireturn // verify gives no other
	t.Helper()
	verifier, err := verify.New(verify.Config{
		Type: "hmac", Header: "webhook-signature", Encoding: "base64", List: &verify.List{Item: " ", Pair: ",", Field: "v1"},
		Signed: "{id}.{timestamp}.{body}", ID: &verify.Place{Header: "webhook-id"},
		Timestamp:      &verify.Timestamp{Header: "webhook-timestamp", Unit: "s", Tolerance: 5 * time.Minute},
		SecretEncoding: "base64", SecretPrefixes: []string{"whsec_"}, Secrets: []secret.Secret{secret.New(key)},
	}, verify.Deps{})
	require.NoError(t, err)
	return verifier
}

func TestWebhookIsSignedByStandardWebhooks(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	require.NoError(t, sendHeld(t, r.webhook()))
	req := source.Request{Method: "POST", URL: r.requests[0].URL, Header: r.requests[0].Header, Body: []byte(r.bodies[0]), Now: time.Now()}
	verified, err := standardWebhooks(t, testKey).Verify(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, "msg_1", verified.ID)

	_, err = standardWebhooks(t, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").Verify(t.Context(), req)
	require.Error(t, err, "another key")
	req.Body = append(req.Body, ' ')
	_, err = standardWebhooks(t, testKey).Verify(t.Context(), req)
	require.Error(t, err, "another body")
}

func TestWebhookBody(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	require.NoError(t, sendHeld(t, r.webhook()))
	require.Equal(t, "application/json", r.requests[0].Header.Get("Content-Type"))
	require.JSONEq(t, `{
		"type": "sever.notice.held", "timestamp": "2026-01-01T00:00:00Z",
		"data": {
			"kind": "held", "org": "acme", "count": 1, "title": "Sever, acme: 1 job waits for an operator",
			"text": "Sever, acme: 1 job waits for an operator\n- rule suspended from okta: more than 5 & <!channel> [hold_1]\n  approve: https://sever.example.com/approve/a\n  reject: https://sever.example.com/approve/r\n> sever holds list",
			"examples": [{
				"what": "rule suspended", "source": "okta", "reason": "more than 5 & <!channel>", "id": "hold_1",
				"approve": "https://sever.example.com/approve/a", "reject": "https://sever.example.com/approve/r"
			}],
			"commands": ["sever holds list"]
		}
	}`, r.bodies[0])
}

func TestSlackBody(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	require.NoError(t, sendHeld(t, r.slack()))
	var body map[string]string
	require.NoError(t, json.Unmarshal([]byte(r.bodies[0]), &body))
	require.Len(t, body, 1)
	require.Contains(t, body["text"], "more than 5 &amp; &lt;!channel&gt;", "nothing that we quote calls everybody")
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	for status := range 600 {
		switch {
		case status < 300:
		case status == 408, status == 425, status == 429, status >= 500:
			require.False(t, permanent(status), status)
		default:
			require.True(t, permanent(status), status)
		}
	}
	for _, status := range []int{200, 202, 204} {
		require.NoError(t, sendHeld(t, receive(t, nil, status).slack()), status)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, "9999": maxRetryAfter, "-1": 0, "99999999999": 0, "Wed, 21 Oct 2026 07:28:00 GMT": 0,
	} {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": {text}}), text)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := receive(t, nil)
	r := receive(t, http.Header{"Location": {elsewhere.URL}}, http.StatusTemporaryRedirect)
	require.EqualError(t, sendHeld(t, r.webhook()), "the receiver answered with status 307")
	require.Empty(t, elsewhere.requests)
}

// Neither what is sent nor what is said of a failure holds a secret.
func TestNoSecretGetsOut(t *testing.T) {
	t.Parallel()
	gone := receive(t, nil)
	gone.Close()
	for name, r := range map[string]*receiver{
		"taken": receive(t, nil), "refused": receive(t, nil, http.StatusForbidden, http.StatusForbidden),
		"down": receive(t, nil, http.StatusBadGateway, http.StatusBadGateway), "gone": gone,
	} {
		for _, channel := range []Channel{r.webhook(), r.slack()} {
			text := ""
			if err := sendHeld(t, channel); err != nil {
				text = err.Error()
			}
			require.Equal(t, name == "taken", text == "", name)
			for _, body := range append(r.bodies, text) {
				require.NotContains(t, body, "hush", name)
				require.NotContains(t, body, strings.TrimPrefix(testKey, keyPrefix), name)
			}
		}
	}
}

func TestTry(t *testing.T) {
	t.Parallel()
	r := receive(t, nil, http.StatusOK, http.StatusInternalServerError)
	require.NoError(t, Try(t.Context(), "pager", r.webhook()))
	require.Contains(t, r.bodies[0], `"type":"sever.notice.test"`)
	require.Error(t, Try(t.Context(), "pager", r.webhook()), "one try tells")
}
