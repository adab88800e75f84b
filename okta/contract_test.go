package okta_test

import (
	"crypto/elliptic"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta"
	"sever/okta/internal/contracttest"
	"sever/okta/oktasim"
)

// contractOrg is a simulated Okta over HTTP and a client of it. The wire between them holds every request and every answer
// against Okta's own OpenAPI descriptions.
type contractOrg struct {
	t       *testing.T
	sim     *oktasim.Server
	wire    *contracttest.Wire
	client  *okta.Client
	spec    okta.EventHookSpec
	hook    okta.EventHookID // of withHook
	session okta.SessionCookie
}

func startContract(
	t *testing.T, contract *contracttest.Contract, opts oktasim.Options, sign func(o *contractOrg, url string) okta.Authorizer,
) *contractOrg {
	t.Helper()
	o := &contractOrg{t: t, wire: contracttest.NewWire(contract, &http.Transport{})}
	o.sim = oktasim.New(opts)
	server := httptest.NewServer(o.sim)
	t.Cleanup(func() {
		server.Close()
		o.sim.Close()
	})
	auth := sign(o, server.URL)
	o.client = newClient(t, server.URL, func(c *okta.Config) { c.Auth, c.Transport = auth, o.wire })
	var groups []string
	for n := range 201 { // one more than a page
		groups = append(groups, fmt.Sprintf("Group %d", n))
	}
	require.NoError(t, o.sim.PutUser(oktasim.User{
		ID: alice, Login: "alice@acme.com", Profile: map[string]any{"employeeNumber": "7", "custom": []string{"x"}}, Groups: groups,
		Roles: []oktasim.AdminRole{{Type: "HELP_DESK_ADMIN", AssignmentType: "GROUP"}, {Type: "CUSTOM", Status: "INACTIVE"}},
	}))
	value, err := o.sim.StartSession(alice)
	require.NoError(t, err)
	o.session, err = okta.SID(value)
	require.NoError(t, err)
	o.spec = hookSpec(t, startReceiver(t))
	return o
}

func withAPIToken(o *contractOrg, _ string) okta.Authorizer { //nolint:ireturn // as startContract takes it
	auth, err := okta.SSWS(testToken)
	require.NoError(o.t, err)
	return auth
}

// withServiceApp signs in with DPoP. The app has just the scopes that it asks for, unless it is changed.
func withServiceApp(change ...func(*oktasim.Client)) func(o *contractOrg, url string) okta.Authorizer {
	return func(o *contractOrg, url string) okta.Authorizer {
		scopes := []string{
			"okta.users.manage", "okta.users.read", "okta.groups.read", "okta.roles.read", "okta.eventHooks.manage", "okta.eventHooks.read",
			"okta.logs.read", "okta.universalLogout.manage",
		}
		key := ecKey(o.t, elliptic.P256())
		jwks, err := oktasim.JWKS("k1", key.Public())
		require.NoError(o.t, err)
		app := oktasim.Client{ID: clientID, JWKS: jwks, Scopes: scopes, DPoPRequired: true}
		for _, c := range change {
			c(&app)
		}
		require.NoError(o.t, o.sim.PutClient(app))
		auth, err := okta.PrivateKeyJWT(okta.OAuthConfig{
			OrgURL: url, ClientID: clientID, Keys: []okta.Key{{ID: "k1", PEM: okta.KeyPEM(pkcs8(o.t, key))}}, Scopes: scopes, Transport: o.wire,
		})
		require.NoError(o.t, err)
		o.t.Cleanup(auth.Close)
		return auth
	}
}

// exchanges are what went over the wire since the last time. Every one must be as documented.
func (o *contractOrg) exchanges() []string {
	o.t.Helper()
	var seen []string
	for _, e := range o.wire.Take() {
		require.NoError(o.t, e.Err, e.String())
		seen = append(seen, e.String())
	}
	return seen
}

// apiExchanges are those that are not about a token.
func (o *contractOrg) apiExchanges() []string {
	o.t.Helper()
	var seen []string
	for _, e := range o.exchanges() {
		if !strings.HasPrefix(e, tokenCall) {
			seen = append(seen, e)
		}
	}
	return seen
}

// withHook makes a hook to act on; inactive is what only can be deleted.
func withHook(inactive bool) func(o *contractOrg) {
	return func(o *contractOrg) {
		hook, _, err := o.client.CreateEventHook(o.t.Context(), o.spec)
		require.NoError(o.t, err)
		o.hook = hook.ID
		if inactive {
			_, _, err = o.client.DeactivateEventHook(o.t.Context(), o.hook)
			require.NoError(o.t, err)
		}
	}
}

