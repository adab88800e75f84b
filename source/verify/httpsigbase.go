package verify

import (
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/dunglas/httpsfv"

	"sever/source"
)

var errSignatureInput = errors.New("the signature covers components that cannot be built here")

// maxComponents bounds how many components a signature covers; each is looked up, and the
// text that is signed is made of them.
const maxComponents = 64

// httpMessage is what the components of a signature are taken from. A response has a
// status; a request has none.
type httpMessage struct {
	method, scheme, host string
	url                  *url.URL
	header               http.Header
	status               int
}

// requestMessage takes scheme, host and path from known, if that is given: proxies change them.
func requestMessage(req source.Request, known *url.URL) httpMessage {
	m := httpMessage{method: req.Method, scheme: "http", host: req.Host, url: req.URL, header: req.Header}
	if req.TLS {
		m.scheme = "https"
	}
	if known != nil {
		at := *known
		at.RawQuery, at.ForceQuery = req.URL.RawQuery, req.URL.ForceQuery
		m.scheme, m.host, m.url = known.Scheme, known.Host, &at
	}
	return m
}

// signatureBase builds the text that is signed (RFC 9421, section 2.5).
func (m httpMessage) signatureBase(covered httpsfv.InnerList) (string, error) {
	if len(covered.Items) > maxComponents {
		return "", errSignatureInput
	}
	var base strings.Builder
	seen := make(map[string]bool)
	for _, item := range covered.Items {
		id, err := httpsfv.Marshal(item)
		if err != nil || seen[id] {
			return "", errSignatureInput
		}
		seen[id] = true
		value, err := m.component(item)
		if err != nil {
			return "", err
		}
		base.WriteString(id + ": " + value + "\n")
	}
	params, err := httpsfv.Marshal(covered)
	if err != nil {
		return "", errSignatureInput
	}
	base.WriteString(`"@signature-params": ` + params)
	return base.String(), nil
}

// component gives a component's value. The parameters sf, key, bs, req and tr are not
// offered: no sender that we know of uses them.
func (m httpMessage) component(item httpsfv.Item) (string, error) {
	name, ok := item.Value.(string)
	if !ok || name != strings.ToLower(name) {
		return "", errSignatureInput
	}
	if name == "@query-param" {
		return m.queryParam(item)
	}
	if len(item.Params.Names()) > 0 {
		return "", errSignatureInput
	}
	switch {
	case !strings.HasPrefix(name, "@"):
		return m.field(name)
	case m.status != 0:
		if name != "@status" {
			return "", errSignatureInput
		}
		return strconv.Itoa(m.status), nil
	}
	return m.derived(name)
}

// derived gives a component of a request that is no field (section 2.2).
func (m httpMessage) derived(name string) (string, error) {
	switch name {
	case "@method":
		return m.method, nil
	case "@scheme":
		return m.scheme, nil
	case "@authority":
		return m.authority(), nil
	case "@path":
		return m.path(), nil
	case "@query":
		return "?" + m.url.RawQuery, nil
	case "@request-target":
		return m.path() + m.query(), nil
	case "@target-uri":
		return m.scheme + "://" + m.host + m.path() + m.query(), nil
	}
	return "", errSignatureInput
}

// authority is the host in lower case, without the scheme's own port (section 2.2.3).
func (m httpMessage) authority() string {
	port := map[string]string{"http": ":80", "https": ":443"}[m.scheme]
	return strings.TrimSuffix(strings.ToLower(m.host), port)
}

func (m httpMessage) path() string {
	if path := m.url.EscapedPath(); path != "" {
		return path
	}
	return "/"
}

func (m httpMessage) query() string {
	if m.url.RawQuery == "" && !m.url.ForceQuery {
		return ""
	}
	return "?" + m.url.RawQuery
}

// queryParam gives one parameter, encoded anew. One that is given twice cannot be signed
// (section 2.2.8).
func (m httpMessage) queryParam(item httpsfv.Item) (string, error) {
	encoded, _ := item.Params.Get("name")
	text, ok := encoded.(string)
	if !ok || len(item.Params.Names()) != 1 || m.status != 0 {
		return "", errSignatureInput
	}
	name, err := url.PathUnescape(text)
	if err != nil {
		return "", errSignatureInput
	}
	query, err := url.ParseQuery(m.url.RawQuery)
	if values := query[name]; err != nil || len(values) != 1 {
		return "", errSignatureInput
	}
	return strings.ReplaceAll(url.QueryEscape(query[name][0]), "+", "%20"), nil
}

// field joins a field's lines, each without the space round it (section 2.1).
func (m httpMessage) field(name string) (string, error) {
	if name == "host" && m.status == 0 {
		return m.host, nil // net/http keeps it apart
	}
	lines := m.header[textproto.CanonicalMIMEHeaderKey(name)]
	if len(lines) == 0 {
		return "", errSignatureInput
	}
	trimmed := make([]string, 0, len(lines))
	for _, line := range lines {
		if strings.ContainsAny(line, "\r\n") {
			return "", errSignatureInput // it could pass for another component
		}
		trimmed = append(trimmed, strings.Trim(line, " \t"))
	}
	return strings.Join(trimmed, ", "), nil
}
