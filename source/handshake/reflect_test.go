package handshake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source/handshake"
)

func TestOkta(t *testing.T) {
	t.Parallel()
	const header = "X-Okta-Verification-Challenge"
	rows := map[string]row{
		"as Okta's":      {request(t, http.MethodGet, hook, "", header, "iSCUPS2XeYgBZCBx0NoKyD9JbDlMkrNS_Abcdefgh12"), `{"verification":"iSCUPS2XeYgBZCBx0NoKyD9JbDlMkrNS_Abcdefgh12"}`},
		"markup":         {request(t, http.MethodGet, hook, "", header, `</script>"&`), `{"verification":"\u003c/script\u003e\"\u0026"}`},
		"JSON injection": {request(t, http.MethodGet, hook, "", header, `x","admin":true,"y":"`), `{"verification":"x\",\"admin\":true,\"y\":\""}`},
		"the longest":    {request(t, http.MethodGet, hook, "", header, strings.Repeat("x", 1024)), `{"verification":"` + strings.Repeat("x", 1024) + `"}`},
		"too long":       {request(t, http.MethodGet, hook, "", header, strings.Repeat("x", 1025)), refusal},
		"missing":        {request(t, http.MethodGet, hook, ""), notIt},
		"twice":          {request(t, http.MethodGet, hook, "", header, "a", header, "a"), refusal},
		"POST":           {request(t, http.MethodPost, hook, "{}", header, "abc"), notIt},
		"OPTIONS":        {request(t, http.MethodOptions, hook, "", header, "abc"), notIt},
		"HEAD":           {request(t, http.MethodHead, hook, "", header, "abc"), notIt},
	}
	for name, value := range hostile() {
		rows[name] = row{request(t, http.MethodGet, hook, "", header, value), refusal}
	}
	requireRows(t, build(t, settings(t, "okta")), jsonType, rows)
}

func TestGraph(t *testing.T) {
	t.Parallel()
	token := "Validation: Testing client application reachability for subscription Request-Id: 3f4e 'a'+b%41"
	target := func(value string) string { return hook + "?validationToken=" + url.QueryEscape(value) }
	rows := map[string]row{
		"as Graph's":          {request(t, http.MethodPost, target(token), "", "Content-Type", "text/plain"), token},
		"beside a query":      {request(t, http.MethodPost, target("abc")+"&tenant=1", ""), "abc"},
		"white space as body": {request(t, http.MethodPost, target("abc"), "\r\n"), "abc"},
		"the longest":         {request(t, http.MethodPost, target(strings.Repeat("x", 4096)), ""), strings.Repeat("x", 4096)},
		"too long":            {request(t, http.MethodPost, target(strings.Repeat("x", 4097)), ""), refusal},
		"markup":              {request(t, http.MethodPost, target("<script>hostile</script>"), ""), refusal},
		"twice":               {request(t, http.MethodPost, target("abc")+"&validationToken=abc", ""), refusal},
		"with events":         {request(t, http.MethodPost, target("abc"), `{"value":[{"clientState":"x"}]}`), notIt},
		"GET":                 {request(t, http.MethodGet, target("abc"), ""), notIt},
		"no token":            {request(t, http.MethodPost, hook, ""), notIt},
		"other case":          {request(t, http.MethodPost, hook+"?validationtoken=abc", ""), notIt},
		"broken query":        {request(t, http.MethodPost, hook+"?validationToken=abc&x=%zz", ""), notIt},
	}
	for name, value := range hostile() {
		rows[name] = row{request(t, http.MethodPost, target(value), ""), refusal}
	}
	requireRows(t, build(t, settings(t, "graph")), textType, rows)
}

func gridEvent(code string) string {
	return `[{"id":"2d17","topic":"/subscriptions/x","subject":"","data":{"validationCode":` + code + `,"validationUrl":"https://evil.example.com/"},"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","eventTime":"2026-11-23T10:00:00Z","metadataVersion":"1","dataVersion":"1"}]`
}

