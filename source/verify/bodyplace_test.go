package verify

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBodyPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		place, body, want string
		err               error
	}{
		{"at", `{"at":"x"}`, "x", nil},
		{"at", ` {"before":[{"at":1}],"at":12.50,"after":{}}`, "12.50", nil},
		{"data.at", `{"at":1,"data":{"at":"x\u0041"}}`, "xA", nil},
		{`data."a.b".c`, `{"data":{"a.b":{"c":"x"}}}`, "x", nil},
		{`"a b"`, `{"a b":"x"}`, "x", nil},
		{"at", `{"AT":"x"}`, "", ErrMissing},
		{"at", `{}`, "", ErrMissing},
		{"data.at", `{"data":"at"}`, "", ErrMalformed},
		{"data.at", `{"data":[{"at":1}]}`, "", ErrMalformed},
		{"at", `{"at":"x","at":"x"}`, "", ErrMalformed},
		{"at", `{"at":"x","\u0061t":"y"}`, "", ErrMalformed},
		{"data.at", `{"data":{"at":1},"data":{"at":2}}`, "", ErrMalformed},
		{"at", `{"at":null}`, "", ErrMalformed},
		{"at", `{"at":true}`, "", ErrMalformed},
		{"at", `{"at":{}}`, "", ErrMalformed},
		{"at", `{"at":"x"`, "", ErrMalformed},
		{"at", `{"at":"x",`, "", ErrMalformed},
		{"at", `{"at" "x"}`, "", ErrMalformed},
		{"at", `[]`, "", ErrMalformed},
		{"at", `at=x`, "", ErrMalformed},
		{"at", ``, "", ErrMalformed},
	} {
		place, err := parseBodyPlace(tt.place)
		require.NoError(t, err, tt.place)
		got, err := place.find([]byte(tt.body))
		require.ErrorIs(t, err, tt.err, tt.body)
		require.Equal(t, tt.want, got, tt.body)
	}
}

func TestBodyPlaceGrammar(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", ".", "a.", ".a", "a..b", `"`, `""`, `"a`, `"a"b`, `a"b"`, `a."b`, `"a".`, "a[0]", "value[*].x", strings.Repeat("a.", 8) + "a",
	} {
		_, err := parseBodyPlace(text)
		require.Error(t, err, "%q", text)
	}
}
