package verify

import "errors"

// Why a delivery with a signature is refused. What was sent is never part of the text.
var (
	ErrMissing   = errors.New("is missing")
	ErrMalformed = errors.New("is not in the configured form")
	ErrStale     = errors.New("is further from now than the tolerance")
	ErrMismatch  = errors.New("does not match")
)