// The events are written as in https://learn.microsoft.com/azure/event-grid/webhook-event-delivery.
func TestEventGrid(t *testing.T) {
	t.Parallel()
	post := func(body string) row {
		return row{request(t, http.MethodPost, hook, body, "aeg-event-type", "SubscriptionValidation"), notIt}
	}
	is := func(r row, want string) row { r.want = want; return r }
	good := gridEvent(`"512d38b6-c7b8"`)
	rows := map[string]row{
		"as Event Grid's":  is(post(good), `{"validationResponse":"512d38b6-c7b8"}`),
		"markup":           is(post(gridEvent(`"<b>\""`)), `{"validationResponse":"\u003cb\u003e\""}`),
		"no header":        {request(t, http.MethodPost, hook, good), notIt},
		"another header":   {request(t, http.MethodPost, hook, good, "aeg-event-type", "Notification"), notIt},
		"GET":              {request(t, http.MethodGet, hook, good, "aeg-event-type", "SubscriptionValidation"), notIt},
		"an event beside":  post(strings.TrimSuffix(good, "]") + `,{"eventType":"alert"}]`),
		"none":             post(`[]`),
		"no list":          post(strings.Trim(good, "[]")),
		"another type":     post(strings.Replace(good, "SubscriptionValidationEvent", "SubscriptionDeletedEvent", 1)),
		"extra key":        post(strings.Replace(good, `"id":`, `"user":"ada","id":`, 1)),
		"extra data":       post(strings.Replace(good, `"validationCode":`, `"user":"ada","validationCode":`, 1)),
		"type twice":       post(strings.Replace(good, `"id":`, `"eventType":"alert","id":`, 1)),
		"code is a number": post(gridEvent(`7`)),
		"no data":          post(`[{"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent"}]`),
		"data is a text":   post(`[{"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":"x"}]`),
		"nothing":          post(""),
	}
	for name, value := range hostile() {
		rows[name] = is(post(gridEvent(quote(t, value))), refusal)
	}
	fetches := &offline{}
	shake, err := handshake.New(settings(t, "event_grid"), deps(fetches))
	require.NoError(t, err)
	t.Cleanup(func() { require.Empty(t, fetches.requests, "the validationUrl is never fetched") })
	requireRows(t, shake, jsonType, rows)
}

func TestSharedEventGridSample(t *testing.T) {
	t.Parallel()
	body := sharedFile(t, "alerts/azure_eventgrid_subscription_validation.json")
	req := request(t, http.MethodPost, hook, string(body), "aeg-event-type", "SubscriptionValidation")
	reply, ok, err := build(t, settings(t, "event_grid")).Answer(t.Context(), req)
	require.NoError(t, err)
	require.True(t, ok)
	require.JSONEq(t, `{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}`, string(reply.Body))
}

func TestSlack(t *testing.T) {
	t.Parallel()
	post := func(body, want string) row { return row{request(t, http.MethodPost, hook, body), want} }
	rows := map[string]row{
		"as Slack's":      post(`{"token":"Jhj5","challenge":"3eZbrw1a","type":"url_verification"}`, `{"challenge":"3eZbrw1a"}`),
		"without token":   post(`{"type":"url_verification","challenge":"x"}`, `{"challenge":"x"}`),
		"challenge alone": post(`{"challenge":"x"}`, `{"challenge":"x"}`),
		"markup":          post(`{"challenge":"<b>"}`, `{"challenge":"\u003cb\u003e"}`),
		"no type":         post(`{"token":"x","challenge":"x"}`, notIt),
		"another type":    post(`{"type":"event_callback","challenge":"x"}`, notIt),
		"an event inside": post(`{"type":"url_verification","challenge":"x","event":{"user":"ada"}}`, notIt),
		"twice":           post(`{"challenge":"x","challenge":"y"}`, notIt),
		"other case":      post(`{"Challenge":"x"}`, notIt),
		"a number":        post(`{"challenge":7}`, notIt),
		"null":            post(`{"challenge":null}`, notIt),
		"a list":          post(`[{"challenge":"x"}]`, notIt),
		"trailing":        post(`{"challenge":"x"} {"alert":1}`, notIt),
		"not closed":      post(`{"challenge":"x"`, notIt),
		"nothing":         post(``, notIt),
		"GET":             {request(t, http.MethodGet, hook, `{"challenge":"x"}`), notIt},
	}
	for name, value := range hostile() {
		rows[name] = post(`{"challenge":`+quote(t, value)+`}`, refusal)
	}
	rows["raw invalid UTF-8"] = post("{\"challenge\":\"hostile\xff\"}", refusal)
	requireRows(t, build(t, settings(t, "slack")), jsonType, rows)
}

