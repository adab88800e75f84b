package verify

import (
	"fmt"
	"net/url"
	"strings"

	"sever/source"
)

const bodyFix = "add {body}, {body_sha256} or {body_sha256_raw} as the sender's documentation has it; for tests, insecure: true"

// checkSigned finds mistakes in the settings of a signature.
func (c Config) checkSigned() []source.Problem {
	problems := c.checkHeaders()
	problems = append(problems, c.checkHash()...)
	problems = append(problems, c.checkForm()...)
	problems = append(problems, c.checkTemplate()...)
	problems = append(problems, c.checkTimestamp()...)
	problems = append(problems, c.checkID()...)
	problems = append(problems, c.checkURL()...)
	return append(problems, c.checkProofs()...)
}

func (c Config) checkHeaders() []source.Problem {
	var problems []source.Problem
	check := func(field, name string) {
		if !headerForm.MatchString(name) { // not repeated: it may be the secret, put here by mistake
			problems = append(problems, source.Problem{
				Field: field, Message: "is not a header's name", Fix: "use letters, digits and -, such as X-Signature",
			})
		}
	}
	if c.Header == "" {
		problems = append(problems, source.Problem{
			Field: "header", Message: "is not given", Fix: "name the header that holds the signature, such as X-Signature",
		})
	} else {
		check("header", c.Header)
	}
	if c.Timestamp != nil && c.Timestamp.Header != "" {
		check("timestamp.header", c.Timestamp.Header)
	}
	if c.ID != nil && c.ID.Header != "" {
		check("id.header", c.ID.Header)
	}
	if c.Labels != nil {
		check("labels.header", c.Labels.Header)
	}
	return problems
}

func (c Config) checkHash() []source.Problem {
	kind, known := c.hashKind()
	const fix = "prefer a stronger hash; if the sender can do no better, add weak: true"
	switch {
	case !known:
		return []source.Problem{{Field: "hash", Message: "is no hash that is known here", Fix: "use sha256, sha384 or sha512"}}
	case kind.weak && !c.Weak:
		return []source.Problem{{Field: "hash", Message: c.Hash + " is weak", Fix: fix}}
	case c.Type == "hash" && !c.Weak:
		return []source.Problem{{
			Field: "type", Message: "hash, which is no HMAC, is weak",
			Fix: "prefer type hmac; if the sender can do no better, add weak: true",
		}}
	}
	return nil
}

func (c Config) checkForm() []source.Problem {
	var problems []source.Problem
	if c.List == nil {
		return nil
	}
	if c.Prefix != "" {
		problems = append(problems, source.Problem{Field: "prefix", Message: "is not used with list", Fix: "remove one of the two"})
	}
	list := c.signatureForm().list
	switch {
	case list.Field == "":
		problems = append(problems, source.Problem{Field: "list.field", Message: "is not given", Fix: "name the pair that holds the signature, such as v1"})
	case list.Item == list.Pair:
		problems = append(problems, source.Problem{Field: "list.pair", Message: "is the same as list.item", Fix: "give what stands between a name and its value, such as ="})
	case c.Timestamp != nil && c.Timestamp.Field == list.Field:
		problems = append(problems, source.Problem{Field: "timestamp.field", Message: "is the same as list.field", Fix: "name the pair that holds the timestamp, such as t"})
	}
	return problems
}

func (c Config) checkTemplate() []source.Problem {
	compiled, err := compileTemplate(c.Signed)
	if err != nil {
		return []source.Problem{{
			Field: "signed", Message: err.Error(),
			Fix: `use {body} {timestamp} {id} {url} {method} {query} {sorted_query} {path} {header:NAME} {body_sha256} {body_sha256_raw} {form}, text, \n and \\`,
		}}
	}
	var problems []source.Problem
	add := func(message, fix string) {
		problems = append(problems, source.Problem{Field: "signed", Message: message, Fix: fix})
	}
	switch {
	case c.Insecure || compiled.has("body", "body_sha256", "body_sha256_raw"):
	case compiled.has("form"):
		add("does not say where a name of the form ends and its value begins: bodies can be forged from signed ones",
			"if the sender can do no better, add insecure: true, and let also: hold another proof")
	default:
		add("leaves the body out: anyone could change it", bodyFix)
	}
	if compiled.has("timestamp") && c.Timestamp == nil {
		add("has {timestamp}, but no timestamp is configured", "say under timestamp where it is: header, field or body")
	}
	if compiled.has("id") && c.ID == nil {
		add("has {id}, but no id is configured", "say under id where it is: header or body")
	}
	return problems
}

