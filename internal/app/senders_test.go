package app_test

import (
	"bytes"
	"context"
	"crypto"
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/practice"
	"sever/okta/oktasim"
	"sever/revocation"
)

// source settings as a user writes them.
type yamlMap = map[string]any

// prepareSources prepares an installation of these sources. Their secrets are in env,
// beside those of every test.
func prepareSources(t *testing.T, okta okta, sources yamlMap, env map[string]string) *rig {
	t.Helper()
	r := prepareRig(t, okta, settings{sources: sources})
	known := secrets()
	maps.Copy(known, env)
	r.env = func(name string) (string, bool) { value, set := known[name]; return value, set }
	return r
}

func newSources(t *testing.T, sources yamlMap, env map[string]string) *rig {
	t.Helper()
	r := prepareSources(t, newOkta(t), sources, env)
	r.start()
	return r
}

// exchange sends a request to the senders' port. Its URL, which may hold a secret, stays
// out of what is gathered for later.
func (r *rig) exchange(req *http.Request) answer {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(req.Context(), soon)
	defer cancel()
	resp, err := r.client.Do(req.WithContext(ctx))
	require.NoError(r.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	_, _ = r.wire.Write([]byte(resp.Status + "\n"))
	require.NoError(r.t, resp.Header.Write(r.wire))
	_, _ = r.wire.Write(append(body, '\n'))
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// ask sends what is signed by nobody. where is a source's name and what follows it.
func (r *rig) ask(method, where string, header http.Header, body string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.app.URL()+"/v1/hooks/"+where, bytes.NewReader([]byte(body)))
	require.NoError(r.t, err)
	if header != nil {
		req.Header = header
	}
	return r.exchange(req)
}

// signed sends a body as the source's sender would; key is for those that sign with one.
func (r *rig) signed(name string, key crypto.Signer, headers map[string]string, body string) answer {
	r.t.Helper()
	sender := practice.Sender{Settings: r.load().Sources[name], Key: key, Now: r.clock.now()}
	if headers == nil {
		headers = map[string]string{"Content-Type": "application/json"}
	}
	req, err := sender.Request(r.t.Context(), r.app.URL()+"/v1/hooks/"+name, []byte(body), headers)
	require.NoError(r.t, err)
	return r.exchange(req)
}

// says has a source's sender say something that must be accepted.
func (r *rig) says(name, body string) {
	r.t.Helper()
	given := r.signed(name, nil, nil, body)
	require.Equal(r.t, http.StatusAccepted, given.status, given.body)
}

// asJSON is the header of somebody who signs nothing.
func asJSON() http.Header { return http.Header{"Content-Type": {"application/json"}} }

// fence delivers an alert about somebody else, through a source of its own, and waits for
// the call: all that was accepted before has been dispatched by then.
func (r *rig) fence(user string) {
	r.t.Helper()
	id := "fence " + user + " " + time.Now().String()
	r.says("fence", `{"person": "`+user+`", "type": "fence", "id": "`+id+`"}`)
	r.seen.await(r.t, func(event revocation.Event) bool {
		return finished(event) && event.Record.Job.Source == "fence" && event.Record.Job.Person.Value == user
	}, 1)
}

// fenceSource is what fence needs.
func fenceSource() yamlMap {
	return yamlMap{
		"type": "bearer", "org": "acme", "verify": yamlMap{"secrets": []string{"env:FENCE_SECRET"}},
		"map": yamlMap{"person": yamlMap{"kind": "okta_id"}},
	}
}

const fenceSecret = "fence-secret-Nv4tY8"

func userOf(id, login string) oktasim.User {
	return oktasim.User{ID: id, Login: login, Email: login, Status: "ACTIVE"}
}
