package revocation

import "time"

// Approvals says what is asked for before a held job goes.
type Approvals struct {
	People  int           // operators who must approve
	Expire  time.Duration // how long they have; 0 for as long as it takes
	Release bool          // let the job go then; else it becomes a dead letter
}

// Apply sets on a hold what operators are asked for. However a job is held, letting it go
// before its time is an approval, so that as many people must give it: the brake, the mode
// approve and the protections that hold ask nobody once more. Only what waits for operators
// expires.
//
// A job that time lets go is not approved. One that is held for its person's sake is never
// let go so: that is for operators alone.
func (a Approvals) Apply(hold Hold) Hold {
	hold.People = a.People
	switch hold.Why {
	case HeldForApproval, HeldForBrake, HeldForProtected:
	default:
		return hold
	}
	if !hold.Due.IsZero() || a.Expire <= 0 {
		return hold
	}
	if a.Release && hold.Why != HeldForProtected {
		hold.Due = hold.Held.Add(a.Expire)
	} else {
		hold.Expires = hold.Held.Add(a.Expire)
	}
	return hold
}
