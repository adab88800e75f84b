package hooks_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"sever/internal/hooks"
	"sever/okta"
	"sever/okta/oktasim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a simulated Okta, a client of it and an endpoint that it can verify.
type rig struct {
	t      *testing.T
	sim    *oktasim.Server
	client *okta.Client
	want   okta.EventHookSpec
}

func newRig(t *testing.T) *rig {
	t.Helper()
	sim := oktasim.New(oktasim.Options{})
	server, endpoint := httptest.NewServer(sim), httptest.NewServer(http.HandlerFunc(echo))
	auth, err := okta.SSWS("token")
	require.NoError(t, err)
	client, err := okta.New(okta.Config{BaseURL: server.URL, Auth: auth})
	require.NoError(t, err)
	t.Cleanup(func() {
		client.CloseIdleConnections()
		endpoint.Close()
		server.Close()
		sim.Close()
	})
	r := &rig{t: t, sim: sim, client: client, want: wanted()}
	r.want.URI = endpoint.URL
	r.want.Secret, err = okta.NewHookSecret(secret)
	require.NoError(t, err)
	return r
}

func (r *rig) diff() hooks.Diff {
	r.t.Helper()
	list, _, err := r.client.ListEventHooks(r.t.Context())
	require.NoError(r.t, err)
	diff, err := hooks.Compare(r.want, list)
	require.NoError(r.t, err)
	return diff
}

func (r *rig) ensure(setSecret bool) ([]string, error) {
	r.t.Helper()
	return hooks.Ensure(r.t.Context(), r.client, r.want, r.diff(), setSecret)
}

// changes are the calls so far that changed something.
func (r *rig) changes() int {
	count := 0
	for _, call := range r.sim.Calls() {
		if call.Method != http.MethodGet {
			count++
		}
	}
	return count
}

func TestEnsureTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	done, err := r.ensure(false)
	require.NoError(t, err)
	require.Equal(t, []string{"created", "verified"}, done)
	require.True(t, r.diff().Same())

	before := r.changes()
	done, err = r.ensure(false)
	require.NoError(t, err)
	require.Empty(t, done)
	require.Equal(t, before, r.changes(), "the second time nothing is done")

	done, err = r.ensure(true)
	require.NoError(t, err)
	require.Equal(t, []string{"replaced", "verified"}, done, "the secret is set all the same")
	require.True(t, r.diff().Same())
}

func TestEnsureDoesNoMoreThanNeeded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	unverified := r.want
	_, _, err := r.client.CreateEventHook(t.Context(), unverified)
	require.NoError(t, err)
	done, err := r.ensure(false)
	require.NoError(t, err)
	require.Equal(t, []string{"verified"}, done)

	_, _, err = r.client.DeactivateEventHook(t.Context(), r.diff().Hook.ID)
	require.NoError(t, err)
	done, err = r.ensure(false)
	require.NoError(t, err)
	require.Equal(t, []string{"activated"}, done)

	_, _, err = r.client.DeactivateEventHook(t.Context(), r.diff().Hook.ID)
	require.NoError(t, err)
	r.want.Events = append(r.want.Events, "user.risk.detect")
	done, err = r.ensure(false)
	require.NoError(t, err)
	require.Equal(t, []string{"replaced", "activated", "verified"}, done)
	require.True(t, r.diff().Same())
}

// What somebody set by hand and the configuration cannot say is still there after a replacement.
func TestEnsureKeepsTheRest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	byHand := r.want
	byHand.Description, byHand.Headers = "by hand", map[string]string{"X-Env": "prod"}
	byHand.Events = append(byHand.Events, "user.session.start")
	byHand.Filters = map[string]string{
		"user.lifecycle.suspend": "event.actor.id ne '0oa1'", "user.session.start": "event.actor.id ne '0oa2'",
	}
	_, _, err := r.client.CreateEventHook(t.Context(), byHand)
	require.NoError(t, err)

	done, err := r.ensure(false)
	require.NoError(t, err)
	require.Equal(t, []string{"replaced", "verified"}, done)
	hook := r.diff().Hook
	require.Equal(t, "by hand", hook.Description)
	require.Equal(t, map[string]string{"X-Env": "prod"}, hook.Headers)
	require.Equal(t, map[string]string{"user.lifecycle.suspend": "event.actor.id ne '0oa1'"}, hook.Filters, "the other's type is gone")
}

// Each step fails once: what was done before is told, and the next run goes on from there.
func TestEnsureGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	for at, want := range map[int][]string{0: nil, 1: {"replaced"}, 2: {"replaced", "activated"}} {
		r := newRig(t)
		old := r.want
		old.Events = []string{"user.session.end"}
		hook, _, err := r.client.CreateEventHook(t.Context(), old)
		require.NoError(t, err)
		_, _, err = r.client.DeactivateEventHook(t.Context(), hook.ID)
		require.NoError(t, err)
		path := "/api/v1/eventHooks/" + string(hook.ID)
		fault := oktasim.Fault{Status: http.StatusServiceUnavailable, Path: path + []string{"", "/lifecycle/activate", "/lifecycle/verify"}[at]}
		r.sim.AddFaults(fault)

		done, err := r.ensure(false)
		require.Equal(t, okta.ClassTemporary, okta.ClassOf(err), "%d: %v", at, err)
		require.Equal(t, want, done, at)
		_, err = r.ensure(false)
		require.NoError(t, err, at)
		require.True(t, r.diff().Same(), at)
	}
}

func TestUnverified(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.want.SecretHeader = "X-Other"
	done, err := r.ensure(false)
	require.Equal(t, []string{"created"}, done)
	unverified, ok := errors.AsType[*hooks.UnverifiedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, r.diff().Hook.ID, unverified.ID)
	require.Equal(t, okta.ClassInvalid, okta.ClassOf(err), "Okta's own error is in it")
	require.True(t, strings.HasPrefix(err.Error(), "event hook who"), err)
	require.NotContains(t, err.Error(), secret)

	err = hooks.Verify(t.Context(), r.client, "who00000000000000000")
	require.Equal(t, okta.ClassGone, okta.ClassOf(err))
	_, ok = errors.AsType[*hooks.UnverifiedError](err)
	require.False(t, ok, "a hook that is not there is another matter")
}
