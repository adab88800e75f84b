package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sever/revocation"
)

func sortedKeys(words map[string]string) []string { return slices.Sorted(maps.Keys(words)) }

func (c *compiler) person() persons {
	config := c.config.Person
	person := persons{kind: revocation.PersonKind(config.Kind), attribute: config.Attribute, domains: c.domains()}
	kinds := []revocation.PersonKind{revocation.PersonOktaID, revocation.PersonLogin, revocation.PersonEmail, revocation.PersonAttribute}
	const fix = "use okta_id, login, email or attribute"
	switch {
	case config.Kind == "":
		c.problem("person.kind", "is missing", fix)
	case !slices.Contains(kinds, person.kind):
		c.problem("person.kind", fmt.Sprintf("%q is not known", printable(config.Kind, 50)), fix)
	}
	c.attribute()
	if config.Value == "" {
		c.problem("person.value", "is missing", "say where the value is, such as data.user.email")
	}
	person.value = c.value("person.value", config.Value, wantTexts)
	if config.Extract != "" {
		extract, err := oneGroup(config.Extract)
		if err != nil {
			c.problem("person.extract", err.Error(), "write one whose one group is the value, such as ^[^:]+:(.+)$")
		}
		person.extract = extract
	}
	return person
}

// attribute asks for a name that can stand in a search of Okta's users as profile.NAME.
func (c *compiler) attribute() {
	name := c.config.Person.Attribute
	isAttribute := c.config.Person.Kind == string(revocation.PersonAttribute)
	switch {
	case isAttribute && name == "":
		c.problem("person.attribute", "is missing", "name the attribute of the Okta profile, such as employeeNumber")
	case !isAttribute && name != "":
		c.problem("person.attribute", "is only for kind: attribute", "set kind: attribute, or remove it")
	case isAttribute && !isAttributeName(name):
		c.problem("person.attribute", fmt.Sprintf("%q is no name of an attribute", printable(name, 50)), "use the variable name that Okta's profile editor shows: letters, digits and _, starting with a letter")
	}
}

func isAttributeName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return len(name) <= maxAttribute && strings.ContainsRune(letters, rune(name[0])) && strings.Trim(name, letters+"0123456789_") == ""
}

// domains gives the hosts by the domains' names in lower case.
func (c *compiler) domains() map[string]string {
	given := c.config.Person.Domains
	if kind := revocation.PersonKind(c.config.Person.Kind); len(given) > 0 && (kind == revocation.PersonOktaID || kind == revocation.PersonAttribute) {
		c.problem("person.domains", "is only for the kinds login and email", "remove it, or change person.kind")
	}
	domains := make(map[string]string, len(given))
	for _, name := range sortedKeys(given) {
		lower := strings.ToLower(name)
		if _, twice := domains[lower]; twice {
			c.problem("person.domains", fmt.Sprintf("%q is given twice: case does not count", printable(lower, 50)), "keep one")
		}
		if host := given[name]; host == "" || strings.ContainsAny(host, `@\ `) || strings.ContainsFunc(host, unprintable) {
			c.problem("person.domains", fmt.Sprintf("what stands for %q is no domain", printable(name, 50)), "write what comes behind the @, such as corp.example.com")
		}
		domains[lower] = given[name]
	}
	return domains
}

func (c *compiler) effective(set *settings) {
	config := c.config.Effective
	if config == nil {
		return
	}
	if config.At == "" && !config.Immediately {
		c.problem("effective.at", "is missing", "say where the date is, or set immediately: true")
	}
	due := effective{at: c.value("effective.at", config.At, wantText), zone: time.UTC, immediately: config.Immediately}
	switch zone, err := time.LoadLocation(config.Zone); {
	case err != nil || config.Zone == "Local": // Local is another one on every machine
		c.problem("effective.zone", fmt.Sprintf("%q is no time zone", printable(config.Zone, 50)), "use a name such as America/New_York or UTC")
	default:
		due.zone = zone
	}
	var err error
	if due.hour, due.min, err = parseTimeOfDay(config.TimeOfDay); err != nil {
		c.problem("effective.time_of_day", err.Error(), "write it as 17:30; 24:00 is the end of the day")
	}
	set.effective, set.zone = &due, due.zone
}