func (c Config) checkTimestamp() []source.Problem {
	t := c.Timestamp
	if t == nil {
		return nil
	}
	var problems []source.Problem
	add := func(field, message, fix string) {
		problems = append(problems, source.Problem{Field: field, Message: message, Fix: fix})
	}
	if given(t.Header, t.Field, t.Body) != 1 {
		add("timestamp", "needs exactly one of header, field and body", "say where the timestamp is")
	}
	if t.Field != "" && c.List == nil {
		add("timestamp.field", "is a pair of list, which is not given", "add list, or name a header")
	}
	if _, err := parseBodyPlace(t.Body); t.Body != "" && err != nil {
		add("timestamp.body", err.Error(), `write keys with dots between, such as data.sent_at or data."a.b"`)
	}
	if t.Tolerance < 0 {
		add("timestamp.tolerance", "is negative", "use 5m, or 0s for no check")
	}
	if t.Body == "" && !c.signsTimestamp() && !c.Insecure {
		add("timestamp", "is not signed: anyone could renew an old delivery", "put {timestamp} into signed as the sender's documentation has it, or leave timestamp out")
	}
	return append(problems, t.checkUnit()...)
}

// signsTimestamp reports whether a timestamp that is no part of the body is signed.
func (c Config) signsTimestamp() bool {
	compiled, err := compileTemplate(c.Signed)
	return err != nil || // said elsewhere
		compiled.has("timestamp") ||
		c.Timestamp.Header != "" && compiled.hasHeader(canonical(c.Timestamp.Header))
}

func (t Timestamp) checkUnit() []source.Problem {
	switch {
	case t.Unit != "layout" && t.Layout != "":
		return []source.Problem{{Field: "timestamp.layout", Message: "is only used with unit: layout", Fix: "remove it, or set unit: layout"}}
	case t.Unit != "layout":
		return nil
	case strings.Contains(t.Layout, "MST"):
		return []source.Problem{{Field: "timestamp.layout", Message: "holds a zone's short name, which is not the same everywhere", Fix: "use Z or an offset such as -0700"}}
	case !completeLayout(t.Layout):
		return []source.Problem{{Field: "timestamp.layout", Message: "does not tell a date and a time to the second", Fix: "write Go's reference time as the sender writes it, such as 2006-01-02T15:04:05Z"}}
	}
	return nil
}

func (c Config) checkID() []source.Problem {
	if c.ID == nil {
		return nil
	}
	if given(c.ID.Header, c.ID.Body) != 1 {
		return []source.Problem{{Field: "id", Message: "needs exactly one of header and body", Fix: "say where the id is"}}
	}
	if _, err := parseBodyPlace(c.ID.Body); c.ID.Body != "" && err != nil {
		return []source.Problem{{Field: "id.body", Message: err.Error(), Fix: `write keys with dots between, such as event.id or data."a.b"`}}
	}
	return nil
}

func (c Config) checkURL() []source.Problem {
	if c.URL == "" {
		return nil
	}
	at, err := url.Parse(c.URL)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
		return []source.Problem{{Field: "url", Message: "is no URL with scheme and host", Fix: "write it as the sender has it, such as https://sever.example.com/v1/hooks/name"}}
	}
	return nil
}

// checkProofs looks at the secrets or keys, as far as they were read.
func (c Config) checkProofs() []source.Problem {
	field, from := c.proofSecrets()
	if len(from) == 0 {
		return []source.Problem{{Field: field, Message: "none is given", Fix: "add at least one env:NAME or file:PATH"}}
	}
	var problems []source.Problem
	kind, known := c.hashKind()
	first := map[string]int{}
	for i, text := range from {
		if !known || text.Reveal() == "" {
			continue
		}
		at := fmt.Sprintf("%s[%d]", field, i)
		if _, err := c.proof(kind, text); err != nil {
			problems = append(problems, source.Problem{Field: at, Message: err.Error(), Fix: "correct it where it is kept, or secret_encoding"})
		}
		if earlier, twice := first[text.Reveal()]; twice {
			problems = append(problems, source.Problem{Field: at, Message: fmt.Sprintf("is the same as entry [%d]", earlier), Fix: "remove one, or give the new value"})
			continue
		}
		first[text.Reveal()] = i
	}
	if c.Labels != nil && (len(c.Labels.Names) != len(from) || repeated(c.Labels.Names)) {
		problems = append(problems, source.Problem{Field: "labels.names", Message: "are not one for each of " + field, Fix: "name each once, in the same order"})
	}
	return problems
}

func repeated(names []string) bool {
	seen := map[string]bool{}
	for _, name := range names {
		if name == "" || seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// given counts the texts that are not empty.
func given(texts ...string) int {
	count := 0
	for _, text := range texts {
		if text != "" {
			count++
		}
	}
	return count
}
