package app

import (
	"fmt"
	"slices"
	"strings"
)

// Roles are the stages that a process runs. They are split by secret: receive
// holds the senders' secrets and faces the internet, work holds Okta's credential.
type Roles struct{ Receive, Dispatch, Work bool }

// AllRoles is what `sever serve` runs unless told otherwise.
func AllRoles() Roles { return Roles{Receive: true, Dispatch: true, Work: true} }

// ParseRoles reads a list such as "receive,dispatch".
func ParseRoles(list string) (Roles, error) {
	var roles Roles
	for name := range strings.SplitSeq(list, ",") {
		switch strings.TrimSpace(name) {
		case "receive":
			roles.Receive = true
		case "dispatch":
			roles.Dispatch = true
		case "work":
			roles.Work = true
		default:
			return Roles{}, fmt.Errorf("role %q is unknown: name some of receive, dispatch, work", name)
		}
	}
	return roles, nil
}

// String lists the roles as ParseRoles reads them.
func (r Roles) String() string {
	var names []string
	for name, runs := range map[string]bool{"receive": r.Receive, "dispatch": r.Dispatch, "work": r.Work} {
		if runs {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

func (r Roles) all() bool { return r == AllRoles() }
