package config

import "strings"

// Needs says which secrets and files a process reads. The stages are split by
// secret: a worker never reads a sender's, a receiver never Okta's, and a person at
// a terminal who lists jobs needs neither. What is not needed is only checked for
// its form; its Secret then reveals nothing.
type Needs uint8

// What can be needed.
const (
	OktaSecrets   Needs = 1 << iota // under orgs
	SenderSecrets                   // under sources and tls
	AdminSecrets                    // under admin
	QueueSecrets                    // under nats
	NoticeSecrets                   // under notices

	allSecrets = OktaSecrets | SenderSecrets | AdminSecrets | QueueSecrets | NoticeSecrets
)

// needOf gives what a field belongs to.
func needOf(field string) Needs {
	section, _, _ := strings.Cut(field, ".")
	switch section {
	case "orgs":
		return OktaSecrets
	case "sources", "tls":
		return SenderSecrets
	case "admin":
		return AdminSecrets
	case "nats":
		return QueueSecrets
	case "notices":
		return NoticeSecrets
	default:
		return allSecrets
	}
}

func (n Needs) includes(field string) bool { return n&needOf(field) != 0 }
