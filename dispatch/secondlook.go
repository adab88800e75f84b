package dispatch

import (
	"context"
	"fmt"

	"sever/revocation"
)

// callsOffSecondLook reports whether a signal says that a person is trusted again.
func callsOffSecondLook(signal revocation.Signal) bool {
	switch signal.Type {
	case "user.lifecycle.unsuspend", "user.lifecycle.activate", "user.lifecycle.reactivate":
		return true
	default:
		return signal.Kind == revocation.KindWithdrawal
	}
}

// callOffSecondLooks ends what waits to revoke a person once more who is trusted again. It
// knows those whom the earlier alert named in the same way, as an HR system does in a withdrawal, and by
// Okta's id everybody.
func (d *Dispatcher) callOffSecondLooks(ctx context.Context, signal revocation.Signal) error {
	if signal.Person.IsZero() {
		return nil
	}
	keys, err := d.deps.Holds.Find(ctx, revocation.HeldForSecondLook, signal.Org, signal.Person)
	if err != nil {
		return fmt.Errorf("look for second looks: %w", err)
	}
	for _, key := range keys {
		entry, outcome, err := d.change(ctx, key, func(e revocation.HoldEntry) (revocation.HoldEntry, revocation.HoldOutcome) {
			return e.CallOff(signal, d.config.Now())
		})
		if err != nil {
			return err
		}
		if outcome != revocation.HoldChanged && outcome != revocation.HoldRepeated {
			continue
		}
		if err := d.evidence(ctx, signal, revocation.StepWithdrawn, entry, outcome); err != nil {
			return err
		}
	}
	return nil
}
