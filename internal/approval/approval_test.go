package approval_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/approval"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const (
	base  = "https://sever.corp.example"
	token = "t0ken-of-the-operator"
)

func links(t *testing.T, token string, now time.Time) *approval.Links {
	t.Helper()
	made, err := approval.New(base, token, func() time.Time { return now })
	require.NoError(t, err)
	return made
}

func grant() approval.Grant {
	return approval.Grant{Hold: "hold_abcdefghijklmnopqrstuvwxy3", Case: "case_zyxwvutsrqponmlkjihgfedcb2", Verb: approval.Approve, Expires: noon.Add(time.Hour)}
}

func tokenOf(t *testing.T, link string) string {
	t.Helper()
	after, found := strings.CutPrefix(link, base+approval.Path)
	require.True(t, found, link)
	require.NotContains(t, after, "/", "one segment of a path")
	return after
}

func TestLinksAreReadBack(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{approval.Approve, approval.Reject} {
		want := grant()
		want.Verb = verb
		link := links(t, token, noon).Link(want)
		require.NotContains(t, link, token)
		got, err := links(t, token, noon.Add(59*time.Minute)).Read(tokenOf(t, link))
		require.NoError(t, err)
		require.True(t, want.Expires.Equal(got.Expires))
		got.Expires = want.Expires
		require.Equal(t, want, got)
	}
}

// One hold, one verb, one time, one admin token: a link is good for nothing else.
func TestLinksThatAreNotGood(t *testing.T) {
	t.Parallel()
	good := tokenOf(t, links(t, token, noon).Link(grant()))
	of := func(change func(*approval.Grant)) string {
		other := grant()
		change(&other)
		return tokenOf(t, links(t, token, noon).Link(other))
	}
	cut := strings.LastIndexByte(good, '.')
	for name, tt := range map[string]struct {
		token, admin string
		now          time.Time
	}{
		"expired":                {good, token, noon.Add(time.Hour)},
		"another admin token":    {good, token + "x", noon},
		"another verb":           {strings.Replace(good, "approve", "reject", 1), token, noon},
		"a verb that is none":    {of(func(g *approval.Grant) { g.Verb = "drop" }), token, noon},
		"another hold":           {strings.Replace(good, "abc", "abd", 1), token, noon},
		"another case":           {strings.Replace(good, "zyx", "zyy", 1), token, noon},
		"a later time":           {strings.Replace(good, strconv.FormatInt(grant().Expires.Unix(), 10), strconv.FormatInt(grant().Expires.Unix()+1, 10), 1), token, noon},
		"another link's seal":    {good[:cut] + of(func(g *approval.Grant) { g.Verb = approval.Reject })[cut-1:], token, noon},
		"no seal":                {good[:cut+1], token, noon},
		"a seal cut short":       {good[:len(good)-1], token, noon},
		"a part too many":        {of(func(g *approval.Grant) { g.Hold = "a.b" }), token, noon},
		"nothing":                {"", token, noon},
		"only a dot":             {".", token, noon},
		"not from here, at all":  {"approve.hold_a.case_a.99999999999.AAAA", token, noon},
		"a seal with whitespace": {good + "\n", token, noon},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NotEqual(t, good, tt.token+tt.admin)
			got, err := links(t, tt.admin, tt.now).Read(tt.token)
			require.ErrorIs(t, err, approval.ErrUnknown)
			require.Zero(t, got)
		})
	}
}

func TestLinksNeedAURLAndAToken(t *testing.T) {
	t.Parallel()
	for _, given := range [][2]string{{"", token}, {base, ""}, {"", ""}} {
		_, err := approval.New(given[0], given[1], time.Now)
		require.ErrorContains(t, err, "URL and token")
	}
}

func FuzzRead(f *testing.F) {
	made, err := approval.New(base, token, func() time.Time { return noon })
	require.NoError(f, err)
	good := strings.TrimPrefix(made.Link(grant()), base+approval.Path)
	f.Add(good)
	f.Add(".")
	f.Add("approve.hold_a.case_a.1.x")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := made.Read(text)
		if text != good {
			require.Error(t, err)
			require.Zero(t, got)
		}
	})
}
