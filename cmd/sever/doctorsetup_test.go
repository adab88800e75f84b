package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
)

const serviceApp = "0oa1gjh63g214q0Hq0g4"

// leastRoles and leastScopes are the minimum that docs/okta.md asks for.
func leastRoles() []string {
	return []string{"okta.users.lifecycle.clearSessions", "okta.users.read", "okta.eventhooks.manage"}
}

func leastScopes() []string {
	return []string{"okta.users.manage", "okta.users.read", "okta.eventHooks.manage", "okta.eventHooks.read"}
}

// practiceOrg is an installation with a service app, and a simulated Okta where it is known. Its fields are set before use.
type practiceOrg struct {
	t     *testing.T
	sim   *oktasim.Server
	app   oktasim.Client
	shell shell

	url, key      string // of the org; of the private key
	listen, admin string
	store         string
	hook          string // YAML of sources.okta.hook
	auth          string // YAML of orgs.acme.auth, in place of the service app
	more          string // further sections
}

func newPractice(t *testing.T, options oktasim.Options) *practiceOrg {
	t.Helper()
	options.StrictUsers = true // a made-up user is nobody, as at Okta
	p := &practiceOrg{
		t: t, sim: oktasim.New(options), shell: secrets(), key: filepath.Join(t.TempDir(), "app.pem"),
		listen: nobody, admin: "127.0.0.1:2", store: filepath.Join(t.TempDir(), "store"),
	}
	server := httptest.NewServer(p.sim)
	t.Cleanup(func() {
		server.Close()
		p.sim.Close()
	})
	p.url = server.URL
	public := p.newKey()
	jwks, err := oktasim.JWKS("k1", public)
	require.NoError(t, err)
	p.app = oktasim.Client{ID: serviceApp, JWKS: jwks, Scopes: leastScopes(), Roles: leastRoles(), DPoPRequired: true}
	p.register(func(*oktasim.Client) {})
	return p
}

// newKey writes a new private key over the old one.
func (p *practiceOrg) newKey() *ecdsa.PublicKey {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(p.t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(p.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return &key.PublicKey
}

// register changes the app at Okta.
func (p *practiceOrg) register(change func(*oktasim.Client)) {
	p.t.Helper()
	change(&p.app)
	require.NoError(p.t, p.sim.PutClient(p.app))
}

func (p *practiceOrg) file() string {
	p.t.Helper()
	hook, auth := "", p.auth
	if p.hook != "" {
		hook = "\n    hook: " + p.hook
	}
	if auth == "" {
		auth = fmt.Sprintf("{type: private_key_jwt, client_id: %s, key: 'file:%s', key_id: k1}", serviceApp, p.key)
	}
	return writeFile(p.t, fmt.Sprintf(`listen: %s
admin: {listen: %s}
orgs:
  acme:
    url: %s
    auth: %s
sources:
  okta:
    type: okta_event_hook
    org: acme
    verify: {header: X-Practice-Secret, secrets: [env:OKTA_HOOK_SECRET]}%s
%s
`, p.listen, p.admin, p.url, auth, hook, orElse(p.more, "store: {dir: '"+p.store+"', max_size: 256MiB}")))
}

// run runs a command with the configuration. Whatever it is, it keeps the secrets to itself.
func (p *practiceOrg) run(args ...string) result {
	p.t.Helper()
	got := p.shell.run(p.t, append(args, "--config", p.file())...)
	for _, secret := range append(slices.Collect(maps.Values(p.shell.env)), "PRIVATE KEY") {
		require.NotContains(p.t, got.out+got.err, secret, args)
	}
	return got
}

// written are the calls so far that changed something at Okta.
func (p *practiceOrg) written() []string {
	var calls []string
	for _, call := range p.sim.Calls() {
		if call.Method != http.MethodGet && call.Path != "/oauth2/v1/token" {
			calls = append(calls, call.Method+" "+call.Path)
		}
	}
	return calls
}

// endpoint is where Okta is to find Sever: it knows the secret of the configuration, or answers with a status.
func endpoint(t *testing.T, status int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status != http.StatusOK || r.Header.Get("X-Practice-Secret") != hookSecret {
			w.WriteHeader(max(status, http.StatusUnauthorized))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"verification": r.Header.Get("X-Okta-Verification-Challenge")})
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v1/hooks/okta"
}

func hookAt(url string) string {
	return "{url: '" + url + "', events: [user.lifecycle.suspend, user.risk.detect]}"
}
