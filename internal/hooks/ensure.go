package hooks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"sever/okta"
)

// UnverifiedError says that a hook is there but Okta could not verify it, so that it gets no events. [Probe] may know why.
type UnverifiedError struct {
	ID  okta.EventHookID
	Err error // Okta's
}

func (e *UnverifiedError) Error() string {
	return fmt.Sprintf("event hook %s is not verified and gets no events: %v", e.ID, e.Err)
}

func (e *UnverifiedError) Unwrap() error { return e.Err }

// Ensure does what the diff asks for, and nothing when there is none; setSecret replaces the hook all the same, for its
// secret. It gives what was done, in order, also when a later step failed. want carries the secret, which every creation and
// replacement sends.
func Ensure(ctx context.Context, client *okta.Client, want okta.EventHookSpec, diff Diff, setSecret bool) (done []string, err error) {
	var hook okta.RegisteredEventHook
	switch {
	case diff.Hook == nil:
		hook, _, err = client.CreateEventHook(ctx, want)
		done = append(done, "created")
	case diff.replaces() || setSecret:
		hook, _, err = client.ReplaceEventHook(ctx, diff.Hook.ID, keepRest(want, *diff.Hook))
		done = append(done, "replaced")
	default:
		hook = *diff.Hook
	}
	if err != nil {
		return nil, err
	}
	if hook.Status != active {
		if hook, _, err = client.ActivateEventHook(ctx, hook.ID); err != nil {
			return done, err
		}
		done = append(done, "activated")
	}
	if hook.Verification == verified {
		return done, nil
	}
	if err := Verify(ctx, client, hook.ID); err != nil {
		return done, err
	}
	return append(done, "verified"), nil
}

// keepRest takes over from the old hook what a configuration cannot say. A filter of a type that goes, goes too.
func keepRest(want okta.EventHookSpec, have okta.RegisteredEventHook) okta.EventHookSpec {
	want.Description, want.Headers = have.Description, have.Headers
	want.Filters = maps.Clone(have.Filters)
	maps.DeleteFunc(want.Filters, func(event, _ string) bool { return !slices.Contains(want.Events, event) })
	return want
}

// Verify has Okta send its challenge to the hook. The error is an [*UnverifiedError] when the endpoint did not answer it.
func Verify(ctx context.Context, client *okta.Client, id okta.EventHookID) error {
	hook, _, err := client.VerifyEventHook(ctx, id)
	if okta.ClassOf(err) == okta.ClassInvalid { // https://developer.okta.com/docs/concepts/event-hooks/: a 400
		return &UnverifiedError{ID: id, Err: err}
	}
	if err != nil {
		return err
	}
	if hook.Verification != verified {
		return &UnverifiedError{ID: id, Err: errors.New("okta took the call and still does not show the hook as VERIFIED")}
	}
	return nil
}
