package revocation_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain has rapid play the same plans each time, unless it is told how many to play: a finding
// of `make model` is a task, and no reason for somebody else's change to fail.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" || f.Name == "rapid.seed" })
	if !asked {
		if err := flag.Set("rapid.seed", "1"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}
