package queue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// aside is a job that waits for an operator until a time; zero means as long as it takes.
func aside(name, why string, expires time.Time) revocation.HoldEntry {
	entry := leaver(name, time.Time{})
	entry.Hold.Why, entry.Hold.Expires = why, expires
	return entry
}

func TestHoldsWakeWhenTheyExpire(t *testing.T) {
	t.Parallel()
	q := open(t)
	h, r := holds(t, q), wakeReader(t, q)
	forever, later := aside("forever", revocation.HeldForBrake, time.Time{}), aside("later", revocation.HeldForApproval, in(time.Hour))
	over, due := aside("over", revocation.HeldForApproval, in(time.Second)), leaver("due", in(2*time.Second))
	for _, entry := range []revocation.HoldEntry{due, over, later, forever} {
		set(t, h, entry)
	}
	listed, err := h.List(t.Context(), "", 10)
	require.NoError(t, err)
	require.Equal(t, []revocation.Hold{*forever.Hold, *over.Hold, *due.Hold, *later.Hold}, listed)
	counts, err := h.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, counts["acme"], "also one without a time")
	listed, err = h.List(t.Context(), revocation.HeldForApproval, 1)
	require.NoError(t, err)
	require.Equal(t, []revocation.Hold{*over.Hold}, listed)

	require.Equal(t, revocation.Wake{Key: over.Key, Due: over.Hold.Expires}, nextWake(t, r))
	require.Equal(t, revocation.Wake{Key: due.Key, Due: due.Hold.Due}, nextWake(t, r))

	approved := forever // an approval sets the time to now
	hold := *forever.Hold
	hold.Due = in(0)
	approved.Hold = &hold
	set(t, h, approved)
	require.Equal(t, revocation.Wake{Key: forever.Key, Due: hold.Due}, nextWake(t, r))
	set(t, h, ended(later))
	counts, err = h.Count(t.Context())
	require.NoError(t, err)
	require.Zero(t, counts["acme"])
	noWake(t, r, 500*time.Millisecond)
}

// A time that got lost is set again, also of a hold that is to expire.
func TestExpiryIsRearmed(t *testing.T) {
	t.Parallel()
	q := open(t)
	h, r := holds(t, q), wakeReader(t, q)
	entry := aside("over", revocation.HeldForApproval, in(2*time.Second))
	set(t, h, entry)
	require.NoError(t, h.disarm(t.Context(), entry.Org, entry.Key))
	set(t, h, aside("forever", revocation.HeldForBrake, time.Time{}))
	restored, err := h.Rearm(t.Context(), time.Now())
	require.NoError(t, err)
	require.Equal(t, 1, restored)
	require.Equal(t, entry.Key, nextWake(t, r).Key)
}

func TestFindHolds(t *testing.T) {
	t.Parallel()
	q := open(t)
	h := holds(t, q)
	ada, bob := aside("ada", revocation.HeldForSecondLook, in(time.Hour)), aside("bob", revocation.HeldForSecondLook, in(time.Hour))
	other := aside("eve", revocation.HeldForBrake, in(time.Hour))
	other.Hold.Job.Person = ada.Hold.Job.Person
	for _, entry := range []revocation.HoldEntry{ada, bob, other, ended(leaver("gone", in(time.Hour)))} {
		set(t, h, entry)
	}
	find := func(org string, person revocation.Person) []string {
		keys, err := h.Find(t.Context(), revocation.HeldForSecondLook, org, person)
		require.NoError(t, err)
		return keys
	}
	require.Equal(t, []string{ada.Key}, find("acme", ada.Hold.Job.Person))
	require.Empty(t, find("globex", ada.Hold.Job.Person))
	require.Empty(t, find("acme", revocation.Person{Kind: revocation.PersonLogin, Value: "nobody"}))
}
