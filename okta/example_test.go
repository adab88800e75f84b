package okta_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"sever/okta"
	"sever/okta/oktasim"
)

// practice starts a simulated Okta with two people in it, and a client of it.
func practice() (client *okta.Client, sim *oktasim.Server, stop func()) {
	sim = oktasim.New(oktasim.Options{StrictUsers: true})
	server := httptest.NewServer(sim)
	people := []oktasim.User{
		{
			ID: alice, Login: "alice@acme.com", Groups: []string{"Break glass"}, Profile: map[string]any{"employeeNumber": "1007"},
			Roles: []oktasim.AdminRole{{Type: "SUPER_ADMIN", AssignmentType: "GROUP"}},
		},
		{ID: bob, Login: "bob@acme.com", Email: "bob@home.example"},
	}
	for _, person := range people {
		if err := sim.PutUser(person); err != nil {
			panic(err)
		}
	}
	auth, err := okta.SSWS("00practice")
	if err != nil {
		panic(err)
	}
	client, err = okta.New(okta.Config{BaseURL: server.URL, Auth: auth})
	if err != nil {
		panic(err)
	}
	return client, sim, func() {
		client.CloseIdleConnections()
		server.Close()
		sim.Close()
	}
}

// End all sessions of one person, tokens and remembered devices included.
func ExampleClient_RevokeUserSessions() {
	client, _, stop := practice()
	defer stop()

	id, err := okta.ParseUserID("00u2di94bAMSEPvAY1d6")
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := client.RevokeUserSessions(context.Background(), id, okta.RevokeOptions{OAuthTokens: true, ForgetDevices: true})
	fmt.Println(receipt.Status, receipt.RequestID != "", err)
	// Output: 204 true <nil>
}

// Decide about a retry by class. Here the person is not there any more, and neither are their sessions.
func ExampleClassOf() {
	client, _, stop := practice()
	defer stop()

	_, err := client.RevokeUserSessions(context.Background(), "00uGone0000000000001", okta.RevokeOptions{})
	switch okta.ClassOf(err) {
	case okta.ClassGone:
		fmt.Println("nothing left to revoke")
	case okta.ClassTemporary, okta.ClassRateLimited, okta.ClassConcurrency:
		fmt.Println("try again later")
	default:
		fmt.Println("a person must look")
	}
	// Output: nothing left to revoke
}

// Work off a list as fast as Okta allows: wait for the budget, then take the next one. Run several of these loops.
func ExampleClient_WaitForBudget() {
	client, sim, stop := practice()
	defer stop()

	ctx := context.Background()
	for _, id := range []okta.UserID{alice, bob} {
		if err := client.WaitForBudget(ctx); err != nil {
			fmt.Println(err)
			return
		}
		if _, err := client.RevokeUserSessions(ctx, id, okta.RevokeOptions{}); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(len(sim.Calls()), "calls")
	for _, state := range client.Budget() {
		fmt.Println(state.Bucket, state.Remaining, "of", state.Limit)
	}
	// Output:
	// 2 calls
	// sessions 598 of 600
}

func ExampleRetryAt() {
	client, sim, stop := practice()
	defer stop()

	sim.AddFaults(oktasim.Fault{RateLimited: true, ResetIn: 20 * time.Second})
	_, err := client.RevokeUserSessions(context.Background(), alice, okta.RevokeOptions{})
	at, known := okta.RetryAt(err, time.Now())
	fmt.Println(okta.ClassOf(err), known, time.Until(at) > 15*time.Second)
	// Output: rate_limited true true
}

func ExampleClient_GetUser() {
	client, _, stop := practice()
	defer stop()

	user, _, err := client.GetUser(context.Background(), "alice@acme.com")
	fmt.Println(user.ID, user.Status, err)
	// Output: 00u2di94bAMSEPvAY1d6 ACTIVE <nil>
}

// Find people by what another system knows of them. Nobody and several are answers of their own.
func ExampleClient_FindUser() {
	client, _, stop := practice()
	defer stop()

	user, _, err := client.FindUser(context.Background(), "employeeNumber", "1007")
	fmt.Println(user.Login, err)

	_, _, err = client.FindUser(context.Background(), "email", "nobody@acme.com")
	_, nobody := errors.AsType[*okta.NoUserError](err)
	fmt.Println(nobody, err)
	// Output:
	// alice@acme.com <nil>
	// true okta: no user has this profile.email
}

func ExampleClient_ListUserGroups() {
	client, _, stop := practice()
	defer stop()

	groups, _, err := client.ListUserGroups(context.Background(), alice)
	for _, group := range groups {
		if group.Name == "Break glass" {
			fmt.Println("protected", err)
		}
	}
	// Output: protected <nil>
}

func ExampleClient_ListUserRoles() {
	client, _, stop := practice()
	defer stop()

	roles, _, err := client.ListUserRoles(context.Background(), alice)
	for _, role := range roles {
		fmt.Println(role.Type, role.AssignmentType, role.InForce(), err)
	}
	// Output: SUPER_ADMIN GROUP true <nil>
}

// Sign a person out of everything that takes part in Universal Logout.
func ExampleClient_GlobalTokenRevocation() {
	client, _, stop := practice()
	defer stop()

	receipt, err := client.GlobalTokenRevocation(context.Background(), alice)
	fmt.Println(receipt.Status, err)
	// Output: 204 <nil>
}

// End one's own other sessions, with one's own session cookie. The client's credential stays out of it.
func ExampleClient_EndUserSessions() {
	client, sim, stop := practice()
	defer stop()
	cookie, err := sim.StartSession(alice)
	if err != nil {
		fmt.Println(err)
		return
	}

	session, err := okta.SID(cookie)
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := client.EndUserSessions(context.Background(), session, true)
	fmt.Println(receipt.Status, err, sim.Sessions(alice))
	// Output: 200 <nil> 1
}

// hookReceiver answers Okta's challenge, as an endpoint for event hooks must.
func hookReceiver() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"verification": r.Header.Get("X-Okta-Verification-Challenge")})
	}))
}

