package verify

import (
	"cmp"
	"context"
	"errors"

	"sever/source"
)

// All accepts what every one of its verifiers accepts. There is no verifier that accepts
// what any one does: it would be as weak as its weakest.
type All []source.Verifier

// Early refuses what one of them refuses.
func (a All) Early(req source.Request) error {
	for _, verifier := range a {
		if err := verifier.Early(req); err != nil {
			return err
		}
	}
	return nil
}

// Verify asks each in turn. The id is the first that is given. At most one of them may
// take its secret out of the body; the configuration sees to that. What one finds stale is so for all,
// and is still asked about: that it is genuine is for all of them to say.
func (a All) Verify(ctx context.Context, req source.Request) (source.Verified, error) {
	var all source.Verified
	var stale *source.StaleError // the first
	for _, verifier := range a {
		verified, err := verifier.Verify(ctx, req)
		if late, ok := errors.AsType[*source.StaleError](err); ok {
			verified, err, stale = late.Verified, nil, cmp.Or(stale, late)
		}
		if err != nil {
			return source.Verified{}, err
		}
		if all.ID == "" {
			all.ID = verified.ID
		}
		if verified.Body != nil {
			all.Body = verified.Body
		}
	}
	if stale != nil {
		return source.Verified{}, &source.StaleError{Verified: all, Cause: stale.Cause}
	}
	return all, nil
}
