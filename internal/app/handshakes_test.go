package app_test

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

const topic = "arn:aws:sns:eu-central-1:111122223333:guardduty"

// handshakeSources are presets that check the URL before they deliver to it.
func handshakeSources(dir string) (sources yamlMap, env map[string]string) {
	secret := func(name string) yamlMap { return yamlMap{"secrets": []string{"env:" + name}} }
	attribute := func(name string) yamlMap { return yamlMap{"person": yamlMap{"attribute": name}} }
	sources = yamlMap{
		"okta":  yamlMap{"type": "okta_event_hook", "org": "acme", "verify": secret("OKTA_HOOK_SECRET")},
		"graph": yamlMap{"type": "graph", "org": "acme", "verify": secret("GRAPH_SECRET"), "map": attribute("entraObjectId")},
		"event_grid": yamlMap{
			"type": "event_grid", "org": "acme", "verify": secret("GRID_SECRET"),
			"handshakes": []any{yamlMap{"type": "event_grid"}, yamlMap{"type": "cloudevents", "origins": []string{"eventgrid.azure.net"}}},
			"map":        yamlMap{"kinds": yamlMap{"Contoso.Alert": "alert"}, "person": yamlMap{"value": "data.user"}},
		},
		"cloudevents": yamlMap{
			"type": "cloudevents", "org": "acme", "verify": secret("EVENTS_SECRET"),
			"handshakes": []any{yamlMap{"type": "cloudevents", "origins": []string{"events.example.com"}}},
		},
		"slack": yamlMap{"type": "slack", "org": "acme", "verify": secret("SLACK_SECRET")},
		"hibob": yamlMap{"type": "hibob", "org": "acme", "verify": secret("BOB_SECRET"), "map": attribute("hibobId")},
		"gusto": yamlMap{
			"type": "gusto", "org": "acme", "verify": secret("GUSTO_SECRET"), "map": attribute("gustoUuid"),
			"handshakes": []any{yamlMap{"type": "gusto", "save_to": filepath.Join(dir, "gusto-token")}},
		},
		"sns": yamlMap{
			"type": "aws_sns", "org": "acme",
			"verify": yamlMap{"sns": yamlMap{"topics": []string{topic}, "certificate": "env:SNS_CERT"}},
		},
		"github":    yamlMap{"type": "github", "org": "acme", "verify": secret("GITHUB_SECRET"), "map": attribute("githubLogin")},
		"pagerduty": yamlMap{"type": "pagerduty", "org": "acme", "verify": secret("PAGER_SECRET")},
		"fence":     fenceSource(),
	}
	env = map[string]string{"FENCE_SECRET": fenceSecret}
	for _, name := range []string{"GRAPH", "GRID", "EVENTS", "SLACK", "BOB", "GUSTO", "GITHUB", "PAGER"} {
		env[name+"_SECRET"] = "shared-secret-of-" + strings.ToLower(name)
	}
	return sources, env
}

func newHandshakes(t *testing.T, key *rsa.PrivateKey, carrier http.RoundTripper) *rig {
	t.Helper()
	sources, env := handshakeSources(t.TempDir())
	env["SNS_CERT"] = certificate(t, key)
	r := prepareSources(t, newOkta(t), sources, env)
	r.carrier = carrier
	r.start()
	return r
}

// nothingCame makes sure that no handshake was taken for a delivery: what was accepted is
// counted, and nothing led to a job.
func (r *rig) nothingCame(accepted int) {
	r.t.Helper()
	r.fence(person(99))
	require.Len(r.t, r.seen.find(step(revocation.StepAccepted)), accepted+1)
	require.Len(r.t, r.seen.find(step(revocation.StepEnqueued)), 1, "the fence's own")
	require.Empty(r.t, r.seen.find(step(revocation.StepDeadLetter)))
	require.Equal(r.t, map[string]int{person(99): 1}, callsFor(r.calls()))
}

