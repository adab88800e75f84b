package handshake_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source/handshake"
)

const subscribeURL = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + topic + "&Token=s3cret-2336412f37"

// confirmation is written as in https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html.
func confirmation(kind, topic, target string) string {
	return `{"Type":"` + kind + `","MessageId":"165545c9-2a5c-472c-8df2-7ff2be2b3b1b","Token":"s3cret-2336412f37","TopicArn":"` + topic + `",
"Message":"You have chosen to subscribe to the topic.","SubscribeURL":"` + target + `","Timestamp":"2026-11-23T09:59:00.000Z",
"SignatureVersion":"1","Signature":"EXAMPLE","SigningCertURL":"https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"}`
}

// rewritten sends what is meant for Amazon to a server on loopback, as nothing else may leave a test.
type rewritten struct {
	server *url.URL
	next   http.RoundTripper
	asked  atomic.Value // the last URL that was asked for
}

func (r *rewritten) RoundTrip(req *http.Request) (*http.Response, error) {
	r.asked.Store(req.URL.String())
	clone := req.Clone(req.Context())
	clone.URL.Scheme, clone.URL.Host = r.server.Scheme, r.server.Host
	return r.next.RoundTrip(clone)
}

func TestSNSConfirmsASubscription(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer func(w http.ResponseWriter)
		status int
	}{
		"confirmed":      {func(w http.ResponseWriter) { _, _ = w.Write([]byte("<ConfirmSubscriptionResponse/>")) }, http.StatusOK},
		"a huge answer":  {func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 4<<20)) }, http.StatusOK},
		"refused":        {func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, http.StatusServiceUnavailable},
		"another 2xx":    {func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }, http.StatusServiceUnavailable},
		"out of order":   {func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, http.StatusServiceUnavailable},
		"redirect":       {func(w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(http.StatusFound) }, http.StatusServiceUnavailable},
		"cut connection": {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				calls.Add(1)
				if req.Method != http.MethodGet || req.URL.Path != "/" || req.ContentLength > 0 {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				tt.answer(w)
			}))
			defer server.Close()
			target, err := url.Parse(server.URL)
			require.NoError(t, err)
			transport := &rewritten{server: target, next: server.Client().Transport}
			shake, logs := newLogged(t, handshake.Config{Type: "sns"}, transport)

			reply, ok, err := shake.Answer(t.Context(), request(t, http.MethodPost, hook, confirmation("SubscriptionConfirmation", topic, subscribeURL)))
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, tt.status, reply.Status)
			require.Empty(t, reply.Body)
			require.Equal(t, subscribeURL, transport.asked.Load())
			require.Equal(t, int32(1), calls.Load(), "a redirect is not followed, nothing is asked twice")
			require.NotContains(t, logs.String(), "s3cret")
			require.Contains(t, logs.String(), topic)
			require.Equal(t, tt.status != http.StatusOK, strings.Contains(logs.String(), "level=ERROR"))
			require.Equal(t, tt.status != http.StatusOK, reply.Header["Retry-After"] != "")
		})
	}
}

func TestSNSFetchesNothingElse(t *testing.T) {
	t.Parallel()
	post := func(body, want string) row { return row{request(t, http.MethodPost, hook, body), want} }
	confirm := func(target string) row { return post(confirmation("SubscriptionConfirmation", topic, target), refusal) }
	good := confirmation("SubscriptionConfirmation", topic, subscribeURL)
	rows := map[string]row{
		"another topic":               post(confirmation("SubscriptionConfirmation", topic+"-hostile", strings.ReplaceAll(subscribeURL, topic, topic+"-hostile")), refusal),
		"URL of another":              confirm(strings.ReplaceAll(subscribeURL, topic, topic+"-hostile")),
		"no topic in URL":             confirm("https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=x"),
		"http":                        confirm(strings.Replace(subscribeURL, "https", "http", 1)),
		"another host":                confirm(strings.Replace(subscribeURL, "sns.us-west-2.amazonaws.com", "hostile.example.com", 1)),
		"a longer host":               confirm(strings.Replace(subscribeURL, ".com/", ".com.hostile.example/", 1)),
		"a prefixed host":             confirm(strings.Replace(subscribeURL, "sns.", "hostile-sns.", 1)),
		"user info":                   confirm(strings.Replace(subscribeURL, "https://", "https://sns.us-west-2.amazonaws.com@169.254.169.254/", 1)),
		"a port":                      confirm(strings.Replace(subscribeURL, ".com/", ".com:8443/", 1)),
		"loopback":                    confirm("http://127.0.0.1/"),
		"metadata":                    confirm("http://169.254.169.254/latest/meta-data/"),
		"another action":              confirm(strings.Replace(subscribeURL, "ConfirmSubscription", "DeleteTopic", 1)),
		"file":                        confirm("file:///etc/passwd"),
		"empty":                       confirm(""),
		"unsubscribed":                post(confirmation("UnsubscribeConfirmation", topic, subscribeURL), ""),
		"unsubscribed, another topic": post(confirmation("UnsubscribeConfirmation", topic+"x", subscribeURL), refusal),
		"a notification":              post(`{"Type":"Notification","TopicArn":"`+topic+`","Message":"alert","SubscribeURL":"`+subscribeURL+`"}`, notIt),
		"another type":                post(confirmation("subscriptionconfirmation", topic, subscribeURL), notIt),
		"extra key":                   post(strings.Replace(good, `{"Type"`, `{"Subject":"alert","Type"`, 1), notIt),
		"type twice":                  post(strings.Replace(good, `{"Type"`, `{"Type":"Notification","Type"`, 1), notIt),
		"nothing":                     post("", notIt),
		"GET":                         {request(t, http.MethodGet, hook, good), notIt},
	}
	fetches := &offline{}
	shake, logs := newLogged(t, handshake.Config{Type: "sns"}, fetches)
	t.Cleanup(func() { // after the rows
		require.Empty(t, fetches.requests)
		require.Equal(t, 1, strings.Count(logs.String(), "level=ERROR"), "the end of a subscription is loud")
		require.NotContains(t, logs.String(), "s3cret")
	})
	requireRows(t, shake, textType, rows)
}

// hanging never answers.
type hanging struct{}

func (hanging) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestSNSWaitsTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shake, logs := newLogged(t, handshake.Config{Type: "sns"}, hanging{})
		began := time.Now()
		reply, ok, err := shake.Answer(t.Context(), request(t, http.MethodPost, hook, confirmation("SubscriptionConfirmation", topic, subscribeURL)))
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, http.StatusServiceUnavailable, reply.Status)
		require.Equal(t, 10*time.Second, time.Since(began))
		require.NotContains(t, logs.String(), "s3cret", "nor the URL with its token")
	})
}

// The given client is not changed: others may use it.
func TestSNSLeavesTheClientAlone(t *testing.T) {
	t.Parallel()
	follow := errors.New("asked")
	needs := deps(&offline{})
	needs.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return follow }
	_, err := handshake.New(handshake.Config{Type: "sns"}, needs)
	require.NoError(t, err)
	require.ErrorIs(t, needs.HTTP.CheckRedirect(nil, nil), follow)
	require.Zero(t, needs.HTTP.Timeout)
}
