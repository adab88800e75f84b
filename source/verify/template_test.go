package verify

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source"
)

func TestTemplateGrammar(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{", "}", "{body", "body}", "{body}}", "{{body}}", "{}", "{Body}", "{ body }", "{body.x}", "{header:}", "{header:a b}", `\`, `\t{body}`, `{body}\`, "{nothing}{body}"} {
		_, err := compileTemplate(text)
		require.Error(t, err, "%q", text)
	}
	compiled, err := compileTemplate(`v0:{body}\n\\n{header:x-a}`)
	require.NoError(t, err)
	require.Equal(t, template{{"", "v0:"}, {"body", ""}, {"", "\n\\n"}, {"header", "X-A"}}, compiled)
	compiled, err = compileTemplate("")
	require.NoError(t, err)
	require.Equal(t, template{{"body", ""}}, compiled)
}

func TestDotAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"{id}.{body}": true, "{body}.{id}": false, "{id}{body}.": false, "{id}-.{body}": false, `{id}\n.{body}`: false, ".{id}": false, "": false,
		"{id}-{id}.{body}": true,
	} {
		compiled, err := compileTemplate(text)
		require.NoError(t, err)
		require.Equal(t, want, compiled.dotAfter("id"), text)
	}
}

// The body is written as it stands, so that a large one is not copied.
func TestTemplateDoesNotCopyTheBody(t *testing.T) {
	t.Parallel()
	compiled, err := compileTemplate("{timestamp}.{body}.{id}")
	require.NoError(t, err)
	body := []byte("the body")
	m := &filled{template: compiled, req: source.Request{Body: body, URL: &url.URL{}}, timestamp: "1", id: "2"}
	var whole bytes.Buffer
	same := false
	m.write(writerFunc(func(p []byte) { whole.Write(p); same = same || len(p) > 0 && &p[0] == &body[0] }), nil)
	require.Equal(t, "1.the body.2", whole.String())
	require.True(t, same)
}

type writerFunc func(p []byte)

func (w writerFunc) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

func TestURLAsItCame(t *testing.T) {
	t.Parallel()
	at, err := url.Parse("/a%2Fb?z=1&a=%20&a=0&&b")
	require.NoError(t, err)
	m := &filled{req: source.Request{Method: http.MethodGet, URL: at, Host: "h:8080"}}
	for kind, want := range map[string]string{
		"url": "http://h:8080/a%2Fb?z=1&a=%20&a=0&&b", "path": "/a%2Fb",
		"query": "z=1&a=%20&a=0&&b", "sorted_query": "&a=%20&a=0&b&z=1", "method": "GET",
	} {
		require.Equal(t, want, string(m.append(nil, piece{kind: kind})), kind)
	}
	m.req.URL = &url.URL{Path: "/x"}
	require.Equal(t, "http://h:8080/x", string(m.append(nil, piece{kind: "url"})))
	require.Empty(t, m.append(nil, piece{kind: "sorted_query"}))
}

func TestSortedForm(t *testing.T) {
	t.Parallel()
	got, err := sortedForm([]byte("b=2&a=%2B+1&b=1&b=2&c"))
	require.NoError(t, err)
	require.Equal(t, "a+ 1b1b2c", got)
	_, err = sortedForm([]byte("a=%zz"))
	require.ErrorIs(t, err, ErrMalformed)
}