// requireReply checks a handshake's answer.
func requireReply(t *testing.T, given answer, mediaType, body string) {
	t.Helper()
	require.Equal(t, http.StatusOK, given.status, given.body)
	require.Equal(t, "nosniff", given.header.Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", given.header.Get("Cache-Control"))
	require.Equal(t, body, given.body)
	if body != "" {
		require.Equal(t, mediaType, given.header.Get("Content-Type"))
	}
}

// reflected must not stand in an answer, even one that refuses.
const markup = "<script>alert(1)</script>"

func TestOpenHandshakesAnswerAnyoneAndDoNothing(t *testing.T) {
	t.Parallel()
	r := newHandshakes(t, otherKey(t), nil)
	const plain, jsonText = "text/plain; charset=utf-8", "application/json"

	given := r.ask(http.MethodPost, "graph?validationToken=Validation%3A+Testing+client+application+reachability", nil, "")
	requireReply(t, given, plain, "Validation: Testing client application reachability")
	given = r.ask(http.MethodPost, "graph?validationToken="+markup, nil, "")
	require.Equal(t, http.StatusBadRequest, given.status)
	require.NotContains(t, given.body, "script")

	for _, body := range []string{"Ping test", `"Ping test"`, `{"text":"Ping test"}`} {
		requireReply(t, r.ask(http.MethodPost, "hibob", http.Header{"Content-Type": {"text/plain"}}, body), plain, "")
		requireReply(t, r.ask(http.MethodPost, "hibob", asJSON(), body), plain, "")
	}
	for source, origin := range map[string]string{"event_grid": "eventgrid.azure.net", "cloudevents": "events.example.com"} {
		given = r.ask(http.MethodOptions, source, http.Header{"WebHook-Request-Origin": {origin}, "WebHook-Request-Rate": {"120"}}, "")
		requireReply(t, given, jsonText, "")
		require.Equal(t, origin, given.header.Get("Webhook-Allowed-Origin"))
		require.Equal(t, "*", given.header.Get("Webhook-Allowed-Rate"))
		require.Equal(t, http.MethodPost, given.header.Get("Allow"))
		given = r.ask(http.MethodOptions, source, http.Header{"WebHook-Request-Origin": {"evil.example.net"}}, "")
		require.Equal(t, http.StatusBadRequest, given.status)
		require.Empty(t, given.header.Get("Webhook-Allowed-Origin"))
		require.NotContains(t, given.body, "evil")
	}
	r.nothingCame(0)
}

// Whoever only resembles an open handshake is a stranger without a signature.
func TestWhatIsNearlyAHandshakeIsRefused(t *testing.T) {
	t.Parallel()
	r := newHandshakes(t, otherKey(t), nil)
	for where, body := range map[string]string{
		"graph?validationToken=x": `{"value":[]}`,
		"graph":                   `{"value":[]}`,
		"hibob":                   `{"text":"Ping test","type":"employee.left"}`,
		"gusto":                   `{"verification_token":"x","event_type":"employee.termination_effective"}`,
	} {
		require.Equal(t, http.StatusUnauthorized, r.ask(http.MethodPost, where, asJSON(), body).status, where)
	}
	for _, where := range []string{"event_grid", "cloudevents", "slack", "okta"} {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			given := r.ask(method, where, nil, "")
			require.Equal(t, http.StatusUnauthorized, given.status, "%s %s", method, where)
		}
	}
	r.nothingCame(0)
}