func signed(key, text string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func TestZoom(t *testing.T) {
	t.Parallel()
	post := func(body, want string) row { return row{request(t, http.MethodPost, hook, body), want} }
	body := func(token string) string {
		return `{"payload":{"plainToken":` + token + `},"event_ts":1654503849680,"event":"endpoint.url_validation"}`
	}
	rows := map[string]row{
		"as Zoom's":      post(body(`"qgg8vlvZRS6UYooatFL8Aw"`), `{"plainToken":"qgg8vlvZRS6UYooatFL8Aw","encryptedToken":"`+hex.EncodeToString(signed("s3cret-of-source", "qgg8vlvZRS6UYooatFL8Aw"))+`"}`),
		"another event":  post(`{"payload":{"plainToken":"x"},"event":"meeting.started"}`, notIt),
		"more in it":     post(`{"payload":{"plainToken":"x","user":"ada"},"event":"endpoint.url_validation"}`, notIt),
		"more beside":    post(`{"payload":{"plainToken":"x"},"event":"endpoint.url_validation","alert":1}`, notIt),
		"no token":       post(`{"payload":{},"event":"endpoint.url_validation"}`, notIt),
		"no payload":     post(`{"event":"endpoint.url_validation"}`, notIt),
		"GET":            {request(t, http.MethodGet, hook, body(`"x"`)), notIt},
		"a delivery":     post(body(quote(t, `v0:1654503849:{"event":"hostile"}`)), refusal), // would sign itself
		"with an equals": post(body(`"hostile=x"`), refusal),
		"with a dot":     post(body(`"1654503849.hostile"`), refusal),
		"too long":       post(body(quote(t, strings.Repeat("x", 257))), refusal),
		"space":          post(body(`"hostile x"`), refusal),
	}
	for name, value := range hostile() {
		rows[name] = post(body(quote(t, value)), refusal)
	}
	requireRows(t, build(t, settings(t, "zoom")), jsonType, rows)
}

func TestCRC(t *testing.T) {
	t.Parallel()
	answer := func(key, token string) string {
		return `{"response_token":"sha256=` + base64.StdEncoding.EncodeToString(signed(key, token)) + `"}`
	}
	get := func(query, want string) row { return row{request(t, http.MethodGet, hook+query, ""), want} }
	rows := map[string]row{
		"as X's":          get("?crc_token=MDU3YzA0MTk-_w==&nonce=abc", answer("s3cret-of-source", "MDU3YzA0MTk-_w==")),
		"a delivery":      get("?crc_token="+url.QueryEscape(`{"user":"hostile"}`), refusal), // would sign itself
		"a form":          get("?crc_token=user%3Dhostile", refusal),
		"markup":          get("?crc_token=%3Chostile%3E", refusal),
		"twice":           get("?crc_token=a&crc_token=b", refusal),
		"missing":         get("?other=a", notIt),
		"broken":          get("?crc_token=a&b=%zz", notIt),
		"POST":            {request(t, http.MethodPost, hook+"?crc_token=a", ""), notIt},
		"POST with alert": {request(t, http.MethodPost, hook+"?crc_token=a", `{"alert":1}`), notIt},
	}
	for name, value := range hostile() {
		rows[name] = get("?crc_token="+url.QueryEscape(value), refusal)
	}
	requireRows(t, build(t, settings(t, "crc")), jsonType, rows)

	own := handshake.Config{Type: "crc", Secrets: []secret.Secret{secret.New("own"), secret.New("other")}}
	requireRows(t, build(t, own), jsonType, map[string]row{"own secret": get("?crc_token=abc", answer("own", "abc"))})
}

func TestSharedCRCVector(t *testing.T) {
	t.Parallel()
	var file struct {
		Vectors []struct {
			Scheme    string `json:"scheme"`
			Secret    string `json:"secret"`
			Challenge string `json:"challenge"`
			Expected  string `json:"expected_response"`
		} `json:"vectors"`
	}
	require.NoError(t, json.Unmarshal(sharedFile(t, "signature-vectors.json"), &file))
	tried := 0
	for _, vector := range file.Vectors {
		if vector.Scheme != "crc-response" {
			continue
		}
		tried++
		shake := build(t, handshake.Config{Type: "crc", Secrets: oneSecret(vector.Secret)})
		reply, ok, err := shake.Answer(t.Context(), request(t, http.MethodGet, hook+"?crc_token="+url.QueryEscape(vector.Challenge), ""))
		require.NoError(t, err)
		require.True(t, ok)
		require.JSONEq(t, `{"response_token":"`+vector.Expected+`"}`, string(reply.Body))
	}
	require.Positive(t, tried)
}

func TestMeta(t *testing.T) {
	t.Parallel()
	get := func(query, want string) row { return row{request(t, http.MethodGet, hook+query, ""), want} }
	const right = "?hub.mode=subscribe&hub.verify_token=s3cret-token&hub.challenge="
	rows := map[string]row{
		"as Meta's":        get(right+"1158201444", "1158201444"),
		"wrong token":      get("?hub.mode=subscribe&hub.verify_token=hostile&hub.challenge=1", refusal),
		"empty token":      get("?hub.mode=subscribe&hub.verify_token=&hub.challenge=1", refusal),
		"no token":         get("?hub.mode=subscribe&hub.challenge=1", refusal),
		"two tokens":       get(right+"1&hub.verify_token=s3cret-token", refusal),
		"two challenges":   get(right+"1&hub.challenge=2", refusal),
		"another mode":     get("?hub.mode=unsubscribe&hub.verify_token=s3cret-token&hub.challenge=1", refusal),
		"no mode":          get("?hub.verify_token=s3cret-token&hub.challenge=1", notIt),
		"the source's own": get("?hub.mode=subscribe&hub.verify_token=s3cret-of-source&hub.challenge=1", refusal),
		"markup":           get(right+"%3Cb%3Ehostile", refusal),
		"broken":           get(right+"1&x=%zz", notIt),
		"POST":             {request(t, http.MethodPost, hook+right+"1", ""), notIt},
	}
	for name, value := range hostile() {
		rows[name] = get(right+url.QueryEscape(value), refusal)
	}
	requireRows(t, build(t, settings(t, "meta")), textType, rows)
}