func exampleSpec(uri string) okta.EventHookSpec {
	secret, err := okta.NewHookSecret("a long random secret")
	if err != nil {
		panic(err)
	}
	return okta.EventHookSpec{Name: "sever", URI: uri, Events: []string{"user.lifecycle.suspend"}, Secret: secret}
}

// Register an event hook and have it verified; only then does it get events.
func ExampleClient_CreateEventHook() {
	client, _, stop := practice()
	defer stop()
	receiver := hookReceiver()
	defer receiver.Close()

	hook, _, err := client.CreateEventHook(context.Background(), exampleSpec(receiver.URL))
	fmt.Println(hook.Status, hook.Verification, err)
	hook, _, err = client.VerifyEventHook(context.Background(), hook.ID)
	fmt.Println(hook.Status, hook.Verification, err)
	// Output:
	// ACTIVE UNVERIFIED <nil>
	// ACTIVE VERIFIED <nil>
}

func ExampleClient_VerifyEventHook() {
	client, _, stop := practice()
	defer stop()
	silent := httptest.NewServer(http.NotFoundHandler())
	defer silent.Close()

	hook, _, err := client.CreateEventHook(context.Background(), exampleSpec(silent.URL))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, receipt, err := client.VerifyEventHook(context.Background(), hook.ID)
	fmt.Println(receipt.Status, okta.ClassOf(err))
	// Output: 400 invalid
}

// Change what a hook listens to. Okta wants the secret again, and the endpoint to be verified again.
func ExampleClient_ReplaceEventHook() {
	client, _, stop := practice()
	defer stop()

	spec := exampleSpec("https://sever.acme.com/v1/hooks/okta")
	hook, _, err := client.CreateEventHook(context.Background(), spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	spec.Events = append(spec.Events, "user.lifecycle.deactivate")
	hook, _, err = client.ReplaceEventHook(context.Background(), hook.ID, spec)
	fmt.Println(hook.Events, hook.Verification, err)
	// Output: [user.lifecycle.suspend user.lifecycle.deactivate] UNVERIFIED <nil>
}

// Find out which hooks there are. The secret is never shown.
func ExampleClient_ListEventHooks() {
	client, _, stop := practice()
	defer stop()

	if _, _, err := client.CreateEventHook(context.Background(), exampleSpec("https://sever.acme.com/v1/hooks/okta")); err != nil {
		fmt.Println(err)
		return
	}
	hooks, _, err := client.ListEventHooks(context.Background())
	for _, hook := range hooks {
		one, _, err := client.GetEventHook(context.Background(), hook.ID)
		fmt.Println(one.Name, one.URI, one.SecretHeader, err)
	}
	fmt.Println(len(hooks), err)
	// Output:
	// sever https://sever.acme.com/v1/hooks/okta authorization <nil>
	// 1 <nil>
}

func ExampleClient_GetEventHook() {
	client, _, stop := practice()
	defer stop()

	id, err := okta.ParseEventHookID("who8vt36qfNpCGz9H1e6")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, receipt, err := client.GetEventHook(context.Background(), id)
	fmt.Println(receipt.Status, okta.ClassOf(err))
	// Output: 404 gone
}

// A hook can be deleted when it is inactive.
func ExampleClient_DeleteEventHook() {
	client, _, stop := practice()
	defer stop()

	hook, _, err := client.CreateEventHook(context.Background(), exampleSpec("https://sever.acme.com/v1/hooks/okta"))
	if err != nil {
		fmt.Println(err)
		return
	}
	hook, _, err = client.DeactivateEventHook(context.Background(), hook.ID)
	fmt.Println(hook.Status, err)
	receipt, err := client.DeleteEventHook(context.Background(), hook.ID)
	fmt.Println(receipt.Status, err)
	// Output:
	// INACTIVE <nil>
	// 204 <nil>
}

func ExampleClient_DeactivateEventHook() {
	client, _, stop := practice()
	defer stop()

	hook, _, err := client.CreateEventHook(context.Background(), exampleSpec("https://sever.acme.com/v1/hooks/okta"))
	if err != nil {
		fmt.Println(err)
		return
	}
	hook, _, err = client.DeactivateEventHook(context.Background(), hook.ID)
	fmt.Println(hook.Status, err)
	hook, _, err = client.ActivateEventHook(context.Background(), hook.ID)
	fmt.Println(hook.Status, err)
	// Output:
	// INACTIVE <nil>
	// ACTIVE <nil>
}

// Poll the System Log. Our own calls show up in it with the request id of their receipt: proof that they took effect.
func ExampleClient_ListLogs() {
	client, _, stop := practice()
	defer stop()
	receipt, err := client.RevokeUserSessions(context.Background(), alice, okta.RevokeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}

	poll := okta.LogPoll{Since: time.Now().Add(-time.Hour)}
	page, _, err := client.ListLogs(context.Background(), poll)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range page.Events {
		fmt.Println(event.EventType, event.DebugContext.DebugData["requestId"] == receipt.RequestID)
	}
	poll.After = page.Next // store it once the events are handled
	page, _, err = client.ListLogs(context.Background(), poll)
	fmt.Println(len(page.Events), err)
	// Output:
	// user.session.clear true
	// 0 <nil>
}