func TestSignedHandshakesWantTheSecret(t *testing.T) {
	t.Parallel()
	r := newHandshakes(t, otherKey(t), nil)
	const jsonText = "application/json"

	validation := `[{"id":"2d1781af","topic":"/subscriptions/x","subject":"","data":{"validationCode":"512d38b6-c7b8","validationUrl":"https://rp-eastus2.eventgrid.azure.net/x"},` +
		`"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","eventTime":"2026-11-23T10:00:00Z","metadataVersion":"1","dataVersion":"2"}]`
	aeg := map[string]string{"Content-Type": jsonText, "Aeg-Event-Type": "SubscriptionValidation"}
	requireReply(t, r.signed("event_grid", nil, aeg, validation), jsonText, `{"validationResponse":"512d38b6-c7b8"}`)
	unsigned := asJSON()
	unsigned.Set("Aeg-Event-Type", "SubscriptionValidation")
	require.Equal(t, http.StatusUnauthorized, r.ask(http.MethodPost, "event_grid", unsigned, validation).status)
	require.Equal(t, http.StatusUnauthorized, r.ask(http.MethodPost, "event_grid?token=guessed", unsigned, validation).status)

	challenge := `{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`
	requireReply(t, r.signed("slack", nil, nil, challenge), jsonText, `{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}`)
	given := r.ask(http.MethodPost, "slack", asJSON(), challenge)
	require.Equal(t, http.StatusUnauthorized, given.status)
	require.NotContains(t, given.body, "3eZbrw1a")

	ask := func(header http.Header) answer {
		header.Set("X-Okta-Verification-Challenge", "qN7mB2")
		return r.ask(http.MethodGet, "okta", header, "")
	}
	requireReply(t, ask(http.Header{"Authorization": {hookSecret}}), jsonText, `{"verification":"qN7mB2"}`)
	require.Equal(t, http.StatusUnauthorized, ask(http.Header{}).status)
	require.Equal(t, http.StatusUnauthorized, ask(http.Header{"Authorization": {"guessed"}}).status)
	r.nothingCame(0)
}

// Gusto's token, which will be the key of all signatures, is saved once and never shown.
func TestGustosTokenIsSavedOnce(t *testing.T) {
	t.Parallel()
	r := newHandshakes(t, otherKey(t), nil)
	const token = "gusto-token-Vh3sQ9"
	file := r.load().Sources["gusto"].Handshakes[0].SaveTo
	given := r.ask(http.MethodPost, "gusto", asJSON(), `{"verification_token":"`+token+`"}`)
	require.Equal(t, http.StatusAccepted, given.status, given.body)
	require.Equal(t, "nosniff", given.header.Get("X-Content-Type-Options"))
	require.Empty(t, given.body)

	saved, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, token, string(saved))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.Equal(t, http.StatusUnauthorized, r.ask(http.MethodPost, "gusto", asJSON(), `{"verification_token":"a stranger's"}`).status)
	require.NoError(t, os.Remove(file)) // the operator took it, and somebody comes too late
	r.clock.jump(time.Hour)
	require.Equal(t, http.StatusUnauthorized, r.ask(http.MethodPost, "gusto", asJSON(), `{"verification_token":"too late"}`).status)
	require.NoFileExists(t, file)
	require.NotContains(t, r.logs.String(), token)
	r.nothingCame(0)
}

// Pings that are deliveries like any other are stored, counted and lead to nothing.
func TestSignedPingsAreStoredAndLeadToNothing(t *testing.T) {
	t.Parallel()
	r := newHandshakes(t, otherKey(t), nil)
	pings := map[string]struct {
		headers map[string]string
		body    string
	}{
		"github": {
			map[string]string{"Content-Type": "application/json", "X-GitHub-Event": "ping", "X-GitHub-Delivery": "72d3162e"},
			`{"zen":"Keep it logically awesome.","hook_id":1,"sender":{"login":"octo-jane"}}`,
		},
		"pagerduty": {nil, `{"event":{"id":"01","event_type":"pagey.ping","resource_type":"pagey","occurred_at":"2026-11-23T10:00:00Z","data":{"message":"Hello from your friend Pagey!","type":"ping"}}}`},
	}
	for name, ping := range pings {
		given := r.signed(name, nil, ping.headers, ping.body)
		require.Equal(t, http.StatusAccepted, given.status, name)
		require.Empty(t, given.body)
		header := http.Header{"Content-Type": {"application/json"}, "X-Github-Event": {"ping"}}
		require.Equal(t, http.StatusUnauthorized, r.ask(http.MethodPost, name, header, ping.body).status, name)
	}
	ignored := r.seen.await(t, step(revocation.StepIgnored), len(pings))
	for _, event := range ignored {
		require.Equal(t, "test", event.Reason)
	}
	r.nothingCame(len(pings))
}

// carrier takes the place of the network to senders.
type carrier struct {
	mu     sync.Mutex
	asked  []string
	answer func(*http.Request) (*http.Response, error)
}

