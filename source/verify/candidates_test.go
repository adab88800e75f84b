package verify

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source"
)

func lines(values ...string) source.Request {
	return source.Request{Header: http.Header{"X-Sig": values}}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	bare := Config{Header: "x-sig"}
	prefix := Config{Header: "X-Sig", Prefix: "sha256 "}
	stripe := Config{Header: "X-Sig", List: &List{Field: "v1"}, Timestamp: &Timestamp{Field: "t"}}
	standard := Config{Header: "X-Sig", List: &List{Item: " ", Pair: ",", Field: "v1"}}
	many := strings.TrimSuffix(strings.Repeat("v1=a,", maxCandidates), ",")
	for name, tt := range map[string]struct {
		config    Config
		lines     []string
		want      []string
		timestamp string
		err       error
	}{
		"missing":                        {bare, nil, nil, "", ErrMissing},
		"bare":                           {bare, []string{"abc"}, []string{"abc"}, "", nil},
		"empty":                          {bare, []string{""}, nil, "", ErrMalformed},
		"two lines, one the same":        {bare, []string{"abc", "abc"}, nil, "", ErrMalformed},
		"too long":                       {bare, []string{strings.Repeat("a", maxSignatureHeader+1)}, nil, "", ErrMalformed},
		"as long as may be":              {bare, []string{strings.Repeat("a", maxSignatureHeader)}, []string{strings.Repeat("a", maxSignatureHeader)}, "", nil},
		"prefix":                         {prefix, []string{"sha256 abc"}, []string{"abc"}, "", nil},
		"prefix in another case":         {prefix, []string{"SHA256 abc"}, nil, "", ErrMalformed},
		"prefix alone":                   {prefix, []string{"sha256 "}, nil, "", ErrMalformed},
		"no prefix":                      {prefix, []string{"abc"}, nil, "", ErrMalformed},
		"list":                           {stripe, []string{"t=1,v1=a,v0=b,v1=c"}, []string{"a", "c"}, "1", nil},
		"list in any order, with spaces": {stripe, []string{" v1=a , t=1,\tv1=c"}, []string{"a", "c"}, "1", nil},
		"list over lines":                {stripe, []string{"t=1", "v1=a", "v1=c"}, []string{"a", "c"}, "1", nil},
		"list over lines, too long":      {stripe, []string{"t=1,v1=a", "x=" + strings.Repeat("a", maxSignatureHeader)}, nil, "", ErrMalformed},
		"no signature":                   {stripe, []string{"t=1,v0=a"}, nil, "", ErrMalformed},
		"no pair":                        {stripe, []string{"t=1,v1"}, nil, "", ErrMalformed},
		"field in another case":          {stripe, []string{"t=1,V1=a"}, nil, "", ErrMalformed},
		"no timestamp":                   {stripe, []string{"v1=a"}, nil, "", ErrMalformed},
		"two timestamps":                 {stripe, []string{"t=1,v1=a,t=1"}, nil, "", ErrMalformed},
		"as many as may be":              {stripe, []string{"t=1," + many}, strings.Split(strings.Repeat("a", maxCandidates), ""), "1", nil},
		"too many":                       {stripe, []string{"t=1,v1=a," + many}, nil, "", ErrMalformed},
		"empty value":                    {stripe, []string{"t=1,v1="}, []string{""}, "1", nil}, // skipped by decode
		"other separators":               {standard, []string{"v1,a= v1a,b  v1,c=="}, []string{"a=", "c=="}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := tt.config.signatureForm().find(lines(tt.lines...))
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.want, append([]string(nil), in.candidates[:in.count]...))
			require.Equal(t, tt.timestamp, in.timestamp)
		})
	}
}

func TestDecodeCandidates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		encoding, text string
		want           string
		ok             bool
	}{
		{"", "00fF", "\x00\xff", true},
		{"hex", "0g", "", false},
		{"hex", "000", "", false},
		{"hex", "", "", false},
		{"base64", "++//", "\xfb\xef\xff", true},
		{"base64", "--__", "", false},
		{"base64", "AA==", "\x00", true},
		{"base64", "AA", "\x00", true},
		{"base64", "AA=", "", false},
		{"base64", "AB==", "", false}, // another spelling of AA==
		{"base64", "AA\n==", "", false},
		{"base64", "====", "", false},
		{"base64url", "--__", "\xfb\xef\xff", true},
		{"base64url", "++//", "", false},
		{"base64url", "AA", "\x00", true},
		{"base64url", "AA==", "\x00", true},
	} {
		form := Config{Encoding: tt.encoding}.signatureForm()
		good := form.encode([]byte("good"))
		in := found{candidates: [maxCandidates]string{good, tt.text, good}, count: 3}
		got := form.decode(&in)
		if !tt.ok {
			require.Equal(t, [][]byte{[]byte("good"), []byte("good")}, got, "%s %q", tt.encoding, tt.text)
			continue
		}
		require.Equal(t, [][]byte{[]byte("good"), []byte(tt.want), []byte("good")}, got, "%s %q", tt.encoding, tt.text)
	}
	in := found{candidates: [maxCandidates]string{base64.StdEncoding.EncodeToString([]byte("x"))}, count: 1}
	require.Empty(t, Config{Encoding: "hex"}.signatureForm().decode(&in))
}
