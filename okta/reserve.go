package okta

import "context"

type reserveKey struct{}

// WithReserve lets the calls under ctx spend the share of Okta's limits that
// [Config.Reserve] otherwise leaves to other clients.
func WithReserve(ctx context.Context) context.Context {
	return context.WithValue(ctx, reserveKey{}, true)
}

// floorFor is how much of a limit is left alone by a call under ctx.
func (b *budget) floorFor(ctx context.Context, limit int) int {
	if spend, _ := ctx.Value(reserveKey{}).(bool); spend {
		return 0
	}
	return b.floor(limit)
}
