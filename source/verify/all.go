package verify

import (
	"context"

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
// take its secret out of the body; the configuration sees to that.
func (a All) Verify(ctx context.Context, req source.Request) (source.Verified, error) {
	var all source.Verified
	for _, verifier := range a {
		verified, err := verifier.Verify(ctx, req)
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
	return all, nil
}
