package source

import (
	"maps"
	"slices"
)

// OktaTypeNames are all types the decoder reads.
func OktaTypeNames() []string { return slices.Sorted(maps.Keys(oktaTypes())) }
