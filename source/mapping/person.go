package mapping

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sever/okta"
	"sever/revocation"
)

// Lengths of what names a person, in bytes. Okta takes logins of 5 to 100 characters and
// addresses as RFC 5321 does.
const (
	minLogin     = 3
	maxLogin     = 254
	maxAttribute = 100
	maxRawPerson = 4096 // before person.extract
)

// persons says whom an event is about.
type persons struct {
	kind      revocation.PersonKind
	attribute string
	value     *value
	extract   *regexp.Regexp    // matches the whole value; one group
	domains   map[string]string // by name in lower case
}

// find gives the distinct persons that the item names, in its order. problem says, of the
// first value that names nobody, why: where there is one, somebody is missing from found,
// and a person has to look. No other place is searched then: the wrong person is the
// worst that can happen.
func (p persons) find(s *scope) (found []revocation.Person, problem string, err error) {
	values, err := p.value.find(s)
	if err != nil {
		return nil, "", err
	}
	values = flatten(values)
	if len(values) == 0 {
		return nil, p.reason(errNothing), nil
	}
	seen := make(map[string]bool, len(values))
	for _, value := range values {
		name, err := p.name(value)
		switch {
		case err != nil && problem == "":
			problem = p.reason(err)
		case err == nil && !seen[name]:
			seen[name] = true
			found = append(found, revocation.Person{Kind: p.kind, Attribute: p.attribute, Value: name})
		}
	}
	return found, problem, nil
}

func (p persons) reason(err error) string { return p.value.name + ": " + err.Error() }

// Why a value names nobody. The texts hold nothing of it.
var (
	errNothing    = errors.New("there is no value")
	errNoText     = errors.New("the value is neither a text nor a whole number")
	errPersonless = errors.New("the value is empty, or a word such as N/A that stands for nobody")
	errTemplate   = errors.New("the value is a template that the sender did not fill in")
	errExtract    = errors.New("the value does not match person.extract")
	errDomain     = errors.New("the value has a Windows domain that person.domains does not name")
	errOktaID     = errors.New("the value is no Okta user id: 00u and 17 letters or digits")
	errLogin      = errors.New("the value is no login: 3 to 254 printable characters without spaces")
	errEmail      = errors.New("the value is no e-mail address")
	errAttribute  = errors.New("the value is longer than 100 bytes or holds what cannot be printed")
)

// name gives what the person is called in Okta.
func (p persons) name(value any) (string, error) {
	text, err := personText(value)
	if err != nil {
		return "", err
	}
	if p.extract != nil {
		groups := p.extract.FindStringSubmatch(text)
		if groups == nil {
			return "", errExtract
		}
		if text, err = personText(groups[1]); err != nil {
			return "", err
		}
	}
	if p.kind == revocation.PersonLogin || p.kind == revocation.PersonEmail {
		if text, err = p.withoutDomain(text); err != nil {
			return "", err
		}
	}
	return text, checkName(p.kind, text)
}

func personText(value any) (string, error) {
	value = unwrapped(value)
	if value == nil {
		return "", errPersonless
	}
	text, ok := scalar(value)
	number, isNumber := value.(json.Number)
	_, isBool := value.(bool)
	if !ok || isBool || isNumber && !isWhole(number) || !utf8.ValidString(text) || len(text) > maxRawPerson {
		return "", errNoText
	}
	text = strings.TrimSpace(text)
	switch {
	case isPersonless(text):
		return "", errPersonless
	case isTemplate(text):
		return "", errTemplate
	}
	return text, nil
}

// isPersonless knows the words that senders put where there is no person.
func isPersonless(text string) bool {
	return slices.Contains([]string{
		"", "n/a", "na", "-", "--", "none", "null", "(null)", "nil", "<nil>", "<none>", "unknown", "undefined", "(empty)", "not available",
	}, strings.ToLower(text))
}

// isTemplate knows placeholders that a sender's template left as they were: {{user}},
// ${user}, %{user}, [[user]], <user>, and Datadog's $USER and Splunk's $result.user$.
func isTemplate(text string) bool {
	if strings.HasPrefix(text, "$") {
		return true
	}
	for _, mark := range []string{"{{", "}}", "${", "%{", "[[", "]]", "<", ">"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// withoutDomain makes sam@corp.example.com of CORP\sam, if the settings say what CORP is.
func (p persons) withoutDomain(text string) (string, error) {
	domain, account, windows := strings.Cut(text, `\`)
	if !windows {
		return text, nil
	}
	host, known := p.domains[strings.ToLower(domain)]
	if !known || account == "" || strings.ContainsAny(account, `\@`) {
		return "", errDomain
	}
	return account + "@" + host, nil
}

func checkName(kind revocation.PersonKind, text string) error {
	switch kind {
	case revocation.PersonOktaID:
		if _, err := okta.ParseUserID(text); err != nil {
			return errOktaID
		}
	case revocation.PersonLogin:
		if !isLogin(text) {
			return errLogin
		}
	case revocation.PersonEmail:
		if !isLogin(text) || !isAddress(text) {
			return errEmail
		}
	case revocation.PersonAttribute:
		if len(text) > maxAttribute || strings.ContainsFunc(text, unprintable) {
			return errAttribute
		}
	}
	return nil
}

func isAddress(text string) bool {
	local, host, _ := strings.Cut(text, "@")
	return local != "" && host != "" && !strings.Contains(host, "@")
}

func isLogin(text string) bool {
	return len(text) >= minLogin && len(text) <= maxLogin &&
		!strings.ContainsFunc(text, func(r rune) bool { return unprintable(r) || unicode.IsSpace(r) })
}

// unprintable is true of control characters, of such that show nothing or turn the text
// round, and of every space but the usual one.
func unprintable(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }
