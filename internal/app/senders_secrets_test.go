package app_test

import (
	"encoding/base64"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream" //nolint:depguard // reads what is on disk without Sever's own code
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// senderSecrets are those of sources that carry them in each way there is.
func senderSecrets() map[string]string {
	return map[string]string{
		"IN_BODY": "in-body-Rt5pL1", "IN_QUERY": "in-query-Hx8vK4", "IN_PATH": "in-path-Jc2wM9", "IN_HEADER": "in-header-Dk7sB3",
		"BEARER": "as-bearer-Fz6nG5", "BASIC": "as-basic-Ql1yT7", "HMAC": "to-sign-Wm4rC8",
		"SSF_TOKEN": "ssf-token-Ep9hN2", "SSF_HEADER": "Bearer ssf-header-Ou3kX6",
	}
}

func secretSources(keys, pollURL string) yamlMap {
	source := func(verify yamlMap) yamlMap {
		return yamlMap{
			"type": "bearer", "org": "acme", "verify": verify,
			"map": yamlMap{"kind": "alert", "person": yamlMap{"kind": "okta_id", "value": "person"}},
		}
	}
	given := func(name string) []string { return []string{"env:" + name} }
	trusted := yamlMap{"jwt": yamlMap{"jwks": keys, "issuer": transmitterIssuer, "audience": []string{setAudience}}}
	return yamlMap{
		"body":   source(yamlMap{"type": "api_key", "field": "key", "secrets": given("IN_BODY")}),
		"query":  source(yamlMap{"type": "api_key", "query": "token", "secrets": given("IN_QUERY")}),
		"path":   source(yamlMap{"type": "api_key", "path": true, "secrets": given("IN_PATH")}),
		"header": source(yamlMap{"type": "header", "header": "X-Key", "secrets": given("IN_HEADER")}),
		"bearer": source(yamlMap{"type": "bearer", "query": "access_token", "secrets": given("BEARER")}),
		"basic":  source(yamlMap{"type": "basic", "user": "sever", "secrets": given("BASIC")}),
		"hmac":   source(yamlMap{"type": "hmac", "header": "X-Signature", "secrets": given("HMAC")}),
		"pushed": yamlMap{"type": "ssf", "org": "acme", "verify": trusted, "ssf": yamlMap{"authorization": "env:SSF_HEADER"}},
		"polled": yamlMap{"type": "ssf", "org": "acme", "verify": trusted, "ssf": yamlMap{"token": "env:SSF_TOKEN", "poll": yamlMap{"url": pollURL}}},
	}
}

// Deliveries that are good, forged, malformed and sent to the wrong place: no way of
// carrying a secret leaves it anywhere.
func TestNoSendersSecretIsEverShownOrKept(t *testing.T) {
	t.Parallel()
	sender := newTransmitter(t)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Error(w, "no: "+req.Header.Get("Authorization"), http.StatusUnauthorized) // and repeats what it was told
	}))
	t.Cleanup(refuses.Close)
	r := newSources(t, secretSources(sender.jwks, refuses.URL), senderSecrets())
	known := senderSecrets()

	// Where each request's URL and body would carry the secret.
	at := map[string]string{
		"query": "query?token=" + known["IN_QUERY"], "path": "path/" + known["IN_PATH"], "bearer": "bearer?access_token=" + known["BEARER"],
	}
	where := func(name string) string {
		if carried, there := at[name]; there {
			return carried
		}
		return name
	}
	headers := func(name string) http.Header {
		header := asJSON()
		switch name {
		case "header":
			header.Set("X-Key", known["IN_HEADER"])
		case "basic":
			header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("sever:"+known["BASIC"])))
		case "pushed":
			header.Set("Authorization", known["SSF_HEADER"])
			header.Set("Content-Type", "application/secevent+jwt")
		}
		return header
	}
	names := []string{"body", "query", "path", "header", "bearer", "basic", "hmac"}
	for i, name := range names {
		r.says(name, `{"person": "`+person(i)+`", "type": "stolen", "key": ""}`)
		r.says(name, `{"person": "N/A", "type": "nobody", "key": ""}`) // a dead letter
	}
	requireTaken(t, r.ask(http.MethodPost, "pushed", headers("pushed"), sign(t, sender.key, nil, claims("1", sessionRevoked, aboutStream("x"), nil))))
	malformed := func(name string) []string {
		secret := "x"
		if name == "body" { // another source, rightly, keeps what it cannot read as it came
			secret = known["IN_BODY"]
		}
		return []string{
			`{"key": "` + secret + `", "person": `, `{"key": "` + secret + `", "key": "x"}`, `{"key": ["` + secret + `"]}`, `{"Key": "` + secret + `"}`,
			`[]`, ``, `{"person": 7}`, secret,
		}
	}
	for _, name := range append(names, "pushed") {
		for _, body := range malformed(name) {
			r.ask(http.MethodPost, where(name), headers(name), body)
			r.ask(http.MethodPost, name+"/"+url.PathEscape(known["IN_PATH"]), headers(name), body)
		}
		for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodPut, http.MethodDelete} {
			r.ask(method, where(name), headers(name), "")
		}
		other := headers(name)
		other.Set("Content-Type", "image/png")
		r.ask(http.MethodPost, where(name), other, "{}")
		r.ask(http.MethodPost, where(name)+"x", headers(name), "{}") // nearly it
	}
	r.ask(http.MethodPost, "body", asJSON(), `{"key": "`+known["IN_BODY"]+`x"}`)
	r.ask(http.MethodPost, "nowhere/"+known["IN_PATH"], asJSON(), "{}")
	r.ask(http.MethodPost, "path/"+known["IN_PATH"]+"/more", asJSON(), "{}")
	r.seen.await(t, audited(revocation.OutcomeRevoked), len(names))
	r.seen.await(t, step(revocation.StepDeadLetter), len(names)+1)

	r.dead()
	r.jobs("")
	r.holds()
	for _, path := range []string{"/metrics", "/readyz", "/api/v1/nothing", "/api/v1/sources/polled/ssf/states/x"} {
		r.admin(http.MethodGet, path, "")
	}
	require.Eventually(t, func() bool { return strings.Contains(r.logs.String(), "does not accept ssf.token") }, soon, tick)
	r.mustStop()

	places := map[string]string{"log": r.logs.String(), "answers": r.wire.String(), "streams": r.allMessages(), "files": filesUnder(t, filepath.Join(r.dir, "store"))}
	require.Contains(t, places["streams"], "stolen")
	require.Contains(t, places["files"], "stolen", "the files can be read as they are")
	for place, text := range places {
		for name, secret := range known {
			requireAbsent(t, text, secret, "%s in %s", name, place)
		}
	}
}