const (
	tokenCall = "POST /oauth2/v1/token"
	usersCall = "GET /api/v1/users"
	logsCall  = "GET /api/v1/logs"
	hookCall  = "/api/v1/eventHooks/{eventHookId}"
)

// contractCall is a method of the client that is held against the contract.
type contractCall struct {
	prepare func(o *contractOrg)
	call    func(o *contractOrg) error
	want    []string // what goes over the wire when all is well
	missing bool     // 404 is among the documented answers
}

// contractCalls has every method of the client, also those that send nothing.
func contractCalls() map[string]contractCall {
	hook := func(call func(o *contractOrg) error, step string) contractCall {
		return contractCall{prepare: withHook(false), call: call, want: []string{step}, missing: true}
	}
	return map[string]contractCall{
		"Budget":               {call: func(o *contractOrg) error { o.client.Budget(); return nil }},
		"CloseIdleConnections": {call: func(o *contractOrg) error { o.client.CloseIdleConnections(); return nil }},
		"WaitForBudget":        {call: func(o *contractOrg) error { return o.client.WaitForBudget(o.t.Context()) }},
		"NoCall":               {call: func(o *contractOrg) error { o.client.NoCall(); return nil }},

		"RevokeUserSessions": {
			call: func(o *contractOrg) error {
				_, err := o.client.RevokeUserSessions(o.t.Context(), alice, okta.RevokeOptions{OAuthTokens: true})
				return err
			},
			want: []string{"DELETE /api/v1/users/{userId}/sessions 204"}, missing: true,
		},
		"EndUserSessions": {
			call: func(o *contractOrg) error {
				_, err := o.client.EndUserSessions(o.t.Context(), o.session, false)
				return err
			},
			want: []string{"POST /api/v1/users/me/lifecycle/delete_sessions 200"}, missing: true,
		},
		"GlobalTokenRevocation": {
			call: func(o *contractOrg) error {
				_, err := o.client.GlobalTokenRevocation(o.t.Context(), alice)
				return err
			},
			want: []string{"POST /oauth2/v1/global-token-revocation 204"},
		},
		"GetUser": {
			call: func(o *contractOrg) error {
				_, _, err := o.client.GetUser(o.t.Context(), "alice@acme.com")
				return err
			},
			want: []string{"GET /api/v1/users/{id} 200"}, missing: true,
		},
		"FindUser":       {call: findTwice, want: []string{usersCall + " 200", usersCall + " 200"}},
		"ListUserGroups": {call: listGroups, want: []string{groupsCall + " 200", groupsCall + " 200"}, missing: true},
		"ListUserRoles":  {call: listRoles, want: []string{rolesCall + " 200"}, missing: true},
		"ListLogs":       {prepare: revokeThrice, call: pollTwice, want: []string{logsCall + " 200", logsCall + " 200"}},

		"CreateEventHook": {
			call: func(o *contractOrg) error {
				_, _, err := o.client.CreateEventHook(o.t.Context(), o.spec)
				return err
			},
			want: []string{"POST /api/v1/eventHooks 200"},
		},
		"ListEventHooks": {
			prepare: withHook(false),
			call: func(o *contractOrg) error {
				_, _, err := o.client.ListEventHooks(o.t.Context())
				return err
			},
			want: []string{"GET /api/v1/eventHooks 200"},
		},
		"GetEventHook": hook(func(o *contractOrg) error {
			_, _, err := o.client.GetEventHook(o.t.Context(), o.hook)
			return err
		}, "GET "+hookCall+" 200"),
		"ReplaceEventHook": hook(func(o *contractOrg) error {
			_, _, err := o.client.ReplaceEventHook(o.t.Context(), o.hook, o.spec)
			return err
		}, "PUT "+hookCall+" 200"),
		"ActivateEventHook": hook(func(o *contractOrg) error {
			_, _, err := o.client.ActivateEventHook(o.t.Context(), o.hook)
			return err
		}, "POST "+hookCall+"/lifecycle/activate 200"),
		"DeactivateEventHook": hook(func(o *contractOrg) error {
			_, _, err := o.client.DeactivateEventHook(o.t.Context(), o.hook)
			return err
		}, "POST "+hookCall+"/lifecycle/deactivate 200"),
		"VerifyEventHook": hook(func(o *contractOrg) error {
			_, _, err := o.client.VerifyEventHook(o.t.Context(), o.hook)
			return err
		}, "POST "+hookCall+"/lifecycle/verify 200"),
		"DeleteEventHook": {
			prepare: withHook(true),
			call: func(o *contractOrg) error {
				_, err := o.client.DeleteEventHook(o.t.Context(), o.hook)
				return err
			},
			want: []string{"DELETE " + hookCall + " 204"}, missing: true,
		},
	}
}