func (c *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, req.Method+" "+req.URL.String())
	return c.answer(req)
}

func (c *carrier) requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.asked...)
}

func confirmation(topic, url string, now time.Time) string {
	const pem = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
	return fmt.Sprintf(`{"Type":"SubscriptionConfirmation","MessageId":"165545c9-2a5c-472c-8df2-7ff2be2b3b1b","Token":"2336412f37","TopicArn":%q,`+
		`"Message":"You have chosen to subscribe","SubscribeURL":%q,"Timestamp":%q,"SigningCertURL":%q}`, topic, url, now.UTC().Format("2006-01-02T15:04:05.000Z"), pem)
}

func subscribeURL(host, topic string) string {
	return "https://" + host + "/?Action=ConfirmSubscription&TopicArn=" + topic + "&Token=2336412f37"
}

// A subscription is confirmed by the only URL of a message that is ever fetched, and by
// nothing that is not signed, of another topic, or at another host.
func TestSNSSubscriptionsAreConfirmedOnce(t *testing.T) {
	t.Parallel()
	key := otherKey(t)
	network := &carrier{answer: func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("<ConfirmSubscriptionResponse/>")), Header: http.Header{}}, nil
	}}
	r := newHandshakes(t, key, network)
	headers := map[string]string{"Content-Type": "text/plain; charset=UTF-8", "X-Amz-Sns-Message-Type": "SubscriptionConfirmation"}
	const host, other = "sns.eu-central-1.amazonaws.com", "arn:aws:sns:eu-central-1:999999999999:theirs"

	given := r.signed("sns", otherKey(t), headers, confirmation(topic, subscribeURL(host, topic), r.clock.now()))
	require.Equal(t, http.StatusUnauthorized, given.status, "signed by somebody else")
	given = r.ask(http.MethodPost, "sns", http.Header{"Content-Type": {"text/plain"}}, confirmation(topic, subscribeURL(host, topic), r.clock.now()))
	require.Equal(t, http.StatusUnauthorized, given.status, "not signed")
	given = r.signed("sns", key, headers, confirmation(other, subscribeURL(host, other), r.clock.now()))
	require.Equal(t, http.StatusUnauthorized, given.status, "another topic")
	for _, url := range []string{
		subscribeURL("sns.evil.example.net", topic), subscribeURL("169.254.169.254", topic), subscribeURL(host, other),
		"http://" + host + "/?Action=ConfirmSubscription&TopicArn=" + topic, "https://" + host + "/?Action=DeleteTopic&TopicArn=" + topic,
	} {
		given = r.signed("sns", key, headers, confirmation(topic, url, r.clock.now()))
		require.Equal(t, http.StatusBadRequest, given.status, url)
	}
	require.Empty(t, network.requests())

	given = r.signed("sns", key, headers, confirmation(topic, subscribeURL(host, topic), r.clock.now()))
	requireReply(t, given, "", "")
	require.Equal(t, []string{"GET " + subscribeURL(host, topic)}, network.requests())
	r.nothingCame(0)
}

// An SNS that cannot be reached, or that leads elsewhere, is told to come again.
func TestASubscriptionThatCannotBeConfirmedIsAskedForAgain(t *testing.T) {
	t.Parallel()
	answers := []func(*http.Request) (*http.Response, error){
		func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") },
		func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusFound, Body: http.NoBody, Header: http.Header{"Location": {"http://169.254.169.254/"}}}, nil
		},
	}
	for _, answer := range answers {
		key := otherKey(t)
		network := &carrier{answer: answer}
		r := newHandshakes(t, key, network)
		headers := map[string]string{"Content-Type": "text/plain; charset=UTF-8"}
		given := r.signed("sns", key, headers, confirmation(topic, subscribeURL("sns.eu-central-1.amazonaws.com", topic), r.clock.now()))
		require.Equal(t, http.StatusServiceUnavailable, given.status)
		require.NotEmpty(t, given.header.Get("Retry-After"))
		require.Len(t, network.requests(), 1, "no redirect is followed")
		require.NotContains(t, r.logs.String(), "2336412f37", "the token of the subscription")
		r.nothingCame(0)
	}
}
