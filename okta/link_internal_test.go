package okta

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNextLink(t *testing.T) {
	t.Parallel()
	for want, headers := range map[string][]string{
		"https://a/x?after=1":    {`<https://a/x>; rel="self"`, `<https://a/x?after=1>; rel="next"`},
		"https://a/x?after=2":    {`<https://a/x>; rel="self", <https://a/x?after=2>; rel="next"`},
		"https://a/x?after=3":    {`<https://a/x?after=3>;title="a";REL=next`},
		"https://a/x?after=4,;5": {`<https://a/x?after=4,;5>; rel="next"`},
		"":                       {"", "<", "<>", `<https://a>; rel="prev"`, `https://a; rel="next"`, `<https://a`, `rel="next"`, `<https://a>; rel="nextish"`},
	} {
		require.Equal(t, want, nextLink(http.Header{"Link": headers}))
	}
	require.Empty(t, nextLink(nil))
	require.Empty(t, nextLink(http.Header{"Link": {`<https://a/` + strings.Repeat("x", maxLink) + `>; rel="next"`}}), "too long")
}
