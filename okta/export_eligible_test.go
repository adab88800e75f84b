package okta

import "strings"

// HookEligibleCount is how many types the list has.
func HookEligibleCount() int { return strings.Count(hookEligible, "\n") - 1 }
