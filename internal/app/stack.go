package app

import (
	"errors"
	"fmt"
	"slices"
)

// stack undoes what was started, in reverse order.
type stack struct{ steps []teardown }

type teardown struct {
	name string
	undo func() error
}

func (s *stack) push(name string, undo func() error) {
	s.steps = append(s.steps, teardown{name, undo})
}

// unwind undoes everything, whatever fails on the way.
func (s *stack) unwind() error {
	var errs []error
	for _, step := range slices.Backward(s.steps) {
		if err := step.undo(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", step.name, err))
		}
	}
	s.steps = nil
	return errors.Join(errs...)
}
