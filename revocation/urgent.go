package revocation

import "context"

type urgentKey struct{}

// Urgent marks work on critical jobs. Under such a context Jobs.Take gives critical jobs
// only, and an Okta may spend what is otherwise reserved for others. One hand of a worker
// works so all the time: it needs no turn behind the other lanes when the budget is spent.
func Urgent(ctx context.Context) context.Context {
	return context.WithValue(ctx, urgentKey{}, true)
}

// IsUrgent reports whether ctx was marked by Urgent.
func IsUrgent(ctx context.Context) bool {
	urgent, _ := ctx.Value(urgentKey{}).(bool)
	return urgent
}