const (
	groupsCall = "GET /api/v1/users/{id}/groups"
	rolesCall  = "GET /api/v1/users/{userId}/roles"
)

// findTwice asks in both ways that Okta has: filter and search.
func findTwice(o *contractOrg) error {
	for attribute, value := range map[string]string{"login": "alice@acme.com", "employeeNumber": "7"} {
		user, _, err := o.client.FindUser(o.t.Context(), attribute, value)
		if err != nil {
			return err
		}
		require.Equal(o.t, okta.UserID(alice), user.ID)
	}
	return nil
}

func listGroups(o *contractOrg) error {
	groups, _, err := o.client.ListUserGroups(o.t.Context(), alice)
	if err == nil {
		require.Len(o.t, groups, 202, "Everyone too")
	}
	return err
}

func listRoles(o *contractOrg) error {
	roles, _, err := o.client.ListUserRoles(o.t.Context(), alice)
	if err == nil {
		require.Len(o.t, roles, 2)
	}
	return err
}

func revokeThrice(o *contractOrg) {
	for range 3 {
		_, err := o.client.RevokeUserSessions(o.t.Context(), alice, okta.RevokeOptions{})
		require.NoError(o.t, err)
	}
}

// pollTwice goes on with the second page where the first one ended.
func pollTwice(o *contractOrg) error {
	first, _, err := o.client.ListLogs(o.t.Context(), okta.LogPoll{Since: time.Now().Add(-time.Hour), Limit: 2})
	if err != nil {
		return err
	}
	require.Len(o.t, first.Events, 2)
	second, _, err := o.client.ListLogs(o.t.Context(), okta.LogPoll{After: first.Next, Limit: 1000})
	if err == nil {
		require.NotEmpty(o.t, second.Events)
	}
	return err
}

// TestEveryMethodIsUnderContract fails when the client has a method that contractCalls does not hold against the contract.
func TestEveryMethodIsUnderContract(t *testing.T) {
	t.Parallel()
	calls := contractCalls()
	client := reflect.TypeFor[*okta.Client]()
	receipt := reflect.TypeFor[okta.Receipt]()
	for method := range client.Methods() {
		sends := false
		for out := range method.Type.Outs() {
			sends = sends || out == receipt
		}
		call, covered := calls[method.Name]
		require.True(t, covered, "Client.%s: add it to contractCalls", method.Name)
		require.Equal(t, sends, len(call.want) > 0, "Client.%s: say what goes over the wire", method.Name)
		delete(calls, method.Name)
	}
	require.Empty(t, calls, "no methods of the client")
}

func TestEveryCallKeepsTheContract(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	credentials := map[string]func(*contractOrg, string) okta.Authorizer{"API token": withAPIToken, "service app": withServiceApp()}
	for name, call := range contractCalls() {
		for credential, sign := range credentials {
			t.Run(name+" with "+credential, func(t *testing.T) {
				t.Parallel()
				o := startContract(t, contract, oktasim.Options{Token: testToken}, sign)
				if call.prepare != nil {
					call.prepare(o)
				}
				o.exchanges()
				require.NoError(t, call.call(o))
				require.Equal(t, call.want, o.apiExchanges())
			})
		}
	}
}

// TestEveryRefusalKeepsTheContract has each call refused in each way that the call's page tells of, and 401.
func TestEveryRefusalKeepsTheContract(t *testing.T) {
	t.Parallel()
	contract := contracttest.Load(t)
	for name, call := range contractCalls() {
		if len(call.want) == 0 {
			continue
		}
		for status, fault := range map[int]oktasim.Fault{
			401: {Status: 401}, 403: {Status: 403}, 404: {Status: 404}, 429: {RateLimited: true},
		} {
			if status == http.StatusNotFound && !call.missing {
				continue
			}
			t.Run(fmt.Sprintf("%s %d", name, status), func(t *testing.T) {
				t.Parallel()
				o := startContract(t, contract, oktasim.Options{}, withAPIToken)
				if call.prepare != nil {
					call.prepare(o)
				}
				o.exchanges()
				o.sim.AddFaults(fault)
				require.Error(t, call.call(o))
				operation, _, _ := strings.Cut(call.want[0], " 20")
				require.Equal(t, []string{fmt.Sprintf("%s %d", operation, status)}, o.exchanges())
			})
		}
	}
}
