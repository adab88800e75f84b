package ssf

import (
	"fmt"
	"strings"
	"unicode"

	"sever/okta"
	"sever/revocation"
)

const (
	maxAliases = 20
	// maxAddress is the longest e-mail address there can be (RFC 5321, 4.5.3.1.3).
	maxAddress = 254
)

// subjects finds the person that a subject identifier (RFC 9493) names.
type subjects struct {
	oktaIssuers map[string]bool // whose sub is an Okta user id of the org
}

// person gives the one person that a subject names, or why it names nobody.
//
// Of a complex subject only the user counts: a session, a device or a tenant is no person.
// Its members are simple by the framework (section 3.3), so nothing nests deeper.
func (s subjects) person(subject object) (named revocation.Person, nobody string) {
	if subject == nil {
		return revocation.Person{}, "there is no subject"
	}
	format, problem := formatOf(subject)
	if problem != "" {
		return revocation.Person{}, problem
	}
	if format != "complex" {
		return s.simple(format, subject)
	}
	user := subject.object("user")
	if user == nil {
		return revocation.Person{}, "the complex subject has no user"
	}
	if format, problem = formatOf(user); problem != "" {
		return revocation.Person{}, "the subject's user: " + problem
	}
	return s.simple(format, user)
}

// formatOf reads how a subject is written. Drafts of RISC called it subject_type; the
// framework's drafts wrote a complex subject without any format, and so do Okta's examples
// (https://developer.okta.com/docs/guides/configure-ssf-receiver).
func formatOf(subject object) (format, problem string) {
	format, legacy := subject.text("format"), strings.ReplaceAll(subject.text("subject_type"), "-", "_")
	switch {
	case format != "" && legacy != "" && format != legacy:
		return "", "the subject has two formats"
	case format != "":
		return format, ""
	case legacy != "":
		return legacy, ""
	case subject.object("user") != nil:
		return "complex", ""
	default:
		return "", "the subject has no format"
	}
}

func (s subjects) simple(format string, subject object) (named revocation.Person, nobody string) {
	if format == "aliases" {
		return s.aliases(subject)
	}
	return s.identifier(format, subject)
}

// identifier reads the formats that name one thing one way.
//
// acct:jane@example.com names an account at example.com, which need not be anyone's Okta
// login or e-mail address: nobody.
func (s subjects) identifier(format string, subject object) (named revocation.Person, nobody string) {
	switch format {
	case "email":
		if address := subject.text("email"); isAddress(address) {
			return revocation.Person{Kind: revocation.PersonEmail, Value: address}, ""
		}
		return revocation.Person{}, "the subject's email is no e-mail address"
	case "iss_sub":
		if !s.oktaIssuers[issuerKey(subject.text("iss"))] {
			return revocation.Person{}, "the subject's issuer is not this Okta org, so its sub is no Okta user id"
		}
		id, err := okta.ParseUserID(subject.text("sub"))
		if err != nil {
			return revocation.Person{}, err.Error()
		}
		return revocation.Person{Kind: revocation.PersonOktaID, Value: string(id)}, ""
	default:
		return revocation.Person{}, fmt.Sprintf("a subject of format %.40q names nobody in Okta", format)
	}
}

// aliases are several identifiers of what the transmitter takes for one subject. Exactly
// one of them must be of use, however often it stands there: of two that differ, which
// Okta may know as two people, none is chosen.
func (s subjects) aliases(subject object) (named revocation.Person, nobody string) {
	list, _ := subject["identifiers"].([]any)
	if len(list) == 0 || len(list) > maxAliases {
		return revocation.Person{}, fmt.Sprintf("the subject has %d aliases; 1 to %d are read", len(list), maxAliases)
	}
	for _, entry := range list {
		alias := asObject(entry)
		format, problem := formatOf(alias)
		if problem != "" {
			return revocation.Person{}, "an alias: " + problem
		}
		person, unusable := s.identifier(format, alias)
		switch {
		case unusable != "":
			continue
		case named.IsZero():
			named = person
		case named != person:
			return revocation.Person{}, "the subject's aliases name Okta users in more than one way"
		}
	}
	if named.IsZero() {
		return revocation.Person{}, "none of the subject's aliases names anybody in Okta"
	}
	return named, ""
}

// isAddress wants what looks like one e-mail address and nothing around it.
func isAddress(text string) bool {
	user, host, found := strings.Cut(text, "@")
	return found && user != "" && host != "" && len(text) <= maxAddress && !strings.Contains(host, "@") &&
		!strings.ContainsFunc(text, func(r rune) bool {
			return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>"(),;:\`, r)
		})
}

// issuerKey makes issuers comparable: the same URL with and without a slash at its end is
// the same issuer.
func issuerKey(issuer string) string { return strings.TrimSuffix(issuer, "/") }

func issuerSet(issuers []string) map[string]bool {
	set := make(map[string]bool, len(issuers))
	for _, issuer := range issuers {
		if key := issuerKey(issuer); key != "" {
			set[key] = true
		}
	}
	return set
}