// requireAbsent looks for a secret as it is, and as it may be written.
func requireAbsent(t *testing.T, text, secret, message string, args ...any) {
	t.Helper()
	secret = strings.TrimPrefix(secret, "Bearer ")
	forms := []string{secret, url.QueryEscape(secret)}
	for shift := range 3 { // in base64, wherever it begins
		whole := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + secret))
		forms = append(forms, whole[4:len(whole)-4])
	}
	for _, form := range forms {
		if i := strings.Index(text, form); i >= 0 {
			require.Failf(t, "a secret is there", message+": …%q…", append(args, text[max(0, i-200):min(len(text), i+200)])...)
		}
	}
}

// allMessages are the headers and bodies of all streams of a stopped rig.
func (r *rig) allMessages() string {
	r.t.Helper()
	var kept strings.Builder
	r.inStore(func(js jetstream.JetStream) {
		names := js.StreamNames(r.t.Context())
		for name := range names.Name() {
			for _, msg := range messages(r.t, js, name) {
				kept.WriteString(msg.Subject + "\n")
				require.NoError(r.t, http.Header(msg.Header).Write(&kept))
				kept.Write(append(msg.Data, '\n'))
			}
		}
		require.NoError(r.t, names.Err())
	})
	return kept.String()
}

func filesUnder(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	}))
	return all.String()
}
